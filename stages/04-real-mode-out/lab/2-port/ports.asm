; Only "o" and "k" are for the serial port.
	mov	al, 'x'
	out	0xf8, al
	mov	dx, 0x13f8
	out	dx, al
	mov	dx, 0x83f8
	out	dx, al
	mov	dx, COM1 + 1
	out	dx, al
	mov	dx, COM1 - 1		; with the second byte
	mov	ax, 'xo'
	out	dx, ax
	mov	dx, COM1 - 3		; with the fourth
	mov	eax, 'xxxk'
	out	dx, eax
	mov	dx, COM1 - 2		; with none
	mov	ax, 'xx'
	out	dx, ax
	mov	dx, COM1
	mov	al, 10
	out	dx, al
	mov	al, 21
	out	EXIT_PORT, al		; status 43
	rest
