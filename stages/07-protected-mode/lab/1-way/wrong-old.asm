start:
	cli
	xor	ax, ax
	mov	ds, ax
	lgdt	[gdt_pointer]
	mov	eax, cr0
	or	al, CR0_PE
	mov	cr0, eax
	jmp	dword CODE:start32

	bits	32
start32:
	mov	esp, start
	mov	ax, LDT
	lldt	ax
	mov	ax, WINDOW
	mov	fs, ax
