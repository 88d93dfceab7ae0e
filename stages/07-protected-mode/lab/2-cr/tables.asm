; Page tables of its own. 4 MiB is another name for 0. It begins in protected mode.
	bits	32
PSE	equ	0x10
PAE	equ	0x20
OLD	equ	0x10000			; 32-bit paging: two pages of 4 MiB
TOP	equ	OLD + 0x20		; PAE: four entries ...
NEXT	equ	0x13000			; ... and a table of pages of 2 MiB

	mov	esp, 0x7000
	mov	dword [OLD], 0x83
	mov	dword [OLD + 4], 0x83
	mov	dword [TOP], NEXT + 1
	mov	dword [NEXT], 0x83
	mov	dword [NEXT + 16], 0x83
.wait:
	mov	dx, COM1_LSR
	in	al, dx
	test	al, 1
	jz	.wait
	mov	dx, COM1
	in	al, dx
	mov	bl, al
	mov	ecx, TOP
	mov	cr3, ecx

	cmp	bl, 'b'			; bits 1 and 2 of the first entry are reserved
	jne	.pae
	mov	dword [TOP], NEXT + 7
.pae:
	mov	eax, PAE
	cmp	bl, 's'			; PAE only when paging is on already
	jne	.first
	mov	eax, PSE
.first:
	mov	cr4, eax
	mov	eax, cr0
	or	eax, 0x80000000
	mov	cr0, eax
	mov	byte [0x405000], '+'
	cmp	bl, 's'
	jne	.keep
	mov	eax, PSE | PAE
	mov	cr4, eax
.keep:
	cmp	bl, 'k'			; the table is spoilt, but the CPU has the entries
	jne	.show
	mov	dword [TOP], NEXT + 7
	mov	eax, cr0
	or	eax, 0x10000		; WP: page tables are read as before
	mov	cr0, eax
.show:
	mov	al, [0x5000]
	mov	dx, COM1
	out	dx, al
	mov	al, [0x405000]
	out	dx, al
	mov	al, 10
	out	dx, al
	rest
