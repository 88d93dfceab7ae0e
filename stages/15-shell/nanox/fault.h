/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of an exception. */
#ifndef FAULT_H
#define FAULT_H

#include "idt.h"

void fault(const struct frame *frame) __attribute__((noreturn));
void frame_print(const struct frame *frame);

#endif /* FAULT_H */
