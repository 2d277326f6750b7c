/* actors.h - start, tell and wait for actors, or the test fails. */
#ifndef ACTORS_H
#define ACTORS_H

#include "test.h"

#include "ramet.h"

static inline struct ramet_actor *start_with(ramet_actor_fn *fn, void *arg,
					     struct ramet_actor_opts opts)
{
	struct ramet_actor *a = ramet_actor_start(fn, arg, &opts);

	CHECK(a);
	return a;
}

static inline struct ramet_actor *start(ramet_actor_fn *fn, void *arg)
{
	struct ramet_actor *a = ramet_actor_start(fn, arg, NULL);

	CHECK(a);
	return a;
}

static inline void tell_number(struct ramet_actor *a, int n)
{
	CHECK_EQ(ramet_tell(a, &n, sizeof n), 0);
}

/* The number that it answers. */
static inline int ask_number(struct ramet_actor *a, int n)
{
	int answer = -1;

	CHECK_EQ(ramet_ask(a, &n, sizeof n, &answer, sizeof answer),
		 sizeof answer);
	return answer;
}

/* Wait for its end for good.  Returns its status. */
static inline int end_of(struct ramet_actor *a)
{
	int status = -1;

	CHECK_EQ(ramet_actor_wait(a, &status), 0);
	return status;
}

/* The same, and the handle is released. */
static inline int finish(struct ramet_actor *a)
{
	int status = end_of(a);

	ramet_actor_release(a);
	return status;
}

static inline int stop(struct ramet_actor *a)
{
	ramet_actor_stop(a);
	return finish(a);
}

#endif
