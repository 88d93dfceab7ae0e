/* Word by word to both, from a table. */
void pic_init(void)
{
	static const uint8_t words[][2] = {
		{ ICW1, ICW1 },
		{ FIRST_VECTOR, FIRST_VECTOR + 8 },
		{ 1 << IRQ_CASCADE, IRQ_CASCADE },
		{ ICW4, ICW4 },
		{ 0xfb, 0xff },
	};
	unsigned int i;

	for (i = 0; i < 5; i++) {
		outb(MASTER + (i ? DATA : COMMAND), words[i][0]);
		outb(SLAVE + (i ? DATA : COMMAND), words[i][1]);
	}
	for (i = FIRST_VECTOR + 15; i >= FIRST_VECTOR; i--)
		idt_set(i, on_irq);
}

