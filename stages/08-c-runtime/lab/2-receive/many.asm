; SPDX-License-Identifier: GPL-2.0-only
; The chip talks to itself, and what it then says of it is sent in hex.
FCR	equ COM1 + 2
MCR	equ COM1 + 4

%macro put 2
	mov	dx, %1
	mov	al, %2
	out	dx, al
%endmacro

	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	sp, 0x7000
	cld
	mov	di, 0x6000
	put	FCR, 1			; FIFOs on
	put	MCR, 0x10		; loopback

	mov	al, 'a'
	mov	cx, 17
	mov	dx, COM1
send:	out	dx, al
	inc	al
	loop	send

	mov	dx, COM1_LSR
	insb
	mov	dx, COM1
	mov	cx, 16
	rep	insb
	mov	dx, COM1_LSR
	insb

	put	MCR, 0
	mov	si, 0x6000
show:	lodsb
	mov	ah, al
	shr	al, 4
	call	digit
	mov	al, ah
	call	digit
	cmp	si, di
	je	done
	mov	al, ' '
	out	dx, al
	jmp	show
done:	print	10
	rest

digit:	mov	dx, COM1
	and	al, 15
	add	al, '0'
	cmp	al, '9'
	jbe	.out
	add	al, 'a' - '9' - 1
.out:	out	dx, al
	ret
