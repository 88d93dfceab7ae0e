// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two 8259 chips stand between the devices and the CPU. Each has eight lines;
 * the second is joined to line 2 of the first. They say which line it was by
 * the vector that they send, and are silent until they hear that the handler
 * has done its work (Intel 8259A datasheet).
 */
#include <stdbool.h>
#include <stdint.h>

#include "io.h"
#include "pic.h"

#define MASTER 0x20
#define SLAVE 0xa0
#define COMMAND 0
#define DATA 1 /* which lines are masked; after ICW1, the next ICWs */

#define ICW1 0x11 /* begin; ICW4 will come */
#define ICW4 0x01 /* as in a PC */
#define READ_ISR 0x0b /* OCW3: the next read says which lines are being served */
#define EOI 0x20 /* OCW2: the most urgent of them is done */

#define FIRST_VECTOR 0x20 /* below are the exceptions of the CPU */

static handler *handlers[16];

/*
 * A request may go away while the CPU asks for its number. The chip must say
 * something, and says 7, without serving it: such a one must not be ended.
 */
static bool is_spurious(uint16_t chip, unsigned int line)
{
	if (line != 7)
		return false;
	outb(chip + COMMAND, READ_ISR);
	return !(inb(chip + COMMAND) >> 7);
}

static void on_irq(struct frame *frame)
{
	unsigned int irq = frame->vector - FIRST_VECTOR;

	if (is_spurious(irq < 8 ? MASTER : SLAVE, irq % 8)) {
		if (irq >= 8) /* the first chip thinks that it was real */
			outb(MASTER + COMMAND, EOI);
		return;
	}
	if (handlers[irq])
		handlers[irq](frame);
	if (irq >= 8)
		outb(SLAVE + COMMAND, EOI);
	outb(MASTER + COMMAND, EOI);
}

/* Both get four words, one after the other. Then all lines are masked. */
void pic_init(void)
{
	unsigned int irq;

	outb(MASTER + COMMAND, ICW1);
	outb(MASTER + DATA, FIRST_VECTOR);
	outb(MASTER + DATA, 1 << IRQ_CASCADE);
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

void pic_set(enum irq irq, handler *handler)
{
	uint16_t mask = (irq < 8 ? MASTER : SLAVE) + DATA;

	handlers[irq] = handler;
	outb(mask, inb(mask) & ~(1 << irq % 8));
}
