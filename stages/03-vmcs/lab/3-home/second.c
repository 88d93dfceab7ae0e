	[VTX_FORM_HOST_CS] = { HOST_RIP, .clear = ~0ULL, .set = 1ULL << 47 },
