/* stdio.h - FILEs: what the rest of the patch calls.
 *
 * Two things keep a ramet on a FILE from stopping its OS thread.  libc's tables
 * of functions below FILEs lead to the patch's read, write and close (jumps.c).
 * And each call on a FILE first takes a lock of the patch's own, which parks
 * (lock.h): libc's lock inside the call is then always free.
 */
#ifndef PATCH_STDIO_STDIO_H
#define PATCH_STDIO_STDIO_H

/* Begin: from now on reads and writes of FILEs park.  patch_libc_find must have
 * been called.  Returns 0; -ENOTSUP: this libc's tables are not as expected,
 * and FILEs stay libc's own; -EPERM: they cannot be made writable; -ENOMEM.
 * Again is harmless. */
int ramet__stdio_on(void);

/* Put libc's tables back.  Ramets that wait inside a FILE's read or write
 * finish as they began. */
void ramet__stdio_off(void);

/* In the child of a fork, after the parking lot was cleared: FILEs that ramets
 * held which are no more become free, as libc does for its threads.  fork does
 * it (pthread_atfork); for children made in other ways.  Again is harmless. */
void ramet__stdio_after_fork(void);

#endif
