void idt_init(void)
{
	const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) pointer = { sizeof(table) - 1, (uint32_t)table };
	unsigned int i;

	for (i = 0; i < VECTORS; i++) {
		uint32_t entry = (uint32_t)isr_entries + i * ENTRY_SIZE;

		table[i] = (struct gate){ entry & 0xffff, CODE, GATE, entry >> 16 };
	}
	table[64].selector = 0;
	asm volatile("lidt %0"
		     :
		     : "m"(pointer));
}
