; SPDX-License-Identifier: GPL-2.0-only
; Rings three times and listens once.
	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, 0x7000
	handle	0x41, one
	handle	0x42, two
	handle	0x43, three
	cli
	mov	al, 0x41
	out	0xf5, al
	mov	al, 0x42
	out	0xf5, al
	mov	al, 0x43
	out	0xf5, al
	sti
	mov	ecx, 3000
.busy:	a32 loop .busy
	print	'X'
	print	10
	cli
	hlt
one:	print	'a'
	iret
two:	print	'b'
	iret
three:	print	'c'
	iret
