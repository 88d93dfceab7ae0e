/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A made-up CPU and a VMCS that is good to enter, in several forms. The tests break it in one
 * place each.
 */
#ifndef TEST_VMENTRY_BASE_H
#define TEST_VMENTRY_BASE_H

#include "vmentry.h"
#include "vmx_extra.h"

#define NR_FIELDS 0x7000
#define VMCS_ADDR 0x7000
#define VIRTUAL_APIC_PAGE 0x8000
#define LINKED_VMCS 0x9000
#define REVISION 0x12

struct machine {
	u64 value[NR_FIELDS];
	bool present[NR_FIELDS];
	struct vmentry_caps caps;
	struct vmentry_input in;
	/* The little physical memory that there is: what a change put there. */
	struct {
		u64 addr;
		u32 value;
	} memory[4];
	unsigned int nr_memory;
};

/*
 * BASE_64: a CPU that has everything, all of it in use, under a 64-bit host, for a 64-bit guest.
 * BASE_REAL: a plain CPU, an unrestricted guest in real mode; only what it needs is there.
 * The others are BASE_64 but for what their name says. BASE_RESTRICTED: the guest is not
 * unrestricted.
 */
enum base {
	BASE_64,
	BASE_REAL,
	BASE_RESTRICTED,
	BASE_GUEST_32,
	BASE_PAE,
	BASE_V86,
	BASE_HOST_32,
	NR_BASES,
};

void machine_init(struct machine *m, enum base base);

/* What a test does to a machine: to a field of its VMCS, to its capabilities, to its memory. */
struct change {
	enum {
		CHANGE_NONE,
		CHANGE_SET,
		CHANGE_ON,
		CHANGE_OFF,
		CHANGE_CAP_ON,
		CHANGE_CAP_OFF,
		CHANGE_LACKS,
		CHANGE_MEMORY,
		CHANGE_TRACING,
	} kind;
	u64 where;
	u64 value;
};

/* clang-format off */
#define SET(field, value) { CHANGE_SET, field, value }
#define ON(field, bits) { CHANGE_ON, field, bits }
#define OFF(field, bits) { CHANGE_OFF, field, bits }
#define CAP_ON(member, bits) { CHANGE_CAP_ON, offsetof(struct vmentry_caps, member), bits }
#define CAP_OFF(member, bits) { CHANGE_CAP_OFF, offsetof(struct vmentry_caps, member), bits }
#define LACKS(member) { CHANGE_LACKS, offsetof(struct vmentry_caps, member) }
#define MEMORY(addr, value) { CHANGE_MEMORY, addr, value }
#define TRACING { CHANGE_TRACING }
/* clang-format on */

/* One way to break one rule. */
struct breakage {
	enum vmentry_rule rule;
	u32 field;
	enum base base;
	struct change changes[8];
};

/* clang-format off */
#define BREAK(name, field, base, ...) { VMENTRY_##name, field, base, { __VA_ARGS__ } }
/* clang-format on */

void machine_change(struct machine *m, const struct change *change);

extern const struct breakage breaks_controls[], breaks_host[], breaks_guest[];
extern const size_t nr_breaks_controls, nr_breaks_host, nr_breaks_guest;

#endif /* TEST_VMENTRY_BASE_H */
