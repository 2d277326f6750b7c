/* ramet/debug.h - seeing inside. */
#ifndef RAMET_DEBUG_H
#define RAMET_DEBUG_H

#include "ramet/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Write every ramet of the calling thread's loop to fd: number, name, state,
 * what it waits for, since when, where it was spawned, and its backtrace.
 * SIGQUIT does the same to standard error, unless the program handles SIGQUIT
 * or RAMET_SIGQUIT=0 is in the environment.  The loop stands still meanwhile:
 * about 2 us for each ramet.
 * Returns 0, or -1: EBADF, EIO, ENOSPC as write(2), EAGAIN (fd took nothing for a
 * second), ENOMEM. */
RAMET_API int ramet_dump(int fd);

enum ramet_deadlock_policy {
	RAMET_DEADLOCK_ERROR,  /* report, and main's wait fails with EDEADLK */
	RAMET_DEADLOCK_EXIT,   /* report, then exit with status 86 */
	RAMET_DEADLOCK_SILENT, /* only EDEADLK */
};

/* What happens when nothing can ever wake anyone: nothing is ready, and no
 * timer, descriptor, offloaded call or waker can make it so.  The report on
 * standard error names who waits on whom.  RAMET_DEADLOCK=error|exit|silent in
 * the environment sets the first value.  For all loops. */
RAMET_API void ramet_set_deadlock_policy(enum ramet_deadlock_policy policy);

#ifdef __cplusplus
}
#endif
#endif
