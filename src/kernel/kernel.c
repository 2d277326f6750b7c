/* kernel.c - which back end. */
#include "kernel/kernel.h"
#include "kernel/libc.h"
#include "kernel/sim.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct kernel *ramet__kernel = &ramet__epoll;
const char *ramet__kernel_reason = "not started";

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Whether a poller can be made: the only proof that counts. */
static bool works(const struct kernel *k, const char **why)
{
	static char reason[96];
	struct poller *poller;
	int err = k->open(&poller);

	if (err < 0) {
		snprintf(reason, sizeof reason, "%s was refused: %s", k->name,
			 strerrordesc_np(-err));
		*why = reason;
		return false;
	}
	k->close(poller);
	return true;
}

/* RAMET_SEED draws who runs next, too. */
static void simulate(void)
{
	const char *seed = kernel_getenv("RAMET_SEED");

	sim_start(seed ? strtoull(seed, NULL, 10) : 1, NULL);
	ramet__kernel = seed ? &ramet__sim : &ramet__sim_in_order;
	ramet__kernel_reason = "RAMET_KERNEL";
}

static void choose(void)
{
	const char *name = kernel_getenv("RAMET_KERNEL");

	ramet__kernel_reason = "the default";
	if (!name || strcmp(name, "epoll") == 0)
		return;
	if (strcmp(name, "sim") == 0) {
		simulate();
		return;
	}
#ifdef RAMET_URING
	if (strcmp(name, "uring") == 0) {
		if (works(&ramet__uring, &ramet__kernel_reason)) {
			ramet__kernel = &ramet__uring;
			ramet__kernel_reason = "RAMET_KERNEL";
		}
		return;
	}
#endif
	(void)works;
	ramet__kernel_reason = "RAMET_KERNEL names no back end of this build";
}

void kernel_choose(void)
{
	kernel_libc_find();
	ramet__libc.pthread_once(&once, choose);
}
