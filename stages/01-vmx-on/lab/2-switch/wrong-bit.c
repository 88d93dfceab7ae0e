	intel_pt_handle_vmx(1);
	err = vmxon(__pa(this_cpu_read(vmxon_region)));
	if (err) {
		intel_pt_handle_vmx(0);
		pr_err("CPU%d: VMXON was refused\n", cpu);
		return err;
	}

	cpumask_set_cpu(cpu, &vmx_on);
	pr_info("CPU%d: VMX on\n", cpu);
	return 0;
