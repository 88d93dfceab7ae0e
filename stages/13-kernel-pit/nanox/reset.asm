; SPDX-License-Identifier: GPL-2.0-only
;
; The ROM of a plain PC, as small as it can be.
;
; A processor that comes out of reset runs the instruction 16 bytes below
; 4 GiB (SDM Vol. 3, "First Instruction Executed"). Nothing but ROM can be
; there, since RAM has forgotten everything. Our ROM does one thing: it jumps
; to 0000:7C00, the place where a PC has always put what it boots.

	bits	16

ROM_SIZE equ	0x10000		; 64 KiB: the smallest ROM that QEMU takes
RESET	equ	ROM_SIZE - 16	; the reset vector, 16 bytes below the end

	times	RESET - ($ - $$) db 0xff	; empty ROM reads as ones

	jmp	0x0000:0x7c00

	times	ROM_SIZE - ($ - $$) db 0xff
