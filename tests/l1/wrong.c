// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does one thing wrong, which a kernel without debugging lets pass:
 * `insmod wrong.ko what=used`. For the test that the debug kernel tells.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static char *what = "";
module_param(what, charp, 0444);

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);
static int volatile far = 70;

static void lock_both(struct mutex *one, struct mutex *other)
{
	mutex_lock(one);
	mutex_lock(other);
	mutex_unlock(other);
	mutex_unlock(one);
}

static void wrong(void)
{
	u8 volatile *memory = kmalloc(100, GFP_KERNEL);

	if (!memory)
		return;
	if (!strcmp(what, "beyond"))
		memory[100] = 1;
	kfree((void *)memory);
	if (!strcmp(what, "used"))
		memory[1] = 1;
	if (!strcmp(what, "lost"))
		memory = kmalloc(100, GFP_KERNEL);
	if (!strcmp(what, "shift"))
		pr_info("shifted: %d\n", 1 << far);
	if (!strcmp(what, "order")) {
		lock_both(&first, &second);
		lock_both(&second, &first);
	}
	if (!strcmp(what, "sleep")) {
		spin_lock(&spin);
		msleep(1);
		spin_unlock(&spin);
	}
}

static int __init wrong_init(void)
{
	wrong();
	return 0;
}

static void __exit wrong_exit(void)
{
}

module_init(wrong_init);
module_exit(wrong_exit);

MODULE_DESCRIPTION("Faults for the debug kernel of VirtX's tests to find");
MODULE_LICENSE("GPL");
