; SPDX-License-Identifier: GPL-2.0-only
; A letter says which ticks the guest wants; it tells which it got.
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
	cmp	al, 's'
	je	slow
	cmp	al, 'q'
	je	quiet

	outb	0x21, 0xfe		; listen to the timer
	timer	1193
	sti
	pass	100
	cli
	push	word [heels]
	push	word [ticks]
	say	"ticks in the loop: "
	pop	ax
	call	number
	say	"at the heels of another: "
	pop	ax
	call	number
	rest

slow:
	outb	0x21, 0xfe
	timer	0xffff
	timer	1193
	sti
	pass	30
	cli
	push	word [ticks]
	say	"ticks since it is fast: "
	pop	ax
	call	number
	rest

quiet:
	outb	0x21, 0xfe
	timer	0
	sti
	pass	200
	cli
	push	word [ticks]
	say	"slow ticks: "
	pop	ax
	call	number
	rest

; At the heels: half a thousandth of a second behind another, or less.
tick:
	push	eax
	push	edx
	inc	word [ticks]
	rdtsc
	mov	edx, eax
	xchg	edx, [last]
	sub	eax, edx
	cmp	eax, 25000
	ja	.alone
	inc	word [heels]
.alone:
	outb	0x20, 0x20
	pop	edx
	pop	eax
	iret

ticks:	dw	0
heels:	dw	0
last:	dd	0

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
