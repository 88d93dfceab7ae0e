/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's short integer types, for files that are built into the module and into user space.
 */
#ifndef VTX_TYPES_H
#define VTX_TYPES_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
#endif

#endif /* VTX_TYPES_H */
