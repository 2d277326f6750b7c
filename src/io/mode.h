/* mode.h - what the program has asked of its descriptors: O_NONBLOCK and time
 * limits, for calls that are made in libc's place.
 *
 * Both belong to the open file and can be asked of the kernel.  What was asked
 * is remembered as long as nobody else can have changed it: a number's `made`
 * says that this process made the file and has not been forked since; and
 * `mode` was true at an epoch that ends whenever the program changes a file
 * that has several numbers.
 */
#ifndef IO_MODE_H
#define IO_MODE_H

#include "io/call.h"

/* A number that this process has just made, and whether with O_NONBLOCK.
 * ramet__fd_new comes first. */
void ramet__mode_made(int number, bool nonblock);

/* `copy` is a duplicate of number. */
void ramet__mode_copied(int number, int copy);

/* The program sets or clears O_NONBLOCK; or something else: ask afresh. */
void ramet__mode_nonblock(int number, bool nonblock);
void ramet__mode_changed(int number);

/* The program uses SO_RCVTIMEO or SO_SNDTIMEO somewhere. */
void ramet__mode_limits(int number);

/* From here on other processes have what this one has: before a fork, in its
 * child, and when descriptors were sent to another process. */
void ramet__mode_fork(void);

/* Whether nobody but the callers of this number has its file. */
bool ramet__mode_is_private(const struct io *io);

/* Whether a call in libc's place may wait: 0, or -EAGAIN.  Sets io->until. */
int ramet__mode_may_wait(struct io *io);

#endif
