; It computes for a while, and now and then asks VTXDRV something. The host's clock ticks meanwhile.
	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, 0x7000
	sti				; those that come are all for the host
	mov	ecx, 300000
	xor	ebx, ebx
.next:
	add	ebx, ecx
	mov	[0x600], ebx
	rol	ebx, 5
	xor	ebx, [0x600]
	test	cl, cl
	jnz	.on
	push	ebx
	push	ecx
	mov	eax, 0x40000000		; beyond the last leaf: four times 0
	cpuid
	mov	esi, edx
	pop	ecx
	pop	ebx
	add	ebx, esi
.on:
	dec	ecx
	jnz	.next

	mov	cx, 8
	mov	dx, COM1
.digit:
	rol	ebx, 4
	mov	al, bl
	and	al, 15
	cmp	al, 10
	jb	.send
	add	al, 'a' - '0' - 10
.send:
	add	al, '0'
	out	dx, al
	loop	.digit
	print	10
	rest
