	intel_pt_handle_vmx(1);
	cpumask_set_cpu(cpu, &vmx_on);
	cr4_set_bits(X86_CR4_VMXE);
	if (!vmxon(__pa(per_cpu(vmxon_region, cpu)))) {
		pr_info("CPU%d: VMX on\n", cpu);
		return 0;
	}

	err = -EIO;
	pr_err("CPU%d: VMXON was refused\n", cpu);
	cr4_clear_bits(X86_CR4_VMXE);
	cpumask_clear_cpu(cpu, &vmx_on);
	intel_pt_handle_vmx(0);
	return err;
