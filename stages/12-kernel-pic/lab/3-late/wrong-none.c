	vcpu_open(&vm);
