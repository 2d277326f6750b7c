/* aarch64.h - the switch for aarch64, AAPCS64. */
#ifndef ARCH_AARCH64_H
#define ARCH_AARCH64_H

/* Suspend into *from and resume *to. */
static inline __attribute__((always_inline)) void
arch_switch(struct context *from, struct context *to)
{
	register struct context *x0 __asm__("x0") = from;
	register struct context *x1 __asm__("x1") = to;

	__asm__ volatile("adr x2, 1f\n\t"
			 "mov x3, sp\n\t"
			 "stp x3, x29, [x0]\n\t"
			 "str x2, [x0, 16]\n\t"
			 "ldp x3, x29, [x1]\n\t"
			 "ldr x2, [x1, 16]\n\t"
			 "mov sp, x3\n\t"
			 "br x2\n"
			 "1:"
			 : "+r"(x0), "+r"(x1)
			 :
			 : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9",
			   "x10", "x11", "x12", "x13", "x14", "x15", "x16",
			   "x17", "x18", "x19", "x20", "x21", "x22", "x23",
			   "x24", "x25", "x26", "x27", "x28", "x30", "v0",
			   "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8",
			   "v9", "v10", "v11", "v12", "v13", "v14", "v15",
			   "v16", "v17", "v18", "v19", "v20", "v21", "v22",
			   "v23", "v24", "v25", "v26", "v27", "v28", "v29",
			   "v30", "v31", "cc", "memory");
}

/* The thread pointer: where the thread-local storage of what runs is found. */
static inline void *arch_tls(void)
{
	void *tls;

	__asm__("mrs %0, tpidr_el0" : "=r"(tls));
	return tls;
}

static inline void arch_set_tls(void *tls)
{
	__asm__ volatile("msr tpidr_el0, %0" : : "r"(tls) : "memory");
}

/* The processor's clock, and whether it always runs at the same rate. */
static inline uint64_t arch_ticks(void)
{
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
}

static inline int arch_ticks_steady(void)
{
	return 1;
}

/* The floating point environment: rounding and exception masks. */
struct fenv_state {
	uint64_t fpcr;
};

static inline void arch_fenv_save(struct fenv_state *f)
{
	__asm__ volatile("mrs %0, fpcr" : "=r"(f->fpcr));
}

static inline void arch_fenv_load(const struct fenv_state *f)
{
	__asm__ volatile("msr fpcr, %0" : : "r"(f->fpcr));
}

#endif
