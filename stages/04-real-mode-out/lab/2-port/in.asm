	print	'a'
	print	10
	in	al, 0x60
	print	'b'
	rest
