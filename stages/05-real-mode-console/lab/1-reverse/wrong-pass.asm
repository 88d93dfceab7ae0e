reverse:
	mov	si, line
	mov	di, line
	add	di, cx
.swap:
	dec	di
	cmp	si, di
	je	.done
	mov	al, [si]
	xchg	al, [di]
	mov	[si], al
	inc	si
	jmp	.swap
.done:
	ret

