; IN of one, two and four bytes from a port at which nobody listens; EAX after each, in hex.
	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, 0x7000
	mov	eax, 0x11223344
	in	al, 0x71
	call	show
	mov	eax, 0x11223344
	in	ax, 0x71
	call	show
	mov	eax, 0x11223344
	in	eax, 0x71
	call	show
	cli
	hlt

show:
	mov	cx, 4
.byte:
	rol	eax, 8
	mov	ebx, eax
	shr	al, 4
	call	digit
	mov	al, bl
	and	al, 15
	call	digit
	mov	al, ' '
	cmp	cx, 1
	jne	.out
	mov	al, 10
.out:
	mov	dx, 0x3f8
	out	dx, al
	mov	eax, ebx
	loop	.byte
	ret

digit:
	cmp	al, 10
	jb	.send
	add	al, 'a' - '0' - 10
.send:
	add	al, '0'
	mov	dx, 0x3f8
	out	dx, al
	ret
