/* SPDX-License-Identifier: GPL-2.0-only */
/* Two kinds of code: NanoX in ring 0, its programs in ring 3. */
#ifndef RING3_H
#define RING3_H

#define SEL_CODE 0x08 /* as in boot.asm */
#define SEL_DATA 0x10
#define SEL_PROGRAM_CODE (0x18 | 3)
#define SEL_PROGRAM_DATA (0x20 | 3)
#define SEL_PROGRAM_STACK (0x28 | 3)
#define SEL_ABSENT (0x30 | 3) /* a segment that is not there */
#define SEL_TSS 0x38

void ring3_init(void);
void ring3_begin(void (*program)(void)) __attribute__((noreturn));

#endif /* RING3_H */
