gdt:
	dq	0
	descriptor 0, 0xfffff, IS_CODE, FLAT
	descriptor 0, 0xfffff, IS_DATA, FLAT
	descriptor at(ldt), ldt_end - ldt - 1, IS_LDT, 0
gdt_end:
ldt:
	descriptor 0xc0000000, 15, IS_GLASS, BYTES
ldt_end:
