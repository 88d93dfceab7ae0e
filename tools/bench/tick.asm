; SPDX-License-Identifier: GPL-2.0-only
;
; When does a tick come that was due? The guest sets the timer to 250 Hz, works,
; or sleeps with HLT (HALTS), and notes the CPU's clock at each tick, first thing
; in its handler. It sends what it has noted, four bytes each, by the serial port:
; when the timer was about to be set, then every tick. The number of ticks stands
; at offset 2. An OUT to port F4 says that all is done.

%ifndef COUNT
%define COUNT 4773			; of 1193182 Hz
%endif

%include "begin.inc"

	mov	al, 0xfe		; line 0 alone
	out	0x21, al
	mov	word [8 * 4], handler
	mov	word [8 * 4 + 2], 0

	mov	al, 0x34		; counter 0, two bytes, mode 2
	out	0x43, al
	mov	ax, COUNT
	out	0x40, al
	mov	bl, ah
	rdtsc
	stosd
	mov	al, bl
	out	0x40, al
	mov	cx, [rounds]
.wait:
	sti
%ifdef HALTS
	hlt
	cli
%endif
	test	cx, cx
	jnz	.wait
	cli

	mov	al, 0xff
	out	0x21, al
	mov	cx, di
	xor	si, si
	mov	dx, 0x3f8
.send:
	es lodsb
	out	dx, al
	loop	.send
	mov	al, 0
	out	0xf4, al
	jmp	$

handler:
	rdtsc
	jcxz	.late			; one more came before the mask
	stosd
	dec	cx
.late:
	mov	al, 0x20
	out	0x20, al
	iret
