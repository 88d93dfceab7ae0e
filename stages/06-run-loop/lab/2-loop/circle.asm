; It runs in a circle, with interrupts off as after reset, and wants nothing from anybody.
	print	'o'
	print	10
	jmp	$
