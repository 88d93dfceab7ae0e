; A halt from which an interrupt could wake it.
	sti
	hlt
