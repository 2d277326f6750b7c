/* ramets.h - spawn, join and let run, or the test fails. */
#ifndef RAMETS_H
#define RAMETS_H

#include "test.h"

#include "ramet.h"

/* What a call has made, which is not NULL. */
static inline void *made(void *p)
{
	CHECK(p);
	return p;
}

static inline struct ramet *spawn(void *(*fn)(void *), void *arg)
{
	struct ramet *t = ramet_spawn(fn, arg);

	CHECK(t);
	return t;
}

static inline void *join(struct ramet *t)
{
	void *value = NULL;

	CHECK_EQ(ramet_join(t, &value), 0);
	return value;
}

/* Let all others run until they wait, as long as nothing outside is needed. */
static inline void let_run(void)
{
	for (int i = 0; i < 4; i++)
		CHECK_EQ(ramet_yield(), 0);
}

#endif
