/* tls.h - thread-local storage for one more thread, as glibc's own have it.
 *
 * A block is glibc's: static storage of all modules, and above it what glibc
 * keeps about a thread (struct pthread), at the thread pointer.  Where its
 * fields lie is asked of glibc, by what it exports for debuggers, and then seen
 * to be so in the calling thread's block; what is not as expected is refused.
 */
#ifndef PATCH_THREAD_TLS_H
#define PATCH_THREAD_TLS_H

#include "patch/thread/thread.h"

/* Learn the layout, in the thread of l's main.  Returns 0, or -ENOTSUP and a
 * sentence in *reason. */
int ramet__tls_probe(struct loop *l, const char **reason);

/* Give t a block in which a new thread can start; t->tls may be one that an
 * ended thread has left.  Returns 0 or -ENOMEM. */
int ramet__tls_make(struct thread *t);

/* First and last thing that runs with a block; between the two glibc knows it
 * among its threads. */
void ramet__tls_enter(void);
void ramet__tls_leave(struct thread *t);

/* No thread uses t's block any more: forget it.  From any other block. */
void ramet__tls_unlink(struct thread *t);

/* Give t's block back, for good. */
void ramet__tls_free(struct thread *t);

/* The thread whose block is at `tls`; NULL: not one that we made or probed. */
struct thread *ramet__tls_owner(const void *tls);
void ramet__tls_set_owner(void *tls, struct thread *t);

/* In the child of a fork: only `self` is in glibc's list of threads. */
void ramet__tls_relist(struct thread *self);

/* glibc's first block of key values, and its array of further ones. */
void **ramet__tls_key_blocks(void *tls);

/* How the slot of malloc's thread cache was found; for tools and tests. */
bool ramet__tls_shares_cache(void);

#endif
