; SPDX-License-Identifier: GPL-2.0-only
	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, 0x7000
	cli
	handle	0x23, taken
	mov	si, asleep
	call	say
	mov	si, words		; to the first controller: vectors from 20h, line 3 alone
	mov	dx, 0x20
.word:	lodsb
	out	dx, al
	mov	dx, 0x21
	cmp	si, words_end
	jb	.word
	sti
	hlt
	cli
	mov	si, woken
	call	say
	rest

say:	mov	dx, COM1
.next:	lodsb
	out	dx, al
	cmp	al, ' '
	ja	.next
	ret

taken:	push	ax
	mov	al, 0xff
	out	0x21, al
	mov	al, 0x20
	out	0x20, al
	pop	ax
	iret

words:	db	0x11, 0x20, 4, 1, 0xf7
words_end:
asleep:	db	"asleep", 10
woken:	db	"woken", 10
