to_c:
	pushad
	cld
	push	esp
	call	interrupt
	pop	eax
	popad
	add	esp, 8
	ret
