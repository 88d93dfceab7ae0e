to_c:
	pushad
	cld
	call	interrupt
	popad
	add	esp, 8
	iretd
