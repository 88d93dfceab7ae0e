rest:
	mov	si, goodbye
	call	print
	sti
	hlt

