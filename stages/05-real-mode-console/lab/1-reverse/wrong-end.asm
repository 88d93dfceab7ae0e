reverse:
	mov	si, line
	mov	di, line
	add	di, cx
.swap:
	cmp	si, di
	jae	.done
	mov	al, [si]
	xchg	al, [di]
	mov	[si], al
	inc	si
	dec	di
	jmp	.swap
.done:
	ret

