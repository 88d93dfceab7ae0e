/* SPDX-License-Identifier: GPL-2.0-only */
/* The user-space <linux/types.h>, and the kernel's short names beside it. */
#ifndef SHIM_LINUX_TYPES_H
#define SHIM_LINUX_TYPES_H

#include_next <linux/types.h>
#include "../../types.h"

#endif /* SHIM_LINUX_TYPES_H */
