; SPDX-License-Identifier: GPL-2.0-only
;
; NanoX, in its first form: it says one letter and rests.
;
; This is all there is: no firmware below it, no operating system around it.
; The processor is in real mode, as it is after reset, and runs these bytes.

	bits	16
	org	0x7c00

COM1	equ	0x3f8			; the first serial port: what is
					; written here goes down the line

start:
	mov	dx, COM1
	mov	al, 'N'
	out	dx, al			; the letter leaves the machine

	cli				; no interrupt may wake us
	hlt				; nothing left to do
