/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's own <asm/vmx.h>, made fit for user space, where <asm/vmx.h> has the exit reasons
 * only. So user space names fields and controls as the module does, and nothing is typed twice.
 *
 * To use it: -I of this folder, and -I of the root of the kernel's common headers.
 */
#ifndef SHIM_ASM_VMX_H
#define SHIM_ASM_VMX_H

#define __aligned(n) __attribute__((aligned(n)))
#define WARN_ON_ONCE(condition) ((void)(condition))

#include <arch/x86/include/asm/vmx.h>

#undef __aligned
#undef WARN_ON_ONCE

#endif /* SHIM_ASM_VMX_H */
