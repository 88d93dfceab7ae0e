/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where one can look on: `echo 1 >/sys/kernel/tracing/events/vtx/enable`. As
 * long as nobody does, each of these is an instruction that does nothing.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vtx

#if !defined(VTX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VTX_TRACE_H

#include <linux/tracepoint.h>

#include <asm/vmx.h>

/* clang-format off */
/* Programs read the format from outside, and do not know our names. */
TRACE_DEFINE_ENUM(VTX_IRQ_TAKEN);
TRACE_DEFINE_ENUM(VTX_IRQ_WAITS);
TRACE_DEFINE_ENUM(VTX_IRQ_MASKED);

/* A device of VTXCTL's moves a line. */
TRACE_EVENT(vtx_irq_line,
	TP_PROTO(u32 gsi, u32 level, u32 status),
	TP_ARGS(gsi, level, status),
	TP_STRUCT__entry(
		__field(u32, gsi)
		__field(u32, level)
		__field(u32, status)
	),
	TP_fast_assign(
		__entry->gsi = gsi;
		__entry->level = level;
		__entry->status = status;
	),
	TP_printk("gsi %u level %u before: %s", __entry->gsi, __entry->level,
		  __print_symbolic(__entry->status,
				   { VTX_IRQ_TAKEN, "taken" },
				   { VTX_IRQ_WAITS, "waits" },
				   { VTX_IRQ_MASKED, "masked" }))
);

/* The guest gets an interrupt from our controllers. */
TRACE_EVENT(vtx_inject,
	TP_PROTO(u32 vector),
	TP_ARGS(vector),
	TP_STRUCT__entry(
		__field(u32, vector)
	),
	TP_fast_assign(
		__entry->vector = vector;
	),
	TP_printk("vector %#x", __entry->vector)
);

TRACE_EVENT(vtx_entry,
	TP_PROTO(u64 rip, u32 event),
	TP_ARGS(rip, event),
	TP_STRUCT__entry(
		__field(u64, rip)
		__field(u32, event)
	),
	TP_fast_assign(
		__entry->rip = rip;
		__entry->event = event;
	),
	TP_printk("rip %#llx event %#x", __entry->rip, __entry->event)
);

TRACE_EVENT(vtx_exit,
	TP_PROTO(u32 reason, u64 qualification, u64 rip),
	TP_ARGS(reason, qualification, rip),
	TP_STRUCT__entry(
		__field(u32, reason)
		__field(u64, qualification)
		__field(u64, rip)
	),
	TP_fast_assign(
		__entry->reason = reason;
		__entry->qualification = qualification;
		__entry->rip = rip;
	),
	TP_printk("reason %s qualification %#llx rip %#llx",
		  __print_symbolic(__entry->reason & 0xffff, VMX_EXIT_REASONS),
		  __entry->qualification, __entry->rip)
);

/* clang-format on */
#endif /* VTX_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
