	for (int chips = 0; chips < 2; chips++)
		(chips ? irqchip_create : vcpu_open)(&vm);
