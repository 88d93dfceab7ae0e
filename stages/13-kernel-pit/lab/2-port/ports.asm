; SPDX-License-Identifier: GPL-2.0-only
; The guest speaks to its timer; a letter says how. Then it tells how many ticks it got.
	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	sp, 0x7000
	cld
	cli

%macro outb 2
	mov	al, %2
	out	%1, al
%endmacro

; counter 0 begins anew, in mode 2, with this number
%macro timer 1
	outb	0x43, 0x34
	outb	0x40, (%1) & 255
	outb	0x40, (%1) >> 8
%endmacro

; so many thousandths of a second go by; the test machine's CPU does 50 million steps in one
%macro pass 1
	rdtsc
	mov	ebx, eax
%%more:
	rdtsc
	sub	eax, ebx
	cmp	eax, (%1) * 50000
	jb	%%more
%endmacro

%macro say 1
	mov	si, %%text
	call	text
	jmp	%%on
%%text:	db	%1, 0
%%on:
%endmacro

	outb	0x20, 0x11		; interrupts 0 to 7 come as 0x20 to 0x27
	outb	0x21, 0x20
	outb	0x21, 4
	outb	0x21, 1
	outb	0x21, 0xff
	handle	0x20, tick
	mov	dx, COM1_LSR
.wait:
	in	al, dx
	test	al, 1
	jz	.wait
	mov	dx, COM1
	in	al, dx
	cmp	al, 'l'
	je	looks
	cmp	al, 'n'
	je	anew

	outb	0x21, 0xfe		; listen to the timer
	timer	1193
	sti
	pass	30
	cli
	call	count
	mov	di, ax
	call	count
	mov	si, still
	cmp	ax, di
	je	.seen
	mov	si, counts
.seen:
	call	text
	say	"ticks: "
	jmp	tell

looks:
	outb	0x21, 0xfe
	timer	1193
	mov	cx, 20
	call	rounds
	sti
	pass	1
	cli
	say	"looked, "
	say	"ticks: "
	jmp	tell

anew:
	outb	0x21, 0xfe
	timer	1193
	pass	20
	outb	0x43, 0x34
	sti
	pass	3
	cli
	say	"began anew, "
	say	"ticks: "
tell:
	mov	ax, [ticks]
	call	number
	rest

; Until the counter has begun anew CX times, or for a fifth of a second.
rounds:
	rdtsc
	mov	ebp, eax
	call	count
	mov	bx, ax
.look:
	rdtsc
	sub	eax, ebp
	cmp	eax, 200 * 50000
	ja	.enough
	call	count
	cmp	ax, bx
	mov	bx, ax
	jbe	.look
	loop	.look
.enough:
	ret

; Where the counter is: AX.
count:
	outb	0x43, 0
	in	al, 0x40
	mov	ah, al
	in	al, 0x40
	xchg	al, ah
	ret

tick:
	push	ax
	inc	word [ticks]
	outb	0x20, 0x20
	pop	ax
	iret

ticks:	dw	0
counts:	db	"counter: counts", 10, 0
still:	db	"counter: stands still", 10, 0

text:
	mov	dx, COM1
.next:
	lodsb
	test	al, al
	jz	.end
	out	dx, al
	jmp	.next
.end:
	ret

; AX, and a new line.
number:
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
	ret
