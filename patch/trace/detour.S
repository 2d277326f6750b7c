/* detour.S - system call instructions in this library's text, for dispatch.c.
 * x86-64. */
#define DETOURS 16

	.text

/* A signal frame's return.  Unwinders know it by its bytes, and look up the one
 * before. */
	.p2align 4
	nop
	.globl ramet__dispatch_return
	.hidden ramet__dispatch_return
	.type ramet__dispatch_return, @function
ramet__dispatch_return:
	movq $15, %rax /* rt_sigreturn */
	syscall
	.size ramet__dispatch_return, . - ramet__dispatch_return

/* System calls that are followed by a jump to where the table says; no register
 * is free to hold it.  16 bytes each. */
	.p2align 4
	.globl ramet__dispatch_detours
	.hidden ramet__dispatch_detours
	.type ramet__dispatch_detours, @function
ramet__dispatch_detours:
	.set i, 0
	.rept DETOURS
	.p2align 4
	syscall
	jmpq *ramet__dispatch_back + 8 * i(%rip)
	.set i, i + 1
	.endr
	.p2align 4
	.size ramet__dispatch_detours, . - ramet__dispatch_detours

	.bss
	.p2align 3
	.globl ramet__dispatch_back
	.hidden ramet__dispatch_back
	.type ramet__dispatch_back, @object
ramet__dispatch_back:
	.skip 8 * DETOURS
	.size ramet__dispatch_back, . - ramet__dispatch_back

	.section .note.GNU-stack, "", @progbits
