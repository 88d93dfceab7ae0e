to_c:
	push	eax
	push	ecx
	push	edx
	push	ebx
	lea	eax, [esp + 16]		; as PUSHAD has it: ESP before all this
	push	eax
	push	ebp
	push	esi
	push	edi
	mov	ebx, esp		; C keeps EBX for us
	push	ebx
	cld
	call	interrupt
	mov	esp, ebx
	pop	edi
	pop	esi
	pop	ebp
	pop	eax
	pop	ebx
	pop	edx
	pop	ecx
	pop	eax
	lea	esp, [esp + 8]
	iretd
