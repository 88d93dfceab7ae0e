start:
	cli
	xor	ax, ax
	mov	ds, ax
	lgdt	[gdt_pointer]
	mov	eax, cr0
	or	al, CR0_PE
	mov	cr0, eax

	bits	32
start32:
	mov	ax, DATA
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	esp, start
	mov	ax, LDT
	lldt	ax
	mov	ax, WINDOW
	mov	fs, ax
