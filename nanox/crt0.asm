; SPDX-License-Identifier: GPL-2.0-only
;
; Between boot.asm and C. A C program expects three things: a stack, zeros in
; all variables that have no value of their own (.bss, which is not in the
; image), and that strings run forward. When main() is over, the CPU rests.
;
; boot.asm jumps here, in 32-bit protected mode, with flat segments.

	global	_start
	extern	main
	extern	__bss_start, __bss_end, __stack_top	; addresses: see nanox.ld

	section	.text
	bits	32
_start:
	mov	esp, __stack_top
	cld
	mov	edi, __bss_start
	mov	ecx, __bss_end
	sub	ecx, edi
	shr	ecx, 2			; both are multiples of 4
	xor	eax, eax
	rep	stosd
	call	main
rest:
	cli
	hlt
	jmp	rest			; an NMI wakes even this
