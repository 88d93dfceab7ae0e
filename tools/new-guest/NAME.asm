; NAME: a guest of your own. It starts here, at 0000:7C00.
	bits	16
	org	0x7c00
	mov	si, text	; SI points at the next letter
	mov	dx, 0x3f8	; the serial port
next:	lodsb			; AL = the letter, and SI moves on
	out	dx, al
	cmp	al, 10		; was it the end of the line?
	jne	next
	cli
	hlt			; no interrupt can wake it: the guest ends
text:	db	"Hello from NAME!", 13, 10
