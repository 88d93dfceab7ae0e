; Three letters with one REP INSB, and back with REP OUTSB.
	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	cld
	mov	dx, 0x3fd
.wait:
	mov	di, 0x600
	mov	cx, 1
	rep	insb
	test	byte [0x600], 1
	jz	.wait
	mov	dx, 0x3f8
	mov	di, 0x600
	mov	cx, 3
	rep	insb
	mov	byte [di], 10
	mov	si, 0x600
	mov	cx, 4
	rep	outsb
	cli
	hlt
