; SPDX-License-Identifier: GPL-2.0-only
; Sends 76,000 bytes, more than all buffers on the way have room for, and halts. No device of its
; own could wake it.
	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	cld
	cli
	mov	di, 0x8000
	mov	al, '.'
	mov	cx, 4000
	rep	stosb
	mov	bp, 19
.more:	mov	si, 0x8000
	mov	cx, 4000
	mov	dx, COM1
	rep	outsb
	dec	bp
	jnz	.more
	rest
