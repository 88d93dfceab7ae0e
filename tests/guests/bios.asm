; SPDX-License-Identifier: GPL-2.0-only
;
; As much of a BIOS as a boot loader asks for, as a ROM of 64 KiB: what it prints
; goes to the serial port, what is typed there are its keys, its disc lies in
; memory. Given by -D: DRIVE, SECTORS of 1 << SHIFT bytes at DISC, MEM_KB above
; 1 MiB, and where to begin: BOOT_CS, BOOT_IP, BOOT_DS; if LBA is given, that
; sector and the three behind it are read to 0:7C00 first. When the program boots
; anew it ends, with status 85.

bits 16
org 0

%ifndef DRIVE
%define DRIVE 0x80
%endif
%ifndef SECTORS
%define SECTORS 0
%endif
%ifndef SHIFT
%define SHIFT 9
%endif
%ifndef DISC
%define DISC 0x1000000
%endif
%ifndef BOOT_CS
%define BOOT_CS 0
%define BOOT_IP 0x7c00
%define BOOT_DS 0
%endif
HEADS equ 16
SPT equ 63
COM1 equ 0x3f8
KEY equ 0x41e			; a key that waits, 0 if none
RAN equ 0x4f0			; what says that we were here before
TICKS equ 0x46c

start:
	cli
	cld
	xor ax, ax
	mov ds, ax
	mov es, ax
	mov ss, ax
	mov sp, 0x7000
	cmp dword [RAN], "once"	; the program wants to boot anew: that is its end
	je done
	xor di, di		; every vector: an IRET
	mov cx, 256
.vector:
	mov ax, nothing
	stosw
	mov ax, cs
	stosw
	loop .vector
	mov si, vectors
.install:
	cs lodsw
	test ax, ax
	jz .installed
	mov bx, ax
	cs lodsw
	mov [bx], ax
	jmp .install
.installed:
	xor ax, ax
	mov di, 0x400		; the BIOS data area
	mov cx, 128
	rep stosw
	mov dword [RAN], "once"
	mov word [0x400], COM1
	mov word [0x410], 0x0220
	mov word [0x413], 639
	mov word [0x40e], 0x9fc0
	mov byte [0x449], 3
	mov word [0x44a], 80
	mov word [0x463], 0x3d4
	mov byte [0x475], (DRIVE & 0x80) >> 7
	mov byte [0x484], 24
	mov dx, COM1 + 3	; 115200 8N1
	mov al, 0x83
	out dx, al
	mov dx, COM1
	mov al, 1
	out dx, al
	inc dx
	mov al, 0
	out dx, al
	mov dx, COM1 + 3
	mov al, 3
	out dx, al
	inc dx
	out dx, al
	mov al, 0x11		; the controllers: vectors 8 and 70h, IRQ 0 alone
	out 0x20, al
	out 0xa0, al
	mov al, 8
	out 0x21, al
	mov al, 0x70
	out 0xa1, al
	mov al, 4
	out 0x21, al
	mov al, 2
	out 0xa1, al
	mov al, 1
	out 0x21, al
	out 0xa1, al
	mov al, 0xfe
	out 0x21, al
	mov al, 0xff
	out 0xa1, al
	mov al, 0x36		; the timer: 18.2 Hz
	out 0x43, al
	xor al, al
	out 0x40, al
	out 0x40, al
	sti
%ifdef LBA
	mov eax, LBA
	mov ecx, 4
	mov edi, 0x7c00
	mov bl, 0
	call move
%endif
	mov ax, BOOT_DS
	mov ds, ax
	mov es, ax
	mov dl, DRIVE
	jmp BOOT_CS:BOOT_IP

vectors:
	dw 8 * 4, int08, 0x10 * 4, int10, 0x11 * 4, int11, 0x12 * 4, int12, 0x13 * 4, int13
	dw 0x15 * 4, int15, 0x16 * 4, int16, 0x18 * 4, int18, 0x19 * 4, start, 0x1a * 4, int1a
	dw 0

nothing:
	iret

; To give carry back to who said INT: BP as `push bp; mov bp, sp` leaves it.
%macro carry 0
	or byte [bp + 6], 1
	pop bp
	iret
%endmacro
%macro no_carry 0
	and byte [bp + 6], ~1
	pop bp
	iret
%endmacro

int08:
	push ds
	push ax
	xor ax, ax
	mov ds, ax
	inc dword [TICKS]
	int 0x1c
	mov al, 0x20
	out 0x20, al
	pop ax
	pop ds
	iret

