/* table.h - the functions of group time: see patch/engine/table.h. */
#ifndef PATCH_TIME_TABLE_H
#define PATCH_TIME_TABLE_H

#include <time.h>
#include <unistd.h>

#define PATCH_TIME(X)                                                          \
	X(RAMET_TIME, unsigned, sleep, (unsigned seconds))                     \
	X(RAMET_TIME, int, usleep, (useconds_t us))                            \
	X(RAMET_TIME, int, nanosleep,                                          \
	  (const struct timespec *request, struct timespec *left))             \
	X(RAMET_TIME, int, clock_nanosleep,                                    \
	  (clockid_t clock, int flags, const struct timespec *request,         \
	   struct timespec *left))

#endif
