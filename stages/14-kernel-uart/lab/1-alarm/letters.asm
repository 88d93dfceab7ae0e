; SPDX-License-Identifier: GPL-2.0-only
; w: sends a word and waits. t: two words, with a pause. d: drips letters.
	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	sp, 0x7000
	cld
	cli

; so many microseconds go by; the test machine's CPU does 50 steps in one
%macro pass 1
	rdtsc
	mov	ebx, eax
%%more:
	rdtsc
	sub	eax, ebx
	cmp	eax, (%1) * 50
	jb	%%more
%endmacro

%macro put 2
	mov	dx, %1
	mov	al, %2
	out	dx, al
%endmacro

	put	0x20, 0x11
	put	0x21, 0x20
	put	0x21, 4
	put	0x21, 1
	put	0x21, 0xef		; listen to the serial port
key:	mov	dx, COM1_LSR
	in	al, dx
	test	al, 1
	jz	key
	mov	dx, COM1
	in	al, dx
	cmp	al, 't'
	je	two
	cmp	al, 'd'
	je	drip

	mov	al, 'a'
.word:	out	dx, al
	inc	al
	cmp	al, 'z'
	jbe	.word

sleep:	put	COM1 + 4, 8
	put	COM1 + 1, 1
	sti
	hlt
	jmp	sleep

two:	put	COM1, 'o'
	put	COM1, 'n'
	put	COM1, 'e'
	pass	40000
	put	COM1, 't'
	put	COM1, 'w'
	put	COM1, 'o'
	jmp	sleep

drip:	mov	cx, 200
	mov	si, 'a'
.more:	mov	dx, COM1
	mov	ax, si
	out	dx, al
	inc	si
	cmp	si, 'z'
	jbe	.on
	mov	si, 'a'
.on:	pass	500
	loop	.more
	jmp	sleep
