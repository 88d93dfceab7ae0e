to_c:
	pushad
	cld
	push	esp
	call	interrupt
	pop	eax
	popad
	iretd
