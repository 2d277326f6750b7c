/* sleep.h - a sleep, for whatever of libc is one. */
#ifndef PATCH_TIME_SLEEP_H
#define PATCH_TIME_SLEEP_H

#include "patch/hook.h"

/* Sleep until `when` by the loop's clock, never less; what has passed lets
 * others run.  Between hook_begin and hook_end.
 * Returns 0, -EINTR, or what ends the scope around it: -ETIMEDOUT, -ECANCELED.
 */
int ramet__hook_sleep_until(struct loop *l, int64_t when);

#endif
