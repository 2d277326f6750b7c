/* aarch64.S - first frames and borrowed frames, for aarch64. */

	.text

/* Switched to with entry and its argument on the stack.  It jumps, as if it had
 * been called from itself: a call that never returns would leave the
 * processor's prediction of return addresses wrong for whoever runs next.
 *
 * "x30 undefined" ends every backtrace here; the nop is there because
 * unwinders look up the byte before a return address. */
	.p2align 4
	.cfi_startproc
	.cfi_undefined x30
	nop
	.globl ramet__boot
	.hidden ramet__boot
	.type ramet__boot, %function
ramet__boot:
	ldp x9, x0, [sp], 16
	adr x30, ramet__boot
	mov x29, xzr
	br x9
	.cfi_endproc
	.size ramet__boot, .-ramet__boot

/* void ramet__restart(void *top, void (*entry)(void *), void *arg) */
	.p2align 4
	.globl ramet__restart
	.hidden ramet__restart
	.type ramet__restart, %function
ramet__restart:
	.cfi_startproc
	.cfi_undefined x30
	and x0, x0, -16
	mov sp, x0
	mov x29, xzr
	mov x0, x2
	blr x1
	brk 0
	.cfi_endproc
	.size ramet__restart, .-ramet__restart

/* void ramet__call_as(const struct context *, void (*fn)(void *), void *arg)
 * x19 points to the context, so: CFA = x19->sp, x29 at x19+8, pc at x19+16.
 * The other callee-saved registers were saved by the frame that switched. */
	.p2align 4
	.globl ramet__call_as
	.hidden ramet__call_as
	.type ramet__call_as, %function
ramet__call_as:
	.cfi_startproc
	stp x29, x30, [sp, -32]!
	.cfi_def_cfa_offset 32
	.cfi_offset x29, -32
	.cfi_offset x30, -24
	str x19, [sp, 16]
	.cfi_offset x19, -16
	mov x19, x0
	.cfi_remember_state
	.cfi_escape 0x0f, 3, 0x83, 0, 0x06	/* CFA = *(x19 + 0) */
	.cfi_escape 0x10, 29, 2, 0x83, 8	/* x29 at x19 + 8 */
	.cfi_escape 0x10, 30, 2, 0x83, 16	/* x30, the pc, at x19 + 16 */
	.cfi_same_value x19
	mov x0, x2
	blr x1
	.cfi_restore_state
	ldr x19, [sp, 16]
	ldp x29, x30, [sp], 32
	.cfi_restore x19
	.cfi_restore x29
	.cfi_restore x30
	.cfi_def_cfa_offset 0
	ret
	.cfi_endproc
	.size ramet__call_as, .-ramet__call_as

	.section .note.GNU-stack, "", %progbits
