// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's segment registers. SDM "Checks on Guest Segment Registers".
 */
#include "vmentry_check.h"

#define AR_RESERVED (GENMASK_ULL(31, 17) | GENMASK_ULL(11, 8))
#define AR_G VMX_AR_G_MASK

/* Present, DPL 3, writable data: what virtual-8086 mode wants of all six. */
#define AR_V86 0xf3

#define TYPE_DATA_RW_ACCESSED 3
#define TYPE_DATA_RW_DOWN_ACCESSED 7
#define TYPE_CONFORMING 4

#define SELECTOR_RPL 3
#define SELECTOR_TI 4

/* The VMCS numbers the eight registers in this order; their fields are 2 apart. */
enum segment {
	SEG_ES,
	SEG_CS,
	SEG_SS,
	SEG_DS,
	SEG_FS,
	SEG_GS,
	SEG_LDTR,
	SEG_TR,
};

#define SELECTOR(seg) (GUEST_ES_SELECTOR + 2 * (seg))
#define BASE(seg) (GUEST_ES_BASE + 2 * (seg))
#define LIMIT(seg) (GUEST_ES_LIMIT + 2 * (seg))
#define RIGHTS(seg) (GUEST_ES_AR_BYTES + 2 * (seg))

static u32 rights(const struct check *c, enum segment seg)
{
	return vmentry_read(c, RIGHTS(seg));
}

static u32 type(const struct check *c, enum segment seg)
{
	return rights(c, seg) & VMX_AR_TYPE_MASK;
}

static u32 dpl(const struct check *c, enum segment seg)
{
	return VMX_AR_DPL(rights(c, seg));
}

static u32 rpl(const struct check *c, enum segment seg)
{
	return vmentry_read(c, SELECTOR(seg)) & SELECTOR_RPL;
}

static bool usable(const struct check *c, enum segment seg)
{
	return !(rights(c, seg) & VMX_AR_UNUSABLE_MASK);
}

static bool ia32e(const struct check *c)
{
	return vmentry_on(c, CTL_ENTRY, VM_ENTRY_IA32E_MODE);
}

static bool check_v86(struct check *c)
{
	enum segment seg;

	for (seg = SEG_ES; seg <= SEG_GS; seg++) {
		if (vmentry_read(c, BASE(seg)) != vmentry_read(c, SELECTOR(seg)) << 4)
			return vmentry_broken(c, VMENTRY_GUEST_V86_BASE, BASE(seg));
		if (vmentry_read(c, LIMIT(seg)) != 0xffff)
			return vmentry_broken(c, VMENTRY_GUEST_V86_LIMIT, LIMIT(seg));
		if (rights(c, seg) != AR_V86)
			return vmentry_broken(c, VMENTRY_GUEST_V86_RIGHTS, RIGHTS(seg));
	}
	return false;
}

static bool check_bases(struct check *c)
{
	enum segment seg;

	for (seg = SEG_ES; seg <= SEG_DS; seg++)
		if ((seg == SEG_CS || usable(c, seg)) &&
		    vmentry_check_zeros(c, BASE(seg), HIGH_HALF, VMENTRY_GUEST_BASE_HIGH))
			return true;
	for (seg = SEG_FS; seg <= SEG_TR; seg++)
		if ((seg != SEG_LDTR || usable(c, seg)) &&
		    vmentry_check_canonical(c, BASE(seg), VMENTRY_GUEST_BASE))
			return true;
	return false;
}

/* What all eight have in common. */
static bool check_common(struct check *c, enum segment seg)
{
	u32 ar = rights(c, seg), limit = vmentry_read(c, LIMIT(seg));

	if (!(ar & VMX_AR_P_MASK))
		return vmentry_broken(c, VMENTRY_GUEST_SEGMENT_P, RIGHTS(seg));
	if (ar & AR_RESERVED)
		return vmentry_broken(c, VMENTRY_GUEST_SEGMENT_RESERVED, RIGHTS(seg));
	/* With G the limit counts pages, so its low 12 bits can only be ones. */
	if ((ar & AR_G) && (limit & 0xfff) != 0xfff)
		return vmentry_broken(c, VMENTRY_GUEST_LIMIT_G_SET, LIMIT(seg));
	/* Without G it has 20 bits. */
	if (!(ar & AR_G) && limit >> 20)
		return vmentry_broken(c, VMENTRY_GUEST_LIMIT_G_CLEAR, LIMIT(seg));
	return false;
}

static bool check_code_or_data(struct check *c, enum segment seg)
{
	if (!(rights(c, seg) & VMX_AR_S_MASK))
		return vmentry_broken(c, VMENTRY_GUEST_SEGMENT_S, RIGHTS(seg));
	return check_common(c, seg);
}

static bool check_cs_privilege(struct check *c)
{
	if (type(c, SEG_CS) == TYPE_DATA_RW_ACCESSED)
		return dpl(c, SEG_CS) && vmentry_broken(c, VMENTRY_GUEST_CS_DPL_REAL, RIGHTS(SEG_CS));
	if (type(c, SEG_CS) & TYPE_CONFORMING)
		return dpl(c, SEG_CS) > dpl(c, SEG_SS) &&
		       vmentry_broken(c, VMENTRY_GUEST_CS_DPL_CONFORMING, RIGHTS(SEG_CS));
	return dpl(c, SEG_CS) != dpl(c, SEG_SS) && vmentry_broken(c, VMENTRY_GUEST_CS_DPL, RIGHTS(SEG_CS));
}

static bool check_cs(struct check *c)
{
	u32 accessed_code = VMX_AR_TYPE_CODE_MASK | VMX_AR_TYPE_ACCESSES_MASK;

	/* Real mode leaves CS as a data segment, which unrestricted guests may have. */
	if ((type(c, SEG_CS) & accessed_code) != accessed_code &&
	    !(vmentry_unrestricted(c) && type(c, SEG_CS) == TYPE_DATA_RW_ACCESSED))
		return vmentry_broken(c, VMENTRY_GUEST_CS_TYPE, RIGHTS(SEG_CS));
	if (check_code_or_data(c, SEG_CS))
		return true;
	if (ia32e(c) && (rights(c, SEG_CS) & VMX_AR_L_MASK) && (rights(c, SEG_CS) & VMX_AR_DB_MASK))
		return vmentry_broken(c, VMENTRY_GUEST_CS_D_L, RIGHTS(SEG_CS));
	return check_cs_privilege(c);
}

/* The DPL of SS is the guest's privilege level, so it counts even if SS is unusable. */
static bool check_ss_privilege(struct check *c)
{
	bool unrestricted = vmentry_unrestricted(c);
	bool real_mode = !vmentry_has(c, GUEST_CR0, X86_CR0_PE);

	if (!unrestricted && rpl(c, SEG_SS) != rpl(c, SEG_CS))
		return vmentry_broken(c, VMENTRY_GUEST_SS_RPL, GUEST_SS_SELECTOR);
	if (!unrestricted && dpl(c, SEG_SS) != rpl(c, SEG_SS))
		return vmentry_broken(c, VMENTRY_GUEST_SS_DPL, RIGHTS(SEG_SS));
	return (real_mode || type(c, SEG_CS) == TYPE_DATA_RW_ACCESSED) && dpl(c, SEG_SS) &&
	       vmentry_broken(c, VMENTRY_GUEST_SS_DPL_REAL, RIGHTS(SEG_SS));
}

static bool check_fred(struct check *c)
{
	if (!vmentry_has(c, GUEST_CR4, X86_CR4_FRED))
		return false;

	switch (dpl(c, SEG_SS)) {
	case 0:
		return !(rights(c, SEG_CS) & VMX_AR_L_MASK) &&
		       vmentry_broken(c, VMENTRY_GUEST_FRED_CS_L, RIGHTS(SEG_CS));
	case 3:
		return vmentry_check_zeros(c, GUEST_RFLAGS, X86_EFLAGS_IOPL,
					   VMENTRY_GUEST_FRED_IOPL) ||
		       vmentry_check_zeros(c, GUEST_INTERRUPTIBILITY_INFO, GUEST_INTR_STATE_STI,
					   VMENTRY_GUEST_FRED_STI);
	default:
		return vmentry_broken(c, VMENTRY_GUEST_FRED_SS_DPL, RIGHTS(SEG_SS));
	}
}

