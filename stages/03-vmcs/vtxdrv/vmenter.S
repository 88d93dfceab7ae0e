/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The door between host and guest. VMLAUNCH has three ways to end:
 *
 *   it is refused       the next instruction runs, CF or ZF is set
 *   it faults           VMX is off on this CPU: the exception table knows
 *   it succeeds         and some day the guest's turn ends: the CPU loads the
 *                       host state and goes on at HOST_RIP, vmenter_exit
 */
#include <linux/linkage.h>

#include <asm/asm.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

	.text

/*
 * bool vmenter(u64 field);	true if there was an exit, false if refused
 * field is the number of HOST_RSP: <asm/vmx.h>, which knows it, is for C only.
 */
SYM_FUNC_START(vmenter)
	vmwrite	%rsp, %rdi	/* where the return address is found again */

	UNWIND_HINT_SAVE
1:	vmlaunch

	/* Still here: refused. */
2:	xor	%eax, %eax
	RET
	_ASM_EXTABLE(1b, 2b)

SYM_INNER_LABEL(vmenter_exit, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ANNOTATE_NOENDBR
	mov	$1, %eax
	RET
SYM_FUNC_END(vmenter)
