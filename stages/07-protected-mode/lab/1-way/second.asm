start:
	cli
	lgdt	[cs:gdt_pointer]
	smsw	ax
	or	al, CR0_PE
	lmsw	ax			; the older way to the same bit
	mov	sp, start
	push	dword CODE
	push	dword .flat
	o32	retf			; a far return loads CS, too

	bits	32
.flat:
	push	LDT
	lldt	[esp]
	mov	ecx, WINDOW
	mov	fs, ecx
	mov	ecx, DATA
	mov	ss, ecx
	mov	esp, start
	push	ecx
	pop	ds
	push	ecx
	pop	es
