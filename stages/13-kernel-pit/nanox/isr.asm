; SPDX-License-Identifier: GPL-2.0-only
;
; Where the CPU comes when it is interrupted: 256 entries, one for each vector.
; The CPU has pushed where it was: EFLAGS, CS, EIP; for some exceptions an error
; code, too. We push the rest, so that C finds all of it as struct frame, and
; nothing is lost for the program that knows of nothing.

extern	interrupt

section	.text

; Exceptions 8, 10 to 14, 17 and 21 bring an error code. For all others we push
; a 0, so that every frame has the same form.
%define HAS_ERROR (1 << 8 | 0x1f << 10 | 1 << 17 | 1 << 21)

	bits	32

global	isr_entries
	align	16
isr_entries:
%assign vector 0
%rep	256
	align	16
  %if vector >= 32 || !(HAS_ERROR >> vector & 1)
	push	byte 0
  %endif
	push	dword vector
	jmp	to_c
%assign vector vector + 1
%endrep

to_c:
	pushad				; EAX to EDI
	cld				; C counts on it
	push	esp			; struct frame *
	call	interrupt
	pop	eax
	popad
	add	esp, 8			; the vector and the error code
	iretd				; back to where it was
