	irqchip_create(&vm);
	vcpu_open(&vm);
