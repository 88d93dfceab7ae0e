; SPDX-License-Identifier: GPL-2.0-only
TICKS	equ	20			; of the slowest rate: a second and a bit

	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, 0x7000
	cli
	handle	0x20, tick
	mov	si, words		; to the first controller: vectors from 20h, line 0 alone
	mov	dx, 0x20
.word:	lodsb
	out	dx, al
	mov	dx, 0x21
	cmp	si, words_end
	jb	.word
	mov	al, 0x34		; the timer: mode 2, as slow as it goes
	out	0x43, al
	xor	al, al
	out	0x40, al
	out	0x40, al
.more:	sti
	hlt
	cmp	byte [count], TICKS
	jb	.more
	cli
	mov	si, slept
	mov	dx, COM1
	mov	cx, slept_end - slept
	rep	outsb
	rest

tick:	push	ax
	inc	byte [count]
	mov	al, 0x20
	out	0x20, al
	pop	ax
	iret

words:	db	0x11, 0x20, 4, 1, 0xfe
words_end:
count:	db	0
slept:	db	"slept", 10
slept_end:
