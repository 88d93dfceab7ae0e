start:
	cli				; there is no table for interrupts
	xor	ax, ax
	mov	ds, ax
	; Your turn: the way into protected mode.
	hlt

	bits	32			; what follows is 32-bit code
