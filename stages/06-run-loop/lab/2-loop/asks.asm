; It asks which CPU it has, again and again, with interrupts off as after reset.
	print	'q'
	print	10
.again:
	xor	eax, eax
	cpuid
	jmp	.again
