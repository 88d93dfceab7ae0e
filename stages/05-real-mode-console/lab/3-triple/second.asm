rest:
	mov	si, goodbye
	call	print
	push	dword 0
	push	word 0
	mov	bp, sp
	lidt	[bp]
	ud2

