	irqchip_create(&vm);
	vcpu_open(&vm);
	irqchip_create(&vm);
