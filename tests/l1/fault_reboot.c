// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel module that does to VTXDRV what a reboot does, and then lets the
 * machine live on: it calls its reboot notifier, whose address it is given.
 */
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/reboot.h>

static unsigned long notifier;
module_param(notifier, ulong, 0);

static int __init fault_reboot_init(void)
{
	notifier_fn_t call = (notifier_fn_t)notifier;

	call(NULL, SYS_RESTART, NULL);
	return 0;
}
module_init(fault_reboot_init);

static void __exit fault_reboot_exit(void)
{
}
module_exit(fault_reboot_exit);

MODULE_DESCRIPTION("Switches VMX off under VTXDRV, for a test");
MODULE_LICENSE("GPL");
