/* x86_64.S - first frames and borrowed frames, for x86-64 System V. */

	.text

/* Switched to with entry and its argument on the stack.  It jumps, as if it had
 * been called from itself: a call that never returns would leave the
 * processor's prediction of return addresses wrong for whoever runs next.
 *
 * "rip undefined" ends every backtrace here; the nop is there because
 * unwinders look up the byte before a return address. */
	.p2align 4
	.cfi_startproc
	.cfi_undefined rip
	nop
	.globl ramet__boot
	.hidden ramet__boot
	.type ramet__boot, @function
ramet__boot:
	popq %rax
	popq %rdi
	leaq ramet__boot(%rip), %rcx
	pushq %rcx
	xorl %ebp, %ebp
	jmpq *%rax
	.cfi_endproc
	.size ramet__boot, .-ramet__boot

/* void ramet__restart(void *top, void (*entry)(void *), void *arg) */
	.p2align 4
	.globl ramet__restart
	.hidden ramet__restart
	.type ramet__restart, @function
ramet__restart:
	.cfi_startproc
	.cfi_undefined rip
	movq %rdi, %rsp
	andq $-16, %rsp
	movq %rdx, %rdi
	xorl %ebp, %ebp
	call *%rsi
	ud2
	.cfi_endproc
	.size ramet__restart, .-ramet__restart

/* void ramet__call_as(const struct context *, void (*fn)(void *), void *arg)
 * r12 points to the context, so: CFA = r12->sp, rbp at r12+8, rip at r12+16.
 * The other callee-saved registers were saved by the frame that switched. */
	.p2align 4
	.globl ramet__call_as
	.hidden ramet__call_as
	.type ramet__call_as, @function
ramet__call_as:
	.cfi_startproc
	pushq %r12
	.cfi_adjust_cfa_offset 8
	.cfi_offset %r12, -16
	movq %rdi, %r12
	.cfi_remember_state
	.cfi_escape 0x0f, 3, 0x7c, 0, 0x06	/* CFA = *(r12 + 0) */
	.cfi_escape 0x10, 6, 2, 0x7c, 8		/* rbp at r12 + 8 */
	.cfi_escape 0x10, 16, 2, 0x7c, 16	/* rip at r12 + 16 */
	.cfi_same_value %r12
	movq %rdx, %rdi
	call *%rsi
	.cfi_restore_state
	popq %r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	ret
	.cfi_endproc
	.size ramet__call_as, .-ramet__call_as

	.section .note.GNU-stack, "", @progbits
