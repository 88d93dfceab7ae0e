; SPDX-License-Identifier: GPL-2.0-only
;
; Replays a stream of steps and prints what came back: QEMU's side of the oracle.
;
; The stream lies at STREAM (QEMU's `loader` device puts it there). A step is four bytes:
;
;     byte 0     what to do: one of the STEPS below
;     byte 1     OUT: the value
;     byte 2,3   OUT, IN: the port
;     byte 1..3  DELAY: how many turns, at least 1
;
; Every answer is 16 bits. After END they go to the debug console and QEMU is left.
;
; With `-icount` one instruction is a fixed time. So every step has a fixed number of
; instructions: [fetch] has 4, each step tells its own. replay.c has the same numbers;
; who changes one here changes it there.

	bits 16
	org 0xf0000

STREAM	equ 0x00100000
ANSWERS	equ 0x00800000
IDT	equ 0x00010000
STUBS	equ 0x00020000
STACK	equ 0x00080000
CONSOLE	equ 0xe9
EXIT	equ 0xf4

; Network cards of which only an interrupt line is used: card n pulls IRQ n.
CARDS	equ 0x8000
CARD	equ 0x20			; ports for each
CARDS_N	equ 16

start:
	cli
	lgdt [cs:gdt_pointer - start]
	mov eax, cr0
	or al, 1
	mov cr0, eax
	jmp dword 8:protected

	align 8
gdt:
	dq 0
	dq 0x00cf9a000000ffff		; 8: code, flat
	dq 0x00cf92000000ffff		; 16: data, flat
gdt_pointer:
	dw gdt_pointer - gdt - 1
	dd gdt

idt_pointer:
	dw 256 * 8 - 1
	dd IDT

	bits 32
protected:
	mov ax, 16
	mov ds, ax
	mov es, ax
	mov ss, ax
	mov esp, STACK

	; 256 gates, and for each a stub of eight bytes: push vector; jmp taken.
	mov edi, STUBS
	mov ebx, IDT
	xor ecx, ecx
.gate:
	mov eax, edi
	and eax, 0xffff
	or eax, 8 << 16
	mov [ebx], eax
	mov eax, edi
	mov ax, 0x8e00
	mov [ebx + 4], eax
	mov byte [edi], 0x6a		; push imm8; the handler takes the low byte
	mov [edi + 1], cl
	mov byte [edi + 2], 0xe9	; jmp rel32
	mov eax, taken - 7
	sub eax, edi
	mov [edi + 3], eax
	add edi, 8
	add ebx, 8
	inc ecx
	cmp ecx, 256
	jb .gate
	lidt [idt_pointer]

	; A remote read of no bytes leaves "remote DMA complete" set in a card's ISR for good.
	; From then on bit 6 of its IMR is the level of its line.
	mov edx, CARDS
	mov ecx, CARDS_N
.card:
	mov al, 0x21			; CR: stop, page 0
	out dx, al
	add edx, 0x0f			; IMR
	xor al, al
	out dx, al
	sub edx, 5			; RBCR0, RBCR1: no bytes
	out dx, al
	inc edx
	out dx, al
	sub edx, 0x0b			; CR: start, remote read
	mov al, 0x0a
	out dx, al
	add edx, CARD
	dec ecx
	jnz .card

	mov esi, STREAM
	mov edi, ANSWERS
	jmp fetch

	align 4
STEPS:
	dd step_end			; 0
	dd step_out			; 1
	dd step_in			; 2
	dd step_delay			; 3
	dd step_interrupt		; 4
	dd step_mark			; 5

fetch:					; 4 instructions
	mov eax, [esi]
	add esi, 4
	movzx ebx, al
	jmp [STEPS + ebx * 4]

step_out:				; 5, the 4th acts
	mov edx, eax
	shr edx, 16
	shr eax, 8
	out dx, al
	jmp fetch

step_in:				; 8, the 4th acts
	mov edx, eax
	shr edx, 16
	nop
	in al, dx
	movzx eax, al
	mov [edi], ax
	add edi, 2
	jmp fetch

step_delay:				; 2 + 2 * turns + 1
	mov ecx, eax
	shr ecx, 8
.turn:
	dec ecx
	jnz .turn
	jmp fetch

; Takes one interrupt if there is one: 0 or 100h + vector.
step_interrupt:				; 8; before the 4th is the moment; 7 more if one came
	xor ebx, ebx
	sti
	nop				; the instruction in STI's shadow
	cli
	mov [edi], bx
	add edi, 2
	nop
	jmp fetch

taken:					; push and jmp in the stub, and 5
	pop ebx
	movzx ebx, bl
	mov bh, 1
	and dword [esp + 8], ~0x200	; one interrupt is enough
	iret

step_mark:				; 5
	mov word [edi], 0x5a5a
	nop
	nop
	add edi, 2
	jmp fetch

step_end:
	mov ecx, edi
	mov esi, ANSWERS
	sub ecx, esi
	mov dx, CONSOLE
	rep outsb
	mov dx, EXIT
	xor al, al
	out dx, al
	hlt

	times 0xfff0 - ($ - $$) db 0xff
	bits 16
reset:
	jmp 0xf000:0
	times 0x10000 - ($ - $$) db 0xff
