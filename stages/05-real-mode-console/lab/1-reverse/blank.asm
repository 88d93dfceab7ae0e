; --- reverse: swap first and last, second and last but one, ... ---

reverse:
	; Your turn. In: the letters at `line`, how many in CX.
	ret

