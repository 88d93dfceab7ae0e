reverse:
	jcxz	.done
	mov	si, line
	mov	di, line
	add	di, cx
	dec	di
	mov	al, [si]
	xchg	al, [di]
	mov	[si], al
.done:
	ret

