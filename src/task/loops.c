/* loops.c - the table of loops: made, found, stopped.  One loop, the starter,
 * makes the others and ends them: only it writes the table.
 */
#include "task/loops.h"

#include "core/outlet.h"
#include "kernel/calls.h"
#include "kernel/libc.h"
#include "sync/lot.h"
#include "sync/sync.h"
#include "task/gate.h"

#include <stdlib.h>

static struct ramet_loop handles[LOOPS_MAX];

/* The first `count` are those there are. */
static struct ramet_loop *table[LOOPS_MAX]; /* atomic each */
static size_t count;                        /* atomic */
static struct loop *starter;                /* atomic */

/* The starter's: one of its ramets at a time changes the table. */
static struct ramet_mutex changing;
static bool stopping;

/* ---- start -------------------------------------------------------------- */

static void add(struct ramet_loop *h)
{
	__atomic_store_n(&table[count], h, __ATOMIC_RELAXED);
	__atomic_store_n(&count, count + 1, __ATOMIC_RELEASE);
}

static struct ramet_loop *free_handle(void)
{
	struct ramet_loop *h = handles;

	while (h->used)
		h++;
	h->used = true;
	h->index = (unsigned)count;
	return h;
}

static int add_caller(struct loop *l)
{
	struct ramet_loop *h = free_handle();
	int err = ramet__loop_enlist(l, h);

	if (err < 0) {
		h->used = false;
		return err == -ENOMEM ? err : -EAGAIN;
	}
	h->state = LOOP_UP;
	add(h);
	return 0;
}

static int add_other(void)
{
	struct ramet_loop *h = free_handle();
	int err = ramet__loop_thread(h);

	if (err < 0)
		h->used = false;
	else
		add(h);
	return err;
}

static size_t processors(void)
{
	unsigned long mask[128] = {0};
	long size = kernel_call(SYS_sched_getaffinity, 0, sizeof mask,
				KERNEL_ARG(mask), 0, 0, 0);
	size_t n = 0;

	for (long i = 0; i < size / (long)sizeof *mask; i++)
		n += (size_t)__builtin_popcountl(mask[i]);
	return n ? n : 1;
}

static void stop_at_exit(void)
{
	struct loop *l = ramet__this_loop;

	if (l && l->current->state == STATE_RUNNING)
		ramet__loops_end(l);
}

static int become_starter(struct loop *l)
{
	static bool minded;
	struct loop *first = NULL;

	if (!__atomic_compare_exchange_n(&starter, &first, l, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return first == l ? 0 : (int)ramet__misuse(-EPERM);
	minded = minded || atexit(stop_at_exit) == 0;
	if (minded)
		return 0;
	__atomic_store_n(&starter, NULL, __ATOMIC_RELEASE);
	return -ENOMEM;
}

/* Without loops nobody is the starter, unless one of its ramets waits to be. */
static void end_change(void)
{
	bool over = !count && !changing.waiters.first;

	ramet__mutex_pass(&changing);
	if (over)
		__atomic_store_n(&starter, NULL, __ATOMIC_RELEASE);
}

static int finish_stop(int mode);

static int start(struct loop *l, size_t n)
{
	int err = stopping ? finish_stop(LOT_SCOPE) : 0;

	if (err == 0 && !count)
		err = add_caller(l);
	while (err == 0 && count < n)
		err = count < LOOPS_MAX && !kernel_picks() ? add_other()
							   : -EAGAIN;
	l->reachable = count > 0; /* a fork has ended that */
	return err;
}

/* A simulation has one OS thread. */
int ramet_loops_start(size_t n)
{
	struct loop *l = ramet__loop();
	int err = l ? ramet__interrupted(l) : -ENOMEM;

	if (err == 0)
		err = become_starter(l);
	if (err == 0)
		err = ramet__mutex_take(l, &changing);
	if (err < 0)
		return (int)ramet__fail(err);
	err = start(l, n ? n : processors());
	end_change();
	return (int)ramet__ret(err < 0 ? err : (int)count);
}

/* ---- stop --------------------------------------------------------------- */

/* Nobody gets in any more, then those inside are told to end. */
static void begin_stop(void)
{
	stopping = true;
	for (size_t i = 1; i < count; i++)
		gate_close(table[i]);
	for (size_t i = 1; i < count; i++)
		ramet__loop_stop(table[i]);
}

static void leave_table(struct ramet_loop *h)
{
	ramet__loop_free_requests(h);
	ramet__outlet_release(h->outlet);
	h->outlet = NULL;
	h->used = false;
}

static int finish_stop(int mode)
{
	struct loop *l = ramet__this_loop;
	int err = 0;

	for (size_t i = 1; i < count; i++)
		ramet__loop_await(table[i], LOOP_UP, mode, &err);
	if (err < 0)
		return err;
	for (size_t i = 1; i < count; i++) {
		ramet__libc.pthread_join(table[i]->thread, NULL);
		leave_table(table[i]);
	}
	gate_close(l->handle);
	ramet__loop_take_last(l, l->handle);
	leave_table(l->handle);
	l->handle = NULL;
	l->load_at = NULL;
	l->reachable = false;
	__atomic_store_n(&count, 0, __ATOMIC_RELEASE);
	stopping = false;
	return 0;
}

static int stop(struct loop *l, int mode)
{
	struct ramet_scope shield;
	int err;

	if (!__atomic_load_n(&count, __ATOMIC_ACQUIRE))
		return 0;
	if (__atomic_load_n(&starter, __ATOMIC_ACQUIRE) != l)
		return (int)ramet__misuse(-EPERM);
	if (mode == LOT_FIRM)
		ramet_shield_open(&shield, RAMET_NEVER);
	err = ramet__mutex_take(l, &changing);
	if (err == 0) {
		if (!stopping)
			begin_stop();
		if (count)
			err = finish_stop(mode);
		end_change();
	}
	if (mode == LOT_FIRM)
		ramet_scope_close(&shield);
	return err;
}

int ramet_loops_stop(void)
{
	struct loop *l = ramet__loop();
	int err = l ? ramet__interrupted(l) : -ENOMEM;

	return (int)ramet__ret(err < 0 ? err : stop(l, LOT_SCOPE));
}

void ramet__loops_end(struct loop *l)
{
	if (__atomic_load_n(&starter, __ATOMIC_ACQUIRE) == l)
		stop(l, LOT_FIRM);
}

/* ---- found -------------------------------------------------------------- */

size_t ramet_loops_count(void)
{
	return __atomic_load_n(&count, __ATOMIC_ACQUIRE);
}

struct ramet_loop *ramet_loop_at(size_t i)
{
	if (i < ramet_loops_count())
		return __atomic_load_n(&table[i], __ATOMIC_RELAXED);
	errno = EINVAL;
	return NULL;
}

struct ramet_loop *ramet_loop_self(void)
{
	return ramet__this_loop ? ramet__this_loop->handle : NULL;
}

/* From the caller's next on, so that of equals another is found. */
struct ramet_loop *ramet_loop_least(void)
{
	size_t n = ramet_loops_count();
	const struct ramet_loop *self = ramet_loop_self();
	struct ramet_loop *best = NULL;
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < n; i++) {
		size_t at = (self ? self->index + 1 + i : i) % n;
		struct ramet_loop *h =
			__atomic_load_n(&table[at], __ATOMIC_RELAXED);
		uint64_t load = gate_load(h, h == self);

		if (load < least) {
			least = load;
			best = h;
		}
	}
	return best;
}

struct outlet *ramet__loop_outlet(struct ramet_loop *h)
{
	struct outlet *o = NULL;

	if (gate_enter(h))
		o = ramet__outlet_keep(h->outlet);
	gate_leave(h);
	return o;
}

/* ---- fork --------------------------------------------------------------- */

void ramet__loops_after_fork(struct loop *l)
{
	struct ramet_loop *mine = l->handle;

	for (size_t i = 0; i < count; i++)
		if (table[i] != mine)
			gate_reset(table[i], false);
	for (struct ramet_loop *h = handles; h < handles + LOOPS_MAX; h++)
		if (h->used)
			h->used = h == mine;
	changing = (struct ramet_mutex){0};
	stopping = false;
	starter = mine ? l : NULL;
	count = mine ? 1 : 0;
	if (!mine)
		return;
	gate_reset(mine, true);
	table[0] = mine;
	mine->index = 0;
	mine->state = LOOP_UP;
}
