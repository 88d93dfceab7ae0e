gdt:
	dq	0
	descriptor 0, 0xfffff, IS_CODE, FLAT
	descriptor 0, 0xfffff, IS_DATA, FLAT
	descriptor at(ldt), ldt_end - ldt - 1, 0x02, 0
gdt_end:
ldt:
	descriptor at(window), 15, IS_GLASS, BYTES
ldt_end:
