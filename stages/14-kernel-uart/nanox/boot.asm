; SPDX-License-Identifier: GPL-2.0-only
;
; The way from real mode to C: a table of segments, one bit, one jump. From
; there on nothing is written in assembly that C can say.

CODE	equ	1 * 8			; selectors: which entry, times 8
DATA	equ	2 * 8

CR0_PE	equ	1			; protected mode

extern	_start

section	.boot

	bits	16
boot:
	cli				; there is no table for interrupts
	xor	ax, ax
	mov	ds, ax
	lgdt	[gdt_pointer]
	mov	eax, cr0
	or	al, CR0_PE
	mov	cr0, eax		; protected, but CS is still the old one
	jmp	dword CODE:start32

	bits	32
start32:
	mov	ax, DATA
	mov	ds, ax
	mov	es, ax
	mov	fs, ax
	mov	gs, ax
	mov	ss, ax
	jmp	_start			; crt0: a stack, .bss, main

; The tables: all of memory, twice. The first entry is never used.

	align	8
gdt:
	dq	0
	dq	0x00cf9a000000ffff	; code
	dq	0x00cf92000000ffff	; data
gdt_end:

gdt_pointer:
	dw	gdt_end - gdt - 1
	dd	gdt
