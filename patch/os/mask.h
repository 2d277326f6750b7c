/* mask.h - a program that is started begins with the mask of the thread that
 * starts it, which is not the one that the kernel has of us. */
#ifndef PATCH_OS_MASK_H
#define PATCH_OS_MASK_H

#include "patch/signal/state.h"

/* Give the kernel the calling thread's. */
static inline void os_mask_own(void)
{
	struct thread *t = signal_thread();

	if (t && sigset_bits(&t->mask) != ramet__kernel_mask_known())
		ramet__kernel_mask(sigset_bits(&t->mask));
}

/* And that of all again; keeps errno. */
static inline void os_mask_all(void)
{
	struct thread *t = signal_thread();

	if (t && sigset_bits(&t->mask) != ramet__kernel_mask_known())
		ramet__kernel_mask(ramet__kernel_mask_known());
}

#endif
