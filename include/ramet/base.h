/* ramet/base.h - time and the other words all the headers share. */
#ifndef RAMET_BASE_H
#define RAMET_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RAMET_API __attribute__((visibility("default")))

/* Durations are nanoseconds in an int64_t: 292 years. */
#define RAMET_US INT64_C(1000)
#define RAMET_MS (1000 * RAMET_US)
#define RAMET_SEC (1000 * RAMET_MS)
#define RAMET_NEVER INT64_MAX /* as a duration: for ever */

/* A point on CLOCK_MONOTONIC.  A type of its own, so that a duration passed
 * where a deadline is meant does not compile. */
struct ramet_deadline {
	int64_t ns;
};

/* Nanoseconds on CLOCK_MONOTONIC, read afresh.  Never fails. */
RAMET_API int64_t ramet_now(void);

/* The deadline `ns` from now.  Saturates: a negative duration has passed
 * already, RAMET_NEVER never comes. */
RAMET_API struct ramet_deadline ramet_after(int64_t ns);

#ifdef __cplusplus
}
#endif
#endif
