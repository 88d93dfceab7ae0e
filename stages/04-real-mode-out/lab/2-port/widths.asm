; Three lines, with OUTs of one, two and four bytes. Of the wide ones the serial
; port gets the first byte.
%macro say 2
	mov	si, %1
%%next:	movzx	eax, byte [si]
	test	al, al
	jz	%%done
	out	dx, %2
	inc	si
	jmp	%%next
%%done:
%endmacro

	xor	ax, ax
	mov	ds, ax
	mov	dx, COM1
	say	bytes, al
	say	words, ax
	say	dwords, eax
	rest

bytes:	db	"bytes", 10, 0
words:	db	"words", 10, 0
dwords:	db	"dwords", 10, 0
