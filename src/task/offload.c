/* offload.c - a function on a helper thread, whose caller waits as a ramet, or
 * gets a future. */
#include "core/errand.h"

#include "ramet/future.h"
#include "ramet/task.h"

struct offload {
	struct errand errand;
	void *(*fn)(void *);
	void *arg, *value;
};

static void run(struct errand *e)
{
	struct offload *o = container_of(e, struct offload, errand);

	o->value = o->fn(o->arg);
}

static void drop(struct loop *l, struct errand *e)
{
	(void)l;
	kernel_free(container_of(e, struct offload, errand));
}

static int offload(void *(*fn)(void *), void *arg, void **value)
{
	struct loop *l = ramet__loop();
	struct offload *o;
	int err;

	if (!l)
		return -ENOMEM;
	ramet__point(l);
	err = ramet__interrupted(l);
	if (err < 0)
		return err;
	o = kernel_alloc(sizeof *o);
	if (!o)
		return -ENOMEM;
	*o = (struct offload){.errand = {.run = run,
					 .drop = drop,
					 .lane = LANE_USER},
			      .fn = fn,
			      .arg = arg};
	err = ramet__errand_send(l, &o->errand);
	if (err == 0)
		err = ramet__errand_wait(l, &o->errand, WAIT_OFFLOAD,
					 (const void *)(uintptr_t)fn, NULL);
	else
		drop(l, &o->errand);
	if (err < 0)
		return err;
	if (value)
		*value = o->value;
	drop(l, &o->errand);
	return 0;
}

int ramet_offload(void *(*fn)(void *), void *arg, void **value)
{
	return (int)ramet__ret(offload(fn, arg, value));
}

/* ---- with a future ------------------------------------------------------ */

struct started {
	struct errand errand;
	void *(*fn)(void *);
	void *arg;
	struct ramet_future *future;
};

static void run_started(struct errand *e)
{
	struct started *s = container_of(e, struct started, errand);

	ramet_future_set(s->future, s->fn(s->arg));
}

static void drop_started(struct loop *l, struct errand *e)
{
	struct started *s = container_of(e, struct started, errand);

	(void)l;
	ramet_future_release(s->future);
	kernel_free(s);
}

static int start(struct loop *l, struct ramet_future *f, void *(*fn)(void *),
		 void *arg)
{
	struct started *s = l ? kernel_alloc(sizeof *s) : NULL;
	int err;

	if (!s)
		return -ENOMEM;
	*s = (struct started){.errand = {.run = run_started,
					 .drop = drop_started,
					 .lane = LANE_USER},
			      .fn = fn,
			      .arg = arg,
			      .future = ramet_future_keep(f)};
	err = ramet__errand_send(l, &s->errand);
	s->errand.owner = NULL; /* it is nobody's */
	if (err < 0)
		drop_started(l, &s->errand);
	return err;
}

struct ramet_future *ramet_offload_start(void *(*fn)(void *), void *arg)
{
	struct loop *l = ramet__loop();
	struct ramet_future *f = ramet_future_new();
	int err;

	if (!f)
		return NULL;
	err = start(l, f, fn, arg);
	if (err < 0) {
		ramet_future_release(f);
		ramet__fail(err);
		return NULL;
	}
	ramet__point(l);
	return f;
}

/* ---- limits ------------------------------------------------------------- */

int ramet_offload_limit(enum ramet_lane lane, int limit)
{
	static const enum kernel_lane lanes[] = {
		[RAMET_LANE_USER] = LANE_USER,
		[RAMET_LANE_FILE] = LANE_FILE,
		[RAMET_LANE_NAMES] = LANE_NAMES,
	};

	if ((size_t)lane >= countof(lanes))
		return (int)ramet__ret(-EINVAL);
	return (int)ramet__ret(kernel_lane_limit(lanes[lane], limit));
}
