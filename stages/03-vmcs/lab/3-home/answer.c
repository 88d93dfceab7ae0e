	[VTX_FORM_HOST_CS] = { HOST_RIP, .clear = 1ULL << 63 },
