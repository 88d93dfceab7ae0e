/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What VTXCTL and VTXDRV say to each other: the ioctls of /dev/vtx.
 *
 * open("/dev/vtx") makes a VM; it ends when the last descriptor is closed.
 * Beside each ioctl stand the errors it can give; whatever the ioctl, EFAULT
 * means a bad pointer, ENOTTY an unknown request, and EIO that the caller is
 * not the process that made the VM (a fork is not). Reserved fields must be
 * zero.
 */
#ifndef VTX_H
#define VTX_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VTX_IOC_MAGIC 0xB7

/*
 * What this CPU can do: its VMX capability MSRs, unchanged
 * (SDM Vol. 3, appendix "VMX Capability Reporting Facility").
 *
 * The control words give two masks. Low half: bits that must be 1. High half:
 * bits that may be 1. Where the CPU has the TRUE form of a word, this is it.
 * A word that the CPU does not have is 0.
 */
struct vtx_caps {
	__u32 size; /* in: sizeof(struct vtx_caps) */
	__u32 flags; /* out: VTX_CAPS_* */
	__u64 feature_control; /* IA32_FEATURE_CONTROL */
	__u64 basic; /* IA32_VMX_BASIC */
	__u64 pin; /* pin-based controls */
	__u64 proc; /* primary processor-based controls */
	__u64 proc2; /* secondary processor-based controls */
	__u64 exit; /* VM-exit controls */
	__u64 entry; /* VM-entry controls */
	__u64 misc; /* IA32_VMX_MISC */
	__u64 cr0_fixed0; /* bits of CR0 that VMX wants as 1 */
	__u64 cr0_fixed1; /* bits of CR0 that may be 1 */
	__u64 cr4_fixed0;
	__u64 cr4_fixed1;
	__u64 ept_vpid; /* IA32_VMX_EPT_VPID_CAP */
	__u64 vmfunc; /* IA32_VMX_VMFUNC */
	__u32 cpus_on; /* out: CPUs with VMX on, now */
	__u32 maxphyaddr; /* out: bits of a physical address */
	__u64 reserved[2]; /* out: 0 */
};

#define VTX_CAPS_TRUE (1u << 0) /* the words are the TRUE form */

/* EINVAL: size is not that of this structure. */
#define VTX_GET_CAPS _IOWR(VTX_IOC_MAGIC, 0x01, struct vtx_caps)

#endif /* VTX_H */
