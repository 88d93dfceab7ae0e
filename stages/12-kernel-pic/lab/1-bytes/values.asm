; SPDX-License-Identifier: GPL-2.0-only
	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, 0x7000
	cli
	mov	al, 0x5a		; each controller its own mask
	out	0x21, al
	mov	al, 0xa5
	out	0xa1, al

	mov	si, one
	call	say
	in	al, 0x21
	call	byte_out
	mov	al, ' '
	call	letter
	in	al, 0xa1
	call	byte_out

	mov	si, words		; reads: where it begins, and what is said of it
.next:	call	say
	lodsw
	xchg	ax, dx
	in	ax, dx
	call	word_out
	cmp	si, words_end
	jb	.next

	mov	dx, 0x4ce		; the upper half is the controllers'
	mov	eax, 0x0820bbaa
	out	dx, eax
	mov	si, levels
	call	say
	mov	dx, 0x4d0
	in	ax, dx
	call	word_out
	mov	al, 10
	call	letter
	rest

; The text at SI, up to its 0.
say:	lodsb
	test	al, al
	jz	.end
	call	letter
	jmp	say
.end:	ret

word_out:
	push	ax
	mov	al, ah
	call	byte_out
	pop	ax
byte_out:
	push	ax
	shr	al, 4
	call	digit
	pop	ax
	and	al, 15
digit:	cmp	al, 10
	sbb	al, 0x69
	das				; a number below 16 becomes its digit
	or	al, 0x20		; a small letter
letter:	push	dx
	mov	dx, COM1
	out	dx, al
	pop	dx
	ret

one:	db	"one: ", 0
words:	db	10, "word: ", 0
	dw	0x20
	db	10, "beside: ", 0
	dw	0x21
	db	10, "behind: ", 0
	dw	0x1f
words_end:
levels:	db	10, "levels: ", 0
