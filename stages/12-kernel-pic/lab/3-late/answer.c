	vcpu_open(&vm);
	irqchip_create(&vm);
