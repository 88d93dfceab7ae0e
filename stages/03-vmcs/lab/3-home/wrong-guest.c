	[VTX_FORM_HOST_CS] = { GUEST_RIP, .set = 1ULL << 63 },
