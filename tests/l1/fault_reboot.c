// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel module that does to VTXDRV what a reboot does, and then lets the
 * machine live on: it calls its reboot notifier.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/reboot.h>

static int __init fault_reboot_init(void)
{
	/* A probe that is never hit: to set it, the kernel looks the name up. */
	struct kprobe probe = { .symbol_name = "hw_reboot" };
	notifier_fn_t notifier;
	int err;

	err = register_kprobe(&probe);
	if (err)
		return err;
	notifier = (notifier_fn_t)probe.addr;
	unregister_kprobe(&probe);

	notifier(NULL, SYS_RESTART, NULL);
	return 0;
}
module_init(fault_reboot_init);

static void __exit fault_reboot_exit(void)
{
}
module_exit(fault_reboot_exit);

MODULE_DESCRIPTION("Switches VMX off under VTXDRV, for a test");
MODULE_LICENSE("GPL");
