; CR0 and CR4 in hex: what is written, and what is read then.
	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, 0x7000
	cld

	mov	bp, values
.next:
	mov	si, wrote
	call	text
	mov	eax, [bp]
	call	hex
	mov	si, reads
	call	text
	mov	eax, [bp]
	cmp	bp, fours
	jae	.four
	mov	cr0, eax
	mov	eax, cr0
	jmp	.show
.four:
	mov	cr4, eax
	mov	eax, cr4
.show:
	call	hex
	print	10
	add	bp, 4
	cmp	bp, fours.end
	jb	.next
	rest

hex:
	mov	cx, 8
.digit:
	rol	eax, 4
	push	eax
	and	al, 15
	cmp	al, 10
	jb	.send
	add	al, 'a' - '0' - 10
.send:
	add	al, '0'
	mov	dx, COM1
	out	dx, al
	pop	eax
	loop	.digit
	ret

text:
	mov	dx, COM1
.next:
	lodsb
	test	al, al
	jz	.done
	out	dx, al
	jmp	.next
.done:
	ret

wrote	db	"wrote ", 0
reads	db	" reads ", 0
values	dd	0x00000010, 0x4005003a, 0x00000000, 0x000f0000, 0x60000010
fours	dd	0xbf, 0x90, 0
.end:
