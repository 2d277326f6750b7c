/* offload.c - a function on a helper thread, whose caller waits as a ramet. */
#include "core/errand.h"

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
	*o = (struct offload){.errand = {.run = run, .drop = drop},
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
