/* attr.c - what a thread is made with, and what it is asked about later.
 *
 * A stack is address space until it is used, so sizes are minima: the one that
 * is given is a power of two with the guard and the record beside it, never
 * below what the runtime's own calls need.  A stack that the program supplies
 * is not used: the thread gets one of ours, as large.  Scheduling parameters
 * and affinity are one OS thread's, not a ramet's, and are not read.
 */
#include "patch/thread/life.h"

#include "core/stack.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
	STACK_LEAST = 256 * 1024,
	STACK_MOST = 1 << 30,
	STACK_DEFAULT = 8 << 20,
	/* Of the slot, beside what was asked for: the record, and the frames
	 * that are ours. */
	STACK_EXTRA = 8192
};

static struct thread_wish defaults;
static bool chosen; /* the default size, by RAMET_RUN_STACK */

/* The smallest slot in which `size` bytes can be used. */
static size_t slot_for(size_t size)
{
	size_t slot = STACK_LEAST;

	while (slot < STACK_MOST &&
	       slot - stack_guard_size(slot) < size + STACK_EXTRA)
		slot *= 2;
	return slot;
}

/* "64K", "8M" or bytes; 0: neither. */
static size_t size_of(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (*end == 'k' || *end == 'K')
		n <<= 10;
	else if (*end == 'm' || *end == 'M')
		n <<= 20;
	return n > STACK_MOST ? STACK_MOST : (size_t)n;
}

/* A default is no promise: the guard is part of it, so that 8 MiB are 8. */
static void set_default_size(size_t size)
{
	size_t slot = STACK_LEAST;

	while (slot < size && slot < STACK_MOST)
		slot *= 2;
	defaults.stack_size = slot;
}

static void read_defaults(void)
{
	pthread_attr_t attr;
	size_t size;

	defaults.guard_size = STACK_PAGE;
	if (pthread_getattr_default_np(&attr) == 0) {
		pthread_attr_getguardsize(&attr, &defaults.guard_size);
		if (!chosen && pthread_attr_getstacksize(&attr, &size) == 0)
			set_default_size(size);
		pthread_attr_destroy(&attr);
	}
}

void ramet__wish_init(void)
{
	const char *text = kernel_getenv("RAMET_RUN_STACK");
	size_t size = text ? size_of(text) : 0;

	chosen = size != 0;
	set_default_size(size ? size : STACK_DEFAULT);
	read_defaults();
}

int HOOK(pthread_setattr_default_np)(const pthread_attr_t *attr)
{
	int err = libc.pthread_setattr_default_np(attr);

	if (err == 0 && thread_loop()) {
		chosen = false;
		read_defaults();
	}
	return err;
}

/* glibc returns the default for an object that has none set. */
static size_t asked_size(const pthread_attr_t *attr)
{
	size_t size = 0, usual = 0;
	pthread_attr_t fresh;

	pthread_attr_getstacksize(attr, &size);
	pthread_attr_init(&fresh);
	pthread_attr_getstacksize(&fresh, &usual);
	pthread_attr_destroy(&fresh);
	return size == usual ? 0 : size;
}

void ramet__wish_read(struct thread_wish *wish, const pthread_attr_t *attr)
{
	size_t size;
	int detach;

	*wish = defaults;
	if (!attr)
		return;
	size = asked_size(attr);
	if (size)
		wish->stack_size = slot_for(size);
	pthread_attr_getguardsize(attr, &wish->guard_size);
	if (pthread_attr_getdetachstate(attr, &detach) == 0)
		wish->detached = detach == PTHREAD_CREATE_DETACHED;
	wish->has_mask = pthread_attr_getsigmask_np(attr, &wish->mask) == 0;
}

/* ---- what it has -------------------------------------------------------- */

/* The OS thread's, of which this is one. */
static void put_scheduling(pthread_attr_t *attr)
{
	struct sched_param param;
	cpu_set_t cpus;
	int policy;

	if (libc.pthread_getschedparam(ramet__thread_os(), &policy, &param) ==
	    0) {
		pthread_attr_setschedpolicy(attr, policy);
		pthread_attr_setschedparam(attr, &param);
	}
	if (libc.pthread_getaffinity_np(ramet__thread_os(), sizeof cpus,
					&cpus) == 0)
		pthread_attr_setaffinity_np(attr, sizeof cpus, &cpus);
}

int HOOK(pthread_getattr_np)(pthread_t p, pthread_attr_t *attr)
{
	struct thread *t = thread_loop() ? thread_of(p) : NULL;
	char *low;
	size_t size;
	int err;

	if (!t || t->main)
		return libc.pthread_getattr_np(p, attr);
	if (t->life != THREAD_LIVES)
		return ESRCH;
	err = pthread_attr_init(attr);
	if (err)
		return err;
	ramet__stack_bounds(t->ramet, &low, &size);
	pthread_attr_setstack(attr, low,
			      size + (size_t)(stack_end(t->ramet->cold) -
					      (char *)t->ramet->cold));
	pthread_attr_setguardsize(attr, t->guard_size);
	pthread_attr_setdetachstate(attr, t->detached
						  ? PTHREAD_CREATE_DETACHED
						  : PTHREAD_CREATE_JOINABLE);
	put_scheduling(attr);
	return 0;
}
