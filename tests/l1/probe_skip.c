// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets one function of VTXDRV return 0 without having run, from the moment
 * VTXDRV is loaded: `insmod probe_skip.ko function=hw_allowed`. So a test can
 * come to what lies behind a check.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/string.h>

static char *function;
module_param(function, charp, 0444);

/* Called in its place. */
static noinline long nothing(void)
{
	return 0;
}

static int skip(struct kprobe *probe, struct pt_regs *regs)
{
	regs->ip = (unsigned long)nothing;
	return 1; /* do not go on where the probe stands */
}

static struct kprobe probe;

/* VTXDRV is in memory, its init function has not run yet. */
static int module_comes(struct notifier_block *nb, unsigned long state, void *data)
{
	struct module *module = data;

	if (strcmp(module->name, "vtxdrv"))
		return NOTIFY_DONE;
	if (state == MODULE_STATE_COMING) {
		probe = (struct kprobe){ .symbol_name = function, .pre_handler = skip };
		return notifier_from_errno(register_kprobe(&probe));
	}
	if (state == MODULE_STATE_GOING)
		unregister_kprobe(&probe);
	return NOTIFY_OK;
}

static struct notifier_block notifier = {
	.notifier_call = module_comes,
};

static int __init skip_init(void)
{
	return register_module_notifier(&notifier);
}

static void __exit skip_exit(void)
{
	unregister_module_notifier(&notifier);
}

module_init(skip_init);
module_exit(skip_exit);

MODULE_DESCRIPTION("Skips a function of VirtX's module, for its tests");
MODULE_LICENSE("GPL");
