/* ramet/future.h - a value that will be there later, or an error instead.
 *
 * Settled once, from any OS thread; waited for by ramets of any loop, and by OS
 * threads without one, which then block.  All functions may be called from any
 * OS thread.  A future is counted: it is freed when each who has it has
 * released it.
 */
#ifndef RAMET_FUTURE_H
#define RAMET_FUTURE_H

#include "ramet/core.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ramet_future;

/* A future that is not settled, for the caller to release.  NULL: ENOMEM. */
RAMET_API struct ramet_future *ramet_future_new(void);

/* One more who will release it.  Returns f. */
RAMET_API struct ramet_future *ramet_future_keep(struct ramet_future *f);

/* NULL is allowed; errno is kept. */
RAMET_API void ramet_future_release(struct ramet_future *f);

/* Settle it, with a value or with an error number above 0, and wake all who
 * wait.  Return 0, or -1: EALREADY (it is settled; nothing changes), EINVAL
 * (no error number). */
RAMET_API int ramet_future_set(struct ramet_future *f, void *value);
RAMET_API int ramet_future_fail(struct ramet_future *f, int error);

/* Wait until it is settled; *value, if value is not NULL, gets the value.
 * Blocks.  Returns 0, or -1 with the error it was settled with, which
 * ramet_future_error tells from those of the wait. */
RAMET_API int ramet_future_get(struct ramet_future *f, void **value);

/* The same without waiting: -1 and EAGAIN if it is not settled. */
RAMET_API int ramet_future_tryget(struct ramet_future *f, void **value);

/* The error number it was settled with, 0 if with a value, -1 if it is not. */
RAMET_API int ramet_future_error(const struct ramet_future *f);

/* Call fn(f, arg) once it is settled, in the order of asking: in the caller's
 * loop, between two ramets' turns, where it cannot block (EDEADLK); at once if
 * it is settled.  An OS thread without a loop has it called by the one that
 * settles.  f is kept until then.  Returns 0, or -1: ENOMEM. */
RAMET_API int ramet_future_then(struct ramet_future *f,
				void (*fn)(struct ramet_future *f, void *arg),
				void *arg);

#ifdef __cplusplus
}
#endif
#endif
