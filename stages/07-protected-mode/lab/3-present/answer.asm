gdt:
	dq	0
	descriptor 0, 0xfffff, IS_CODE, FLAT
	descriptor 0, 0xfffff, IS_DATA, FLAT
	descriptor at(ldt), ldt_end - ldt - 1, IS_LDT, 0
gdt_end:
ldt:
	descriptor at(window), 15, IS_GLASS & 0x7f, BYTES
ldt_end:
