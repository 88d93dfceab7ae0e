; SPDX-License-Identifier: GPL-2.0-only
;
; NanoX leaves real mode. It writes a table of segments, tells the CPU where it
; is, sets one bit, and jumps: from then on it is a 32-bit program.
;
; One segment is a window: 16 bytes, no more. You say which byte you want to
; see. Behind the window's edge the CPU says no.

	org	0x7c00

COM1	equ	0x3f8			; read: what came, write: what goes
COM1_LSR equ	COM1 + 5		; line status register:
LSR_RX	equ	0x01			;   something has come
LSR_TX	equ	0x20			;   there is room to send

LF	equ	10
CR	equ	13

CR0_PE	equ	1			; protected mode

; Selectors: which entry, times 8. Bit 2 says: in the LDT.
CODE	equ	1 * 8
DATA	equ	2 * 8
LDT	equ	3 * 8
WINDOW	equ	0 * 8 + 4

; Access bytes of a descriptor (SDM Vol. 3, "Segment Descriptors").
IS_CODE	equ	0x9a			; present, for us only, code, readable
IS_DATA	equ	0x92			; present, for us only, data, writable
IS_GLASS equ	0x90			; present, for us only, data, read-only
IS_LDT	equ	0x82
FLAT	equ	0xc			; 32-bit, and the limit counts pages
BYTES	equ	0x4			; 32-bit, and the limit counts bytes

; A descriptor: the parts of base and limit are not where one would expect.
%macro descriptor 4			; base, limit, access, flags
	dw	(%2) & 0xffff, (%1) & 0xffff
	db	(%1) >> 16 & 0xff, %3, (%2) >> 16 & 0xf | (%4) << 4, (%1) >> 24
%endmacro

BASE	equ	0x7c00			; labels are not numbers for nasm; these are
%define at(label) (BASE + (label) - $$)

	bits	16
start:
	cli				; there is no table for interrupts
	xor	ax, ax
	mov	ds, ax
	lgdt	[gdt_pointer]
	mov	eax, cr0
	or	al, CR0_PE
	mov	cr0, eax		; protected, but CS is still the old one
	jmp	dword CODE:start32

	bits	32
start32:
	mov	ax, DATA
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	esp, start		; the stack grows down from here
	mov	ax, LDT
	lldt	ax
	mov	ax, WINDOW
	mov	fs, ax
	cld

	mov	esi, hello
	call	print

; --- one number after the other ---

next:
	mov	esi, prompt
	call	print
	call	read_number
	jc	rest
	mov	al, [fs:ebx]		; is it behind the edge?
	push	eax
	mov	esi, there
	call	print
	pop	eax
	call	put_char
	mov	esi, newline
	call	print
	jmp	next

rest:
	mov	esi, goodbye
	call	print
	hlt

; --- read_number: EBX = what is typed, in decimal; carry: it is no number ---

read_number:
	xor	ebx, ebx
	mov	ecx, 1			; why it is none: no digit yet
.next:
	call	get_char
	cmp	al, CR
	je	.done
	cmp	al, LF
	je	.done
	call	put_char		; what is typed is shown
	sub	al, '0'
	cmp	al, 9
	ja	.word
	movzx	eax, al
	imul	ebx, ebx, 10
	add	ebx, eax
	and	cl, 0
	jmp	.next
.word:
	or	ch, 1			; another reason
	jmp	.next
.done:
	mov	esi, newline
	call	print
	neg	ecx			; carry, if there is any
	ret

; --- print: the text at ESI, up to its 0 ---

print:
	lodsb
	test	al, al
	jz	.done
	call	put_char
	jmp	print
.done:
	ret

; --- the serial port, one character at a time, in AL ---

put_char:
	push	eax
	mov	dx, COM1_LSR
.wait:
	in	al, dx
	test	al, LSR_TX
	jz	.wait
	pop	eax
	mov	dx, COM1
	out	dx, al
	ret

get_char:
	mov	dx, COM1_LSR
.wait:
	in	al, dx
	test	al, LSR_RX
	jz	.wait
	mov	dx, COM1
	in	al, dx
	ret

hello	db	"NanoX is a 32-bit program. FS is a window of 16 bytes, 0 to 15.", CR, LF
	db	"Which one? A word ends it.", CR, LF, 0
prompt	db	"> ", 0
there	db	"There is: ", 0
newline	db	CR, LF, 0
goodbye	db	"Good night.", CR, LF, 0

window	db	"Look through me!"

; --- the tables: the first entry of the GDT is never used ---

	align	8
gdt:
	dq	0
	descriptor 0, 0xfffff, IS_CODE, FLAT
	descriptor 0, 0xfffff, IS_DATA, FLAT
	descriptor at(ldt), ldt_end - ldt - 1, IS_LDT, 0
gdt_end:
ldt:
	descriptor at(window), 15, IS_GLASS, BYTES
ldt_end:

gdt_pointer:
	dw	gdt_end - gdt - 1
	dd	gdt
