/* base.h - what every file may use: assertions, clock arithmetic, random
 * numbers. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define container_of(ptr, type, member)                                        \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* What costs more to call than to do, on the paths that are counted in
 * nanoseconds: how large the program has become must not decide on it. */
#define HOT static inline __attribute__((always_inline))

#define countof(array) (sizeof(array) / sizeof *(array))

/* a + b of instants and durations, which stop at the ends of time. */
static inline int64_t time_add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

/* The same sequence on every machine: Steele, Lea and Flood, "Fast splittable
 * pseudorandom number generators" (2014), the generator called SplitMix64. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

#endif
