	print	'a'
	print	10
	mov	dx, COM1
	outsb
	print	'b'
	rest
