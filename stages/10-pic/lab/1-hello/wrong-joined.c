/* Both get four words, one after the other. Then all lines are masked. */
void pic_init(void)
{
	unsigned int irq;

	outb(MASTER + COMMAND, ICW1);
	outb(MASTER + DATA, FIRST_VECTOR);
	outb(MASTER + DATA, IRQ_CASCADE);
	outb(MASTER + DATA, ICW4);
	outb(SLAVE + COMMAND, ICW1);
	outb(SLAVE + DATA, FIRST_VECTOR + 8);
	outb(SLAVE + DATA, IRQ_CASCADE);
	outb(SLAVE + DATA, ICW4);

	outb(MASTER + DATA, 0xff & ~(1 << IRQ_CASCADE));
	outb(SLAVE + DATA, 0xff);

	for (irq = 0; irq < 16; irq++)
		idt_set(FIRST_VECTOR + irq, on_irq);
}

