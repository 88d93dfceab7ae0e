to_c:
	; Your turn: keep all registers, call C, and go back to where it was.
	cli
	hlt
