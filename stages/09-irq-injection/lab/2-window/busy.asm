; SPDX-License-Identifier: GPL-2.0-only
; Rings, listens, and is then busy without speaking to any device.
	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, 0x7000
	handle	0x40, hit
	cli
	mov	al, 0x40
	out	0xf5, al
	sti
	mov	ecx, 3000
.busy:	a32 loop .busy
	print	'B'
	print	10
	cli
	hlt
hit:	print	'I'
	iret
