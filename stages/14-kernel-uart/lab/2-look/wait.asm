; SPDX-License-Identifier: GPL-2.0-only
; Sleeps until a key comes.
	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, 0x7000
	cli

%macro put 2
	mov	dx, %1
	mov	al, %2
	out	dx, al
%endmacro

	put	0x20, 0x11
	put	0x21, 0x20
	put	0x21, 4
	put	0x21, 1
	put	0x21, 0xef
	put	COM1 + 4, 8
	put	COM1 + 1, 1
	print	'R'
	print	10
sleep:	sti
	hlt
	jmp	sleep
