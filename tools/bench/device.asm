; SPDX-License-Identifier: GPL-2.0-only
;
; What does a device cost? The guest takes RDTSC around what is to be measured,
; again and again, and keeps the differences in its memory at 1000:0000.
;
;   (nothing)    an OUT to the 8259: its mask
;   UART_OUT     an OUT to the serial port: a letter
;   INTERRUPT    an OUT to port 80, upon which line 3 is pulled from outside; the
;                interrupt, its handler with an EOI, and the way back
;   EOI          the OUT in that handler
;   IRQ_LINE     nothing: only the 8259 is set up
;
; The number of rounds stands at offset 2. An OUT to port 82 asks to let go of the
; line, one to port 81 says that all is done.

%include "begin.inc"

%macro	begins	0
	rdtsc
	mov	esi, eax
%endmacro

%macro	ends	0
	rdtsc
	sub	eax, esi
	stosd
%endmacro

	mov	al, 0xf7		; line 3 alone
	out	0x21, al
	mov	word [(8 + 3) * 4], handler
	mov	word [(8 + 3) * 4 + 2], 0
	sti

%ifndef IRQ_LINE
again:
%ifdef EOI
	out	0x80, al
	nop
%elifdef INTERRUPT
	begins
	out	0x80, al
	nop
	ends
%elifdef UART_OUT
	begins
	mov	al, '.'
	mov	dx, 0x3f8
	out	dx, al
	ends
%else
	begins
	mov	al, 0xf7
	out	0x21, al
	ends
%endif
	out	0x82, al
	dec	word [rounds]
	jnz	again
%endif
	out	0x81, al
	jmp	$

handler:
%ifdef EOI
	begins
	mov	al, 0x20
	out	0x20, al
	ends
%else
	push	ax
	mov	al, 0x20
	out	0x20, al
	pop	ax
%endif
	iret
