	intel_pt_handle_vmx(1); /* Intel PT must not trace across VMXON */
	/* Your turn: CR4, then VMXON. What if it works, and what if it is refused? */
	err = 0;
	return err;
