; SPDX-License-Identifier: GPL-2.0-only
; For 20 ticks in a loop that needs nothing from anybody. Then it speaks to the controller.
; Where it heard most of them it tries again, five times in all, and tells of the last.
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
again:
	outb	0x21, 0xff
	mov	word [ticks], 0
	timer	1193
	outb	0x21, 0xfe		; listen to the timer
	sti
	pass	20
	mov	ax, [ticks]
	mov	[loop_ticks], ax
	cli
	in	al, 0x20		; which requests are there?
	mov	[requests], al
	mov	cx, 40
.more:
	sti
	nop
	outb	0x21, 0xfe
	loop	.more
	cli
	cmp	word [loop_ticks], 10	; the host may have had much else to do, and looked by itself
	jb	.told
	dec	byte [attempts]
	jnz	again
.told:

	say	"in the loop: "
	mov	ax, [loop_ticks]
	call	number
	mov	si, yes
	test	byte [requests], 1
	jnz	.has
	mov	si, no
.has:
	call	text
	say	"in the end: "
	mov	ax, [ticks]
	call	number
	rest

tick:
	push	ax
	inc	word [ticks]
	outb	0x20, 0x20
	pop	ax
	iret

attempts: db	5
ticks:	dw	0
loop_ticks: dw	0
requests: db	0
yes:	db	"the controller has one: yes", 10, 0
no:	db	"the controller has one: no", 10, 0

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
