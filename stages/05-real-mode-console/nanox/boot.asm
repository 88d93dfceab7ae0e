; SPDX-License-Identifier: GPL-2.0-only
;
; NanoX with ears: it asks for a line, shows what is typed, and gives the line
; back from its end to its beginning. "bye" makes it rest.
;
; There are no interrupts yet. So it asks the serial port again and again
; whether there is something to read, which is called polling.

	bits	16
	org	0x7c00

COM1	equ	0x3f8			; read: what came, write: what goes
COM1_LSR equ	COM1 + 5		; line status register:
LSR_RX	equ	0x01			;   something has come
LSR_TX	equ	0x20			;   there is room to send

BACKSPACE equ	8
LF	equ	10
CR	equ	13
DELETE	equ	127
LINE_MAX equ	72			; longer than this, it beeps

start:
	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	sp, start		; the stack grows down from here
	cld

	mov	si, hello
	call	print

; --- one line after the other ---

next_line:
	mov	si, prompt
	call	print
	call	read_line		; CX = how many letters

	mov	si, line
	call	is_bye
	je	rest

	inc	word [lines]
	call	reverse
	mov	ax, [lines]
	call	print_number
	mov	si, colon
	call	print
	mov	si, line
	call	print
	mov	si, newline
	call	print
	jmp	next_line

rest:
	mov	si, goodbye
	call	print
	cli
	hlt

; --- read_line: a line into `line`, 0 behind it; CX = its length ---

read_line:
	mov	di, line
.next:
	call	get_char
	cmp	al, LF			; CR LF is one end of line, not two
	jne	.not_lf
	cmp	byte [last], CR
	mov	[last], al
	je	.next
	jmp	.done
.not_lf:
	mov	[last], al
	cmp	al, CR
	je	.done
	cmp	al, BACKSPACE
	je	.rub_out
	cmp	al, DELETE
	je	.rub_out
	cmp	al, ' '
	jb	.next			; other control characters: not for us
	cmp	di, line + LINE_MAX
	je	.beep
	stosb				; into memory ...
	call	put_char		; ... and back to the screen
	jmp	.next
.beep:
	mov	al, 7
	call	put_char
	jmp	.next
.rub_out:
	cmp	di, line
	je	.next
	dec	di
	mov	si, rub
	call	print
	jmp	.next
.done:
	mov	byte [di], 0
	mov	cx, di
	sub	cx, line
	mov	si, newline
	jmp	print

; --- is_bye: is the line the word "bye"? ZF says so ---

is_bye:
	cmp	cx, 3
	jne	.no
	cmp	word [line], 'by'
	jne	.no
	cmp	byte [line + 2], 'e'
.no:
	ret

; --- reverse: swap first and last, second and last but one, ... ---

reverse:
	mov	si, line
	mov	di, line
	add	di, cx
.swap:
	dec	di
	cmp	si, di
	jae	.done
	mov	al, [si]
	xchg	al, [di]
	mov	[si], al
	inc	si
	jmp	.swap
.done:
	ret

; --- print_number: AX, in decimal ---

print_number:
	mov	bx, 10
	xor	cx, cx
.digit:
	xor	dx, dx
	div	bx
	push	dx			; the last digit comes first ...
	inc	cx
	test	ax, ax
	jnz	.digit
.send:
	pop	ax			; ... and goes out last
	add	al, '0'
	call	put_char
	loop	.send
	ret

; --- print: the text at SI, up to its 0 ---

print:
	lodsb
	test	al, al
	jz	.done
	call	put_char
	jmp	print
.done:
	ret

; --- the serial port, one character at a time, in AL ---

put_char:
	push	ax
	mov	dx, COM1_LSR
.wait:
	in	al, dx
	test	al, LSR_TX
	jz	.wait
	pop	ax
	mov	dx, COM1
	out	dx, al
	ret

get_char:
	mov	dx, COM1_LSR
.wait:
	in	al, dx
	test	al, LSR_RX
	jz	.wait
	mov	dx, COM1
	in	al, dx
	ret

hello	db	"NanoX is listening. Type a line, or bye.", CR, LF, 0
prompt	db	"> ", 0
colon	db	": ", 0
newline	db	CR, LF, 0
rub	db	BACKSPACE, ' ', BACKSPACE, 0
goodbye	db	"Good night.", CR, LF, 0

lines	dw	0			; how many lines so far
last	db	0			; what was typed last
line	times LINE_MAX + 1 db 0
