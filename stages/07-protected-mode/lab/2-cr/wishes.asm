; A wish for each letter that is typed.
	xor	ax, ax
	mov	ds, ax
.wait:
	mov	dx, COM1_LSR
	in	al, dx
	test	al, 1
	jz	.wait
	mov	dx, COM1
	in	al, dx

	cmp	al, 'p'			; paging without protected mode
	jne	.n
	mov	eax, 0x80000010
	mov	cr0, eax
.n:	cmp	al, 'n'			; NW without CD
	jne	.v
	mov	eax, 0x20000010
	mov	cr0, eax
.v:	cmp	al, 'v'			; CR4: VMX, which it has not
	jne	.f
	mov	eax, 0x2000
	mov	cr4, eax
.f:	cmp	al, 'f'			; the FPU, as if nothing barred the way
	jne	.end
	mov	eax, 0x10
	mov	cr0, eax
	fninit
.end:	print	'+'
	print	10
	rest
