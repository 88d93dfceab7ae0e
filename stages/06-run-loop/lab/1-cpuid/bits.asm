; What is the guest told that it has? One bit for each thing, then the leaves beyond the last.
	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, 0x7000
	cld
	mov	[at_reset], edx		; the CPU leaves there which one it is

	mov	eax, 1
	mov	di, answer
	call	ask
	mov	eax, 0x80000001
	mov	di, answer + 16
	call	ask

	mov	eax, [answer]
	cmp	eax, [at_reset]
	jne	.other
	mov	si, same
	call	text
.other:
	mov	si, things
.bit:
	lodsb				; which register
	cmp	al, 255
	je	.number
	movzx	bx, al
	lodsb				; which bit of it
	mov	cl, al
	call	text
	mov	eax, [answer + bx]
	shr	eax, cl
	and	al, 1
	add	al, '0'
	mov	dx, COM1
	out	dx, al
	print	10
	jmp	.bit
.number:
	mov	si, number
	call	text
	mov	eax, [answer + 4]
	mov	cx, 4
	call	hex
	print	10

	mov	bp, beyond
.leaf:
	mov	si, leaf
	call	text
	mov	eax, [bp]
	mov	cx, 8
	call	hex
	mov	eax, [bp]
	mov	di, answer
	call	ask
	mov	eax, [answer]
	or	eax, [answer + 4]
	or	eax, [answer + 8]
	or	eax, [answer + 12]
	mov	si, nothing
	jz	.say
	mov	si, something
.say:
	call	text
	add	bp, 4
	cmp	bp, beyond.end
	jb	.leaf
	rest

; CPUID, the answer to DI; what was in a register before must not look like one.
ask:
	mov	ebx, 0x3f3f3f3f
	xor	ecx, ecx
	mov	edx, ebx
	cpuid
	mov	[di], eax
	mov	[di + 4], ebx
	mov	[di + 8], ecx
	mov	[di + 12], edx
	ret

; The first CX digits of EAX.
hex:
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
	loop	hex
	ret

text:
	mov	dx, COM1
.next:
	lodsb
	test	al, al
	jz	.done
	out	dx, al
	jmp	.next
.done:
	ret

same	db	"same CPU as at reset", 10, 0
things	db	8, 31, "guest ", 0
	db	12, 4, "TSC ", 0
	db	12, 15, "CMOV ", 0
	db	8, 5, "VMX ", 0
	db	8, 26, "XSAVE ", 0
	db	12, 0, "FPU ", 0
	db	12, 9, "APIC ", 0
	db	28, 29, "long mode ", 0
	db	24, 0, "LAHF ", 0
	db	255
number	db	"number ", 0
leaf	db	"leaf ", 0
nothing	db	" nothing", 10, 0
something db	" something", 10, 0
beyond	dd	2, 7, 0x16, 0x40000000, 0x7fffffff, 0x80000008, 0xffffffff
.end:
answer	equ	0x600
at_reset equ	0x620
