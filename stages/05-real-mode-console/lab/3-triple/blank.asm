rest:
	mov	si, goodbye
	call	print
	cli
	hlt

