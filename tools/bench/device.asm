; SPDX-License-Identifier: GPL-2.0-only
;
; What does the 8259 cost? The guest takes RDTSC around what is to be measured,
; WORK, again and again, and keeps the differences in its memory at 1000:0000.
;
;   DEVICE_OUT   an OUT to the chip: its mask
;   INTERRUPT    an OUT to port 80, upon which line 3 is pulled from outside; the
;                interrupt, its handler with an EOI, and the way back
;
; The number of rounds stands at offset 2. An OUT to port 81 says that all is done.

%include "begin.inc"

	mov	al, 0xf7		; line 3 alone
	out	0x21, al
	mov	word [(8 + 3) * 4], handler
	mov	word [(8 + 3) * 4 + 2], 0
	sti

again:
	mov	al, 0xf7
	rdtsc
	mov	esi, eax
	mov	al, 0xf7
%ifdef INTERRUPT
	out	0x80, al
	nop
%else
	out	0x21, al
%endif
	rdtsc
	sub	eax, esi
	stosd
	dec	word [rounds]
	jnz	again
	out	0x81, al
	jmp	$

handler:
	push	ax
	mov	al, 0x20
	out	0x20, al
	pop	ax
	iret
