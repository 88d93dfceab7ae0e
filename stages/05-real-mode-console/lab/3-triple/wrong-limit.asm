rest:
	mov	si, goodbye
	call	print
	lidt	[.small]
	int3
.small:
	dw	8
	dd	0

