; SPDX-License-Identifier: GPL-2.0-only
	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, 0x7000
	cli
	handle	0x24, taken
	mov	si, begun
	call	say
	mov	si, words		; to the first controller, at ports 20h and 21h
	mov	dx, 0x20
.word:	lodsb
	out	dx, al
	mov	dx, 0x21
	cmp	si, words_end
	jb	.word
	mov	dx, 0x3fc		; OUT2: the serial port's line is joined
	mov	al, 8
	out	dx, al

	mov	dx, 0x3f9		; its transmitter is empty, so the line goes up
	mov	al, 2
	out	dx, al
	mov	ecx, 20000
	a32 loop $
	sti
	nop
	nop
	cli
	mov	si, came
	call	tell

	sti
	nop
	out	0x80, al		; a trip to VTXCTL
	nop
	nop
	cli
	mov	si, later
	call	tell

	mov	dx, 0x3f9
	xor	ax, ax
	out	dx, al
	mov	al, 2
	out	dx, al
	mov	dx, 0x3fa		; to read the reason takes the line down
	in	al, dx
	sti
	nop
	nop
	cli
	mov	si, gone
	call	tell
	rest

say:	mov	dx, COM1		; and what it sends makes it ring again
.next:	lodsb
	out	dx, al
	cmp	al, ' '
	ja	.next
	ret

tell:	call	say
	mov	al, [count]
	mov	byte [count], 0
	add	al, '0'
	out	dx, al
	mov	al, 13
	out	dx, al
	mov	al, 10
	out	dx, al
	ret

taken:	push	ax
	inc	byte [count]
	mov	al, 0x20
	out	0x20, al
	pop	ax
	iret

words:	db	0x11, 0x20, 4, 1, 0xef
words_end:
count:	db	0
begun:	db	"begun", 10
came:	db	"came: "
later:	db	"later: "
gone:	db	"gone: "
