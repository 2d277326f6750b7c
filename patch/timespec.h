/* timespec.h - the times that programs give, and the loop's: ns. */
#ifndef PATCH_TIMESPEC_H
#define PATCH_TIMESPEC_H

#include "core/core.h"

/* Whether it is a length of time. */
static inline bool timespec_is_length(const struct timespec *t)
{
	return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < RAMET_SEC;
}

/* What is too long to count is for ever. */
static inline int64_t timespec_ns(const struct timespec *t)
{
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)t->tv_sec, RAMET_SEC, &ns))
		return t->tv_sec < 0 ? INT64_MIN : RAMET_NEVER;
	return time_add(ns, t->tv_nsec);
}

/* Of what is past, nothing is left. */
static inline struct timespec timespec_of(int64_t ns)
{
	ns = ns > 0 ? ns : 0;
	return (struct timespec){ns / RAMET_SEC, ns % RAMET_SEC};
}

#endif
