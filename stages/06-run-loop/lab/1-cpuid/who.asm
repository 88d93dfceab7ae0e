; Who made the CPU, what is it called, and which leaf is the last of each row?
	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, 0x7000
	cld

	xor	eax, eax
	call	ask
	mov	eax, [answer]
	call	last
	mov	si, made
	call	text
	mov	eax, [answer + 4]	; the letters are in EBX, EDX and ECX
	call	letters
	mov	eax, [answer + 12]
	call	letters
	mov	eax, [answer + 8]
	call	letters
	print	10

	mov	eax, 0x80000000
	call	ask
	mov	eax, [answer]
	call	last

	mov	si, called
	call	text
	mov	edi, 0x80000002
.name:
	mov	eax, edi
	call	ask
	mov	eax, [answer]
	call	letters
	mov	eax, [answer + 4]
	call	letters
	mov	eax, [answer + 8]
	call	letters
	mov	eax, [answer + 12]
	call	letters
	inc	edi
	cmp	edi, 0x80000005
	jb	.name
	print	10
	rest

; CPUID; what was in a register before must not look like an answer.
ask:
	mov	ebx, 0x3f3f3f3f
	mov	ecx, ebx
	mov	edx, ebx
	cpuid
	mov	[answer], eax
	mov	[answer + 4], ebx
	mov	[answer + 8], ecx
	mov	[answer + 12], edx
	ret

last:
	mov	si, last_leaf
	call	text
	mov	cx, 8
.digit:
	rol	eax, 4
	push	eax
	and	al, 15
	cmp	al, 10
	jb	.send
	add	al, 'a' - '0' - 10
.send:
	add	al, '0'
	mov	dx, COM1
	out	dx, al
	pop	eax
	loop	.digit
	print	10
	ret

; The four letters in EAX.
letters:
	mov	cx, 4
	mov	dx, COM1
.letter:
	test	al, al
	jz	.none
	out	dx, al
.none:
	shr	eax, 8
	loop	.letter
	ret

text:
	push	eax
	mov	dx, COM1
.next:
	lodsb
	test	al, al
	jz	.done
	out	dx, al
	jmp	.next
.done:
	pop	eax
	ret

last_leaf db "last leaf ", 0
made	db	"made by ", 0
called	db	"called ", 0
answer	equ	0x600