putc:				; AL
	push dx
	push ax
	mov dx, COM1 + 5
.wait:
	in al, dx
	test al, 0x20
	jz .wait
	pop ax
	mov dx, COM1
	out dx, al
	pop dx
	ret

int10:
	cld
	push ds
	push bx
	xor bx, bx
	mov ds, bx
	cmp ah, 0x0e
	je .teletype
	cmp ah, 0x09
	je .repeat
	cmp ah, 0x0a
	je .repeat
	cmp ah, 0x02
	je .move
	cmp ah, 0x03
	je .where
	cmp ah, 0x0f
	je .mode
	cmp ah, 0x13
	je .string
.done:
	pop bx
	pop ds
	iret
.teletype:
	call putc
	cmp al, 10
	jne .column
	cmp byte [0x451], 24
	jae .done
	inc byte [0x451]
	jmp .done
.column:
	cmp al, 13
	jne .next
	mov byte [0x450], 0
	jmp .done
.next:
	cmp al, 8
	jne .right
	dec byte [0x450]
	jmp .done
.right:
	inc byte [0x450]
	jmp .done
.repeat:			; CX times; the cursor stays
	cmp cx, 1
	jne .done
	call putc
	jmp .done
.move:				; a new row: a new line
	cmp dh, [0x451]
	je .same
	push ax
	mov al, 13
	call putc
	mov al, 10
	call putc
	pop ax
.same:
	mov [0x450], dx
	jmp .done
.where:
	mov dx, [0x450]
	mov cx, 0x0607
	jmp .done
.mode:
	mov ax, 80 << 8 | 3
	pop bx
	mov bh, 0
	pop ds
	iret
.string:			; ES:BP, CX of them
	pusha
.char:
	jcxz .said
	mov al, [es:bp]
	inc bp
	call putc
	dec cx
	jmp .char
.said:
	popa
	jmp .done

int11:
	mov ax, 0x0220
	iret

int12:
	mov ax, 639
	iret

; ECX sectors from EAX on to or from EDI. BL: 1 writes. Keeps all but flags.
move:
	pushad
	push ds
	push es
	mov esi, eax
	shl esi, SHIFT
	add esi, DISC
	shl ecx, SHIFT - 2
	test bl, bl
	jz .read
	xchg esi, edi
.read:
	pushf
	cli
	o32 lgdt [cs:gdtr]
	mov eax, cr0
	inc ax
	mov cr0, eax
	mov bx, 8
	mov ds, bx
	mov es, bx
	dec ax
	mov cr0, eax
	xor ax, ax
	mov ds, ax
	mov es, ax
	cld
	a32 rep movsd
	popf
	pop es
	pop ds
	popad
	ret

align 8
gdt:
	dq 0, 0x008f93000000ffff
gdtr:
	dw 15
	dd 0xf0000 + gdt

int13:
	push bp
	mov bp, sp
	cmp dl, DRIVE
	jne .bad
%if SECTORS == 0
	jmp .bad
%endif
	cmp ah, 0x00
	je .ok
	cmp ah, 0x02
	je .chs
	cmp ah, 0x08
	je .geometry
	cmp ah, 0x15
	je .type
	cmp ah, 0x41
	je .extensions
	cmp ah, 0x42
	je .packet
	cmp ah, 0x43
	je .packet
	cmp ah, 0x48
	je .size
	cmp ax, 0x4b01
	je .eltorito
.bad:
	mov ah, 1
	carry
.ok:
	mov ah, 0
	no_carry
.type:
	mov ah, 3
	mov cx, SECTORS >> 16
	mov dx, SECTORS & 0xffff
	no_carry
.geometry:
	xor ax, ax
	mov bl, 0
	mov cx, (SECTORS / (HEADS * SPT) & 0xff) << 8 | SPT
	mov dx, (HEADS - 1) << 8 | 1
	no_carry
.extensions:
	mov bx, 0xaa55
	mov ah, 0x30
	mov cx, 1
	no_carry
.eltorito:
	mov byte [si], 0x13
	mov byte [si + 1], 0
	mov byte [si + 2], DRIVE
	mov byte [si + 3], 0
%ifdef LBA
	mov dword [si + 4], LBA
%else
	mov dword [si + 4], 0
%endif
	mov dword [si + 8], 0
	mov dword [si + 12], 4
	mov ah, 0
	no_carry
