static int hw_cpu_online(unsigned int cpu)
{
	struct vmx_region *region;
	unsigned long flags;
	int err;

	err = hw_allowed();
	if (err)
		return err;

	region = (void *)get_zeroed_page(GFP_KERNEL);
	if (!region)
		return -ENOMEM;
	vtx_caps.basic++;
	region->revision_id = (u32)vtx_caps.basic;
	this_cpu_write(vmxon_region, region);

	local_irq_save(flags);
	hw_switch_on();
	region->revision_id--;
	err = hw_switch_on();
	local_irq_restore(flags);

	if (err) {
		this_cpu_write(vmxon_region, NULL);
		free_page((unsigned long)region);
	}
	return err;
}
