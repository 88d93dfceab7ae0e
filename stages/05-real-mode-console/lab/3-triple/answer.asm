rest:
	mov	si, goodbye
	call	print
	lidt	[.nothing]
	int3
.nothing:
	dw	0
	dd	0