static bool check_ss(struct check *c)
{
	if (usable(c, SEG_SS)) {
		if (type(c, SEG_SS) != TYPE_DATA_RW_ACCESSED &&
		    type(c, SEG_SS) != TYPE_DATA_RW_DOWN_ACCESSED)
			return vmentry_broken(c, VMENTRY_GUEST_SS_TYPE, RIGHTS(SEG_SS));
		if (check_code_or_data(c, SEG_SS))
			return true;
	}
	return check_ss_privilege(c) || check_fred(c);
}

/* DS, ES, FS, GS */
static bool check_data(struct check *c, enum segment seg)
{
	u32 t = type(c, seg);

	if (!usable(c, seg))
		return false;
	if (!(t & VMX_AR_TYPE_ACCESSES_MASK))
		return vmentry_broken(c, VMENTRY_GUEST_DATA_ACCESSED, RIGHTS(seg));
	if ((t & VMX_AR_TYPE_CODE_MASK) && !(t & VMX_AR_TYPE_READABLE_MASK))
		return vmentry_broken(c, VMENTRY_GUEST_DATA_READABLE, RIGHTS(seg));
	/* Conforming code, types 12 to 15, may be had at any privilege level. */
	if (!vmentry_unrestricted(c) && t <= 11 && dpl(c, seg) < rpl(c, seg))
		return vmentry_broken(c, VMENTRY_GUEST_DATA_DPL, RIGHTS(seg));
	return check_code_or_data(c, seg);
}

static bool check_system(struct check *c, enum segment seg)
{
	if (rights(c, seg) & VMX_AR_S_MASK)
		return vmentry_broken(c, VMENTRY_GUEST_SYSTEM_S, RIGHTS(seg));
	return check_common(c, seg);
}

static bool check_tr(struct check *c)
{
	bool type_ok = type(c, SEG_TR) == VMX_AR_TYPE_BUSY_64_TSS ||
		       (!ia32e(c) && type(c, SEG_TR) == VMX_AR_TYPE_BUSY_16_TSS);

	if (!usable(c, SEG_TR))
		return vmentry_broken(c, VMENTRY_GUEST_TR_UNUSABLE, RIGHTS(SEG_TR));
	if (!type_ok)
		return vmentry_broken(c, VMENTRY_GUEST_TR_TYPE, RIGHTS(SEG_TR));
	return vmentry_check_zeros(c, SELECTOR(SEG_TR), SELECTOR_TI, VMENTRY_GUEST_TR_TI) ||
	       check_system(c, SEG_TR);
}

static bool check_ldtr(struct check *c)
{
	if (!usable(c, SEG_LDTR))
		return false;
	if (type(c, SEG_LDTR) != VMX_AR_TYPE_LDT)
		return vmentry_broken(c, VMENTRY_GUEST_LDTR_TYPE, RIGHTS(SEG_LDTR));
	return vmentry_check_zeros(c, SELECTOR(SEG_LDTR), SELECTOR_TI, VMENTRY_GUEST_LDTR_TI) ||
	       check_system(c, SEG_LDTR);
}

bool vmentry_check_segments(struct check *c)
{
	if (vmentry_has(c, GUEST_RFLAGS, X86_EFLAGS_VM)) {
		if (check_v86(c))
			return true;
	} else if (check_cs(c) || check_ss(c) || check_data(c, SEG_DS) || check_data(c, SEG_ES) ||
		   check_data(c, SEG_FS) || check_data(c, SEG_GS)) {
		return true;
	}
	return check_bases(c) || check_tr(c) || check_ldtr(c);
}
