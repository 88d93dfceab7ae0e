/* SPDX-License-Identifier: GPL-2.0-only */
/* The pair of interrupt controllers: sixteen lines, each with a number. */
#ifndef PIC_H
#define PIC_H

#include "idt.h"

enum irq {
	IRQ_TIMER = 0,
	IRQ_KEYBOARD = 1,
	IRQ_CASCADE = 2, /* here the second chip is joined to the first */
	IRQ_COM1 = 4,
};

void pic_init(void);
void pic_set(enum irq irq, handler *handler); /* and listen to it */
unsigned int pic_count(enum irq irq); /* how often it came */

#endif /* PIC_H */
