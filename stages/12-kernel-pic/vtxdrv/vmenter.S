/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The door between host and guest: VMLAUNCH the first time after the CPU took
 * the VMCS over, VMRESUME from then on. Both have three ways to end:
 *
 *   it is refused       the next instruction runs, CF or ZF is set
 *   it faults           VMX is off on this CPU: the exception table knows
 *   it succeeds         and some day the guest's turn ends: the CPU loads the
 *                       host state and goes on at HOST_RIP, vmenter_exit
 *
 * The CPU switches RSP, RIP, RFLAGS, segments and control registers by itself.
 * The other fifteen registers are ours to carry through.
 */
#include <linux/linkage.h>

#include <asm/asm.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

/* Where struct vtx_regs has them: in the order of the CPU's own numbers. */
#define REG(number)	(8 * (number))
#define RAX	REG(0)
#define RCX	REG(1)
#define RDX	REG(2)
#define RBX	REG(3)
#define RBP	REG(5)
#define RSI	REG(6)
#define RDI	REG(7)

	.text

/*
 * bool vmenter(struct vtx_regs *regs, u64 field, bool launched);
 * Returns true if there was an exit, false if refused. field is the number of
 * HOST_RSP: <asm/vmx.h>, which knows it, is for C only.
 */
SYM_FUNC_START(vmenter)
	/* 1. What our caller wants back. */
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15

	/* 2. After the exit we know nothing but the stack: regs waits there. */
	push	%rdi
	vmwrite	%rsp, %rsi
	test	%dl, %dl	/* no MOV below touches this flag */

	/* 3. The guest's registers; the one we read them with comes last. */
	mov	RAX(%rdi), %rax
	mov	RCX(%rdi), %rcx
	mov	RDX(%rdi), %rdx
	mov	RBX(%rdi), %rbx
	mov	RBP(%rdi), %rbp
	mov	RSI(%rdi), %rsi
	mov	REG(8)(%rdi), %r8
	mov	REG(9)(%rdi), %r9
	mov	REG(10)(%rdi), %r10
	mov	REG(11)(%rdi), %r11
	mov	REG(12)(%rdi), %r12
	mov	REG(13)(%rdi), %r13
	mov	REG(14)(%rdi), %r14
	mov	REG(15)(%rdi), %r15
	mov	RDI(%rdi), %rdi

	/* 4. Go. */
	UNWIND_HINT_SAVE
	jnz	2f
1:	vmlaunch
	jmp	3f
2:	vmresume

	/* Still here: refused. The guest has not run, its registers are as before. */
3:	xor	%eax, %eax
	jmp	.Lback
	_ASM_EXTABLE(1b, 3b)
	_ASM_EXTABLE(2b, 3b)

	/* 5. The guest's turn is over: its registers go back to where they were. */
SYM_INNER_LABEL(vmenter_exit, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ANNOTATE_NOENDBR
	push	%rdi
	mov	8(%rsp), %rdi
	mov	%rax, RAX(%rdi)
	mov	%rcx, RCX(%rdi)
	mov	%rdx, RDX(%rdi)
	mov	%rbx, RBX(%rdi)
	mov	%rbp, RBP(%rdi)
	mov	%rsi, RSI(%rdi)
	mov	%r8, REG(8)(%rdi)
	mov	%r9, REG(9)(%rdi)
	mov	%r10, REG(10)(%rdi)
	mov	%r11, REG(11)(%rdi)
	mov	%r12, REG(12)(%rdi)
	mov	%r13, REG(13)(%rdi)
	mov	%r14, REG(14)(%rdi)
	mov	%r15, REG(15)(%rdi)
	pop	RDI(%rdi)

	/* 6. The guest has trained the return predictor: give it our own targets. */
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, X86_FEATURE_RSB_VMEXIT_LITE
	mov	$1, %eax

	/* 7. No register may keep a value of the guest's, used or not. */
.Lback:
	add	$8, %rsp
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	RET
SYM_FUNC_END(vmenter)

/*
 * An NMI ended the guest's turn, and while it is not handled, no other NMI can
 * come. So hand it to the kernel now, by its own door, as if the CPU had
 * pushed this frame. The handler's IRET takes it off again.
 */
SYM_FUNC_START(vmenter_nmi)
	push	%rbp
	mov	%rsp, %rbp
	and	$-16, %rsp
	push	$__KERNEL_DS
	push	%rbp
	pushf
	push	$__KERNEL_CS
	call	asm_exc_nmi_noist
	mov	%rbp, %rsp
	pop	%rbp
	RET
SYM_FUNC_END(vmenter_nmi)
STACK_FRAME_NON_STANDARD vmenter_nmi
