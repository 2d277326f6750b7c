/* x86_64.h - the switch for x86-64, System V. */
#ifndef ARCH_X86_64_H
#define ARCH_X86_64_H

#include <cpuid.h>

#ifdef __AVX512F__
#define ARCH_AVX512                                                            \
	, "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22",       \
		"xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", \
		"xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define ARCH_AVX512
#endif

/* Suspend into *from and resume *to.  The jump leaves the processor's stack of
 * return addresses alone, which is why it beats call and ret. */
static inline __attribute__((always_inline)) void
arch_switch(struct context *from, struct context *to)
{
	__asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
			 "movq %%rsp, 0(%0)\n\t"
			 "movq %%rbp, 8(%0)\n\t"
			 "movq %%rax, 16(%0)\n\t"
			 "movq 0(%1), %%rsp\n\t"
			 "movq 8(%1), %%rbp\n\t"
			 "jmpq *16(%1)\n"
			 "1:"
			 : "+D"(from), "+S"(to)
			 :
			 : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11",
			   "r12", "r13", "r14", "r15", "cc", "memory", "xmm0",
			   "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
			   "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
			   "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)",
			   "st(3)", "st(4)", "st(5)", "st(6)",
			   "st(7)" ARCH_AVX512);
}

/* The thread pointer: where the thread-local storage of what runs is found. The
 * System V ABI keeps it in the base of fs, whose first word points to itself. */
static inline void *arch_tls(void)
{
	void *tls;

	__asm__("movq %%fs:0, %0" : "=r"(tls));
	return tls;
}

/* Only where AT_HWCAP2 says that programs may (FSGSBASE). */
static inline void arch_set_tls(void *tls)
{
	__asm__ volatile("wrfsbase %0" : : "r"(tls) : "memory");
}

/* The processor's clock, and whether it always runs at the same rate. */
static inline uint64_t arch_ticks(void)
{
	return __builtin_ia32_rdtsc();
}

static inline int arch_ticks_steady(void)
{
	enum { ADVANCED = (int)0x80000007, INVARIANT = 1 << 8 };
	unsigned a, b, c, d;

	return __get_cpuid((unsigned)ADVANCED, &a, &b, &c, &d) &&
	       (d & INVARIANT);
}

/* The floating point environment: rounding and exception masks. */
struct fenv_state {
	uint32_t mxcsr;
	uint16_t x87;
};

static inline void arch_fenv_save(struct fenv_state *f)
{
	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(f->mxcsr), "=m"(f->x87));
}

static inline void arch_fenv_load(const struct fenv_state *f)
{
	__asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(f->mxcsr), "m"(f->x87));
}

#endif
