/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers of VT-x in words, for user space. No function returns NULL: for a number that is not
 * known they return a text that says so.
 */
#ifndef VTX_WORDS_H
#define VTX_WORDS_H

#include "types.h"

/* A rule of vmentry.h: "the VPID is 0, the number that belongs to the host" */
const char *vmentry_rule_words(u16 rule);

/* "27.2.1.1 VM-Execution Control Fields". Numbers move from edition to edition, titles stay. */
const char *vmentry_rule_section(u16 rule);

/* The SDM's name of a VMCS field: "guest CS selector" */
const char *vmcs_field_name(u32 field);

/* What VM-instruction error n means (SDM "VM Instruction Error Numbers") */
const char *vm_instruction_error_words(u32 error);

/* A basic exit reason (bits 15:0 of the exit reason): "HLT" and "the guest executed HLT" */
const char *vmx_exit_reason_name(u32 reason);
const char *vmx_exit_reason_words(u32 reason);

#endif /* VTX_WORDS_H */
