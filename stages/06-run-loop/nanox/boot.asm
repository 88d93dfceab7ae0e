; SPDX-License-Identifier: GPL-2.0-only
;
; NanoX with ears and a stopwatch: it asks for a line, shows what is typed, and
; gives the line back from its end to its beginning. "bye" makes it rest, and
; "race" makes it count how long a VM exit takes: a thousand that go all the way
; to VTXCTL (OUT), a thousand that VTXDRV answers by itself (CPUID).
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

NOBODY	equ	0x80			; a port at which nothing listens
LAPS	equ	1000			; exits in a race

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

	mov	si, word_bye
	call	is_word
	je	rest
	mov	si, word_race
	call	is_word
	je	race

	inc	word [lines]
	call	reverse
	movzx	eax, word [lines]
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

; --- race: both ways, side by side ---

race:
	mov	bx, run_out
	call	time_laps
	mov	[ticks_out], eax
	mov	bx, run_cpuid
	call	time_laps
	mov	[ticks_cpuid], eax

	mov	si, says_out
	call	print
	mov	eax, [ticks_out]
	call	print_number
	mov	si, says_cpuid
	call	print
	mov	eax, [ticks_cpuid]
	call	print_number
	mov	si, says_ratio
	call	print
	mov	eax, [ticks_out]
	xor	edx, edx
	div	dword [ticks_cpuid]
	call	print_number
	mov	si, says_end
	call	print
	jmp	next_line

run_out:
	out	NOBODY, al
	ret

run_cpuid:
	pushad				; CPUID answers in four registers
	xor	eax, eax
	cpuid
	popad
	ret

; --- time_laps: call BX a thousand times; EAX = ticks for one ---

time_laps:
	rdtsc				; EDX:EAX: ticks since the CPU started
	mov	esi, eax		; the low half is enough
	mov	cx, LAPS
.lap:
	call	bx
	loop	.lap
	rdtsc
	sub	eax, esi
	xor	edx, edx
	mov	ecx, LAPS
	div	ecx
	ret

; --- is_word: is the line the word at SI, CX letters long? ZF says so ---

is_word:
	push	cx
	mov	di, line
	inc	cx			; the 0 behind it, too
	repe cmpsb
	pop	cx
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

; --- print_number: EAX, in decimal ---

print_number:
	mov	ebx, 10
	xor	cx, cx
.digit:
	xor	edx, edx
	div	ebx
	push	dx			; the last digit comes first ...
	inc	cx
	test	eax, eax
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

hello	db	"NanoX is listening. Type a line, or race, or bye.", CR, LF, 0
prompt	db	"> ", 0
colon	db	": ", 0
newline	db	CR, LF, 0
rub	db	BACKSPACE, ' ', BACKSPACE, 0
goodbye	db	"Good night.", CR, LF, 0

word_bye db	"bye", 0
word_race db	"race", 0
says_out db	"To VTXCTL and back: ", 0
says_cpuid db	" ticks. To VTXDRV and back: ", 0
says_ratio db	" ticks. That is ", 0
says_end db	" to one.", CR, LF, 0

ticks_out dd	0
ticks_cpuid dd	0
lines	dw	0			; how many lines so far
last	db	0			; what was typed last
line	times LINE_MAX + 1 db 0
