; The timer ticks a hundred times a second. What the guest does meanwhile, a letter says.
; Then it tells how many ticks it got.
	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, 0x7000
	cld
	cli
	mov	al, 0x11		; interrupts 0 to 7 come as 0x20 to 0x27
	out	0x20, al
	mov	al, 0x20
	out	0x21, al
	mov	al, 4
	out	0x21, al
	mov	al, 1
	out	0x21, al
	mov	al, 0xff
	out	0x21, al
	handle	0x20, tick

	mov	dx, COM1_LSR
.wait:
	in	al, dx
	test	al, 1
	jz	.wait
	mov	dx, COM1
	in	al, dx
	mov	[letter], al

	mov	si, masked
	mov	bx, 7
	cmp	al, 'm'
	je	.start
	mov	al, 0xfe		; listen to the timer
	out	0x21, al
	mov	si, off
	cmp	byte [letter], 'o'
	je	.start
	mov	si, ages
	mov	bx, 130
	cmp	byte [letter], 's'
	je	.start
	mov	si, listening
	mov	bx, 20
	cmp	byte [letter], 'l'
	je	.start
	mov	si, asleep
	mov	bx, 10
.start:
	mov	al, 0x34		; mode 2, 11932
	out	0x43, al
	mov	al, 0x9c
	out	0x40, al
	mov	al, 0x2e
	out	0x40, al
	mov	cx, bx
	cmp	byte [letter], 'h'
	je	sleep
	cmp	byte [letter], 'l'
	jne	.meanwhile
	sti
.meanwhile:
	call	rounds
	mov	al, 0xfe
	out	0x21, al
	sti
	mov	cx, 300
.late:
	nop
	loop	.late
	jmp	tell

sleep:
	sti
	hlt
	cli
	cmp	[ticks], cx
	jb	sleep

; The text at SI, and how many ticks there were.
tell:
	cli
	mov	dx, COM1
.text:
	lodsb
	test	al, al
	jz	.number
	out	dx, al
	jmp	.text
.number:
	mov	ax, [ticks]
	mov	bx, 10
	xor	cx, cx
.digit:
	xor	dx, dx
	div	bx
	push	dx
	inc	cx
	test	ax, ax
	jnz	.digit
	mov	dx, COM1
.out:
	pop	ax
	add	al, '0'
	out	dx, al
	loop	.out
	mov	al, 10
	out	dx, al
	rest

; Until the counter has begun anew CX times.
rounds:
	call	count
	mov	bx, ax
.look:
	call	count
	cmp	ax, bx
	mov	bx, ax
	jbe	.look
	loop	.look
	ret

; Where the counter is: AX.
count:
	xor	al, al
	out	0x43, al
	in	al, 0x40
	mov	ah, al
	in	al, 0x40
	xchg	al, ah
	ret

tick:
	push	ax
	inc	word [cs:ticks]
	mov	al, 0x20
	out	0x20, al
	pop	ax
	iret

ticks:	dw	0
letter:	db	0
listening: db	"listening, 20 times: ", 0
off:	db	"interrupts off, 7 times: ", 0
masked:	db	"not listening, 7 times: ", 0
ages:	db	"interrupts off, 130 times: ", 0
asleep:	db	"asleep, 10 times: ", 0
