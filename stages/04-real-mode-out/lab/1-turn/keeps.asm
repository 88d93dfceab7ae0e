; What are the stack and the flags after an OUT? It says so without a stack.
%macro say 0
	mov	dx, COM1
%%next:	lodsb
	test	al, al
	jz	%%done
	out	dx, al
	jmp	%%next
%%done:
%endmacro

	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, 0x7000
	cld

	mov	ax, 0x1234
	push	ax
	out	0x80, al
	pop	bx
	cmp	ax, bx
	mov	si, stack_kept
	je	.stack
	mov	si, stack_lost
.stack:	say

	stc
	out	0x80, al
	mov	si, flags_kept
	jc	.flags
	mov	si, flags_lost
.flags:	say
	rest

stack_kept: db "stack: kept", 10, 0
stack_lost: db "stack: lost", 10, 0
flags_kept: db "flags: kept", 10, 0
flags_lost: db "flags: lost", 10, 0
