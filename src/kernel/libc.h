/* libc.h - libc's own functions.
 *
 * Under `ramet run` the names of those that block are the patch's: who means
 * libc itself must ask for it.  Nothing in src/ calls one of the patched names
 * (tools/check-tree.py); the few that the runtime needs are here. */
#ifndef KERNEL_LIBC_H
#define KERNEL_LIBC_H

#include <pthread.h>
#include <signal.h>

#include "base/base.h"

struct kernel_libc {
	int (*pthread_create)(pthread_t *, const pthread_attr_t *,
			      void *(*)(void *), void *);
	int (*pthread_join)(pthread_t, void **);
	int (*pthread_setname_np)(pthread_t, const char *);
	int (*pthread_sigmask)(int, const sigset_t *, sigset_t *);
	int (*pthread_mutex_lock)(pthread_mutex_t *);
	int (*pthread_mutex_unlock)(pthread_mutex_t *);
	int (*pthread_cond_clockwait)(pthread_cond_t *, pthread_mutex_t *,
				      clockid_t, const struct timespec *);
	int (*pthread_cond_signal)(pthread_cond_t *);
	int (*pthread_key_create)(pthread_key_t *, void (*)(void *));
	int (*pthread_once)(pthread_once_t *, void (*)(void));
	int (*sigaction)(int, const struct sigaction *, struct sigaction *);
};

/* Right from the start of the first loop on. */
extern struct kernel_libc ramet__libc;

/* The address of a function of libc.so.6 itself; NULL if it has none of that
 * name, or the program is linked statically. */
void *kernel_libc_symbol(const char *name);

/* Fill ramet__libc if the names are taken.  Again is harmless. */
void kernel_libc_find(void);

#endif