.size:
	mov word [si], 26
	mov word [si + 2], 0
	mov dword [si + 4], SECTORS / (HEADS * SPT)
	mov dword [si + 8], HEADS
	mov dword [si + 12], SPT
	mov dword [si + 16], SECTORS
	mov dword [si + 20], 0
	mov word [si + 24], 1 << SHIFT
	mov ah, 0
	no_carry
.packet:			; DS:SI: size, count, offset, segment, LBA
	pushad
	movzx ecx, word [si + 2]
	movzx edi, word [si + 6]
	shl edi, 4
	movzx edx, word [si + 4]
	add edi, edx
	mov bl, ah
	and bl, 1
	mov eax, [si + 8]
	call move
	popad
	mov ah, 0
	no_carry
.chs:
	pushad
	movzx ebx, bx
	mov edi, 0
	mov di, es
	shl edi, 4
	add edi, ebx
	push ax			; how many
	mov al, cl		; cylinder: CH and two bits of CL
	shr al, 6
	mov ah, al
	mov al, ch
	movzx eax, ax
	imul eax, HEADS
	movzx edx, dh
	add eax, edx
	imul eax, SPT
	and ecx, 0x3f
	lea eax, [eax + ecx - 1]
	pop cx
	movzx ecx, cl
	mov bl, 0
	call move
	popad
	mov ah, 0
	no_carry

int15:
	push bp
	mov bp, sp
	cmp ax, 0xe820
	je .map
	cmp ax, 0xe801
	je .e801
	cmp ah, 0x88
	je .above
	cmp ah, 0x24
	je .a20
	mov ah, 0x86
	carry
.a20:
	mov ah, 0
	no_carry
.above:
	mov ax, MEM_KB
	no_carry
.e801:
	mov ax, MEM_KB
	cmp ax, 15 << 10
	jbe .small
	mov ax, 15 << 10
.small:
	mov bx, (MEM_KB - (15 << 10)) >> 6
	mov cx, ax
	mov dx, bx
	no_carry
.map:
	cmp ebx, 3
	jae .no_map
	push si
	push di
	push cx
	mov si, bx
	imul si, 20
	add si, map
	mov cx, 10
.word:
	cs lodsw
	stosw
	loop .word
	pop cx
	pop di
	pop si
	inc bx
	cmp bx, 3
	jb .more
	xor ebx, ebx
.more:
	mov eax, 0x534d4150
	mov ecx, 20
	no_carry
.no_map:
	mov ah, 0x86
	carry
map:
	dq 0, 0x9fc00
	dd 1
	dq 0x9fc00, 0x60400
	dd 2
	dq 0x100000, MEM_KB << 10
	dd 1

; A key is a byte from the serial port, with a scan code that will do.
poll:				; DS: 0. ZF: none; else AL
	mov al, [KEY]
	test al, al
	jnz .has
	push dx
	mov dx, COM1 + 5
	in al, dx
	test al, 1
	jz .none
	mov dx, COM1
	in al, dx
	mov [KEY], al
.none:
	pop dx
	mov al, [KEY]
	test al, al
.has:
	ret

int16:
	push bp
	mov bp, sp
	push ds
	push bx
	xor bx, bx
	mov ds, bx
	and ah, 0x0f
	cmp ah, 2
	je .shift
	cmp ah, 1
	je .look
	cmp ah, 0
	jne .done
	sti
.wait:
	call poll
	jz .wait
	mov byte [KEY], 0
	call scan
.done:
	pop bx
	pop ds
	pop bp
	iret
.shift:
	mov al, 0
	jmp .done
.look:
	sti
	call poll
	jz .none
	call scan
	and byte [bp + 6], ~0x40
	jmp .done
.none:
	or byte [bp + 6], 0x40
	jmp .done

scan:
	mov ah, 0x1c
	cmp al, 13
	je .enter
	mov ah, 0x39
.enter:
	ret

done:				; status (42 << 1 | 1)
int18:
	mov al, 42
	out 0xf4, al

int1a:
	push bp
	mov bp, sp
	cmp ah, 0
	jne .no
	push ds
	xor ax, ax
	mov ds, ax
	mov dx, [TICKS]
	mov cx, [TICKS + 2]
	pop ds
	no_carry
.no:
	carry

	times 0xfff0 - ($ - $$) db 0xff
	jmp 0xf000:start
	times 0x10000 - ($ - $$) db 0xff
