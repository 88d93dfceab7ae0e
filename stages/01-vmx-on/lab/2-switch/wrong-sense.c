	intel_pt_handle_vmx(1);
	cr4_set_bits(X86_CR4_VMXE);
	err = vmxon(__pa(this_cpu_read(vmxon_region)));
	if (!err) {
		cr4_clear_bits(X86_CR4_VMXE);
		intel_pt_handle_vmx(0);
		pr_err("CPU%d: VMXON was refused\n", cpu);
		return err;
	}

	cpumask_set_cpu(cpu, &vmx_on);
	pr_info("CPU%d: VMX on\n", cpu);
	return 0;
