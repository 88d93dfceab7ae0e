	[VTX_FORM_HOST_CS] = { HOST_RIP, .set = 1ULL << 63 },
