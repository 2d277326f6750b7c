/* loops.c - the table of loops: made, found, stopped.
 *
 * Handles are never freed, so whoever still has one of a loop that was stopped
 * is told so.  A handle's gate is one word: who goes in counts himself and
 * learns in the same step whether it is open, and the loop does not end before
 * he is out again.
 *
 * One loop, the starter, makes the others and ends them: only it writes the
 * table.
 */
#include "task/loops.h"

#include "core/outlet.h"
#include "core/stack.h"
#include "kernel/calls.h"
#include "kernel/libc.h"
#include "sync/lot.h"
#include "sync/sync.h"
#include "task/gate.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

enum { PATIENCE_LEAST = RAMET_MS / 4, PATIENCE_MOST = 64 * RAMET_MS };

static struct ramet_loop handles[LOOPS_MAX];

/* The first `count` are those there are. */
static struct ramet_loop *table[LOOPS_MAX]; /* atomic each */
static size_t count;                        /* atomic */
static struct loop *starter;                /* atomic */

/* The starter's: one of its ramets at a time changes the table. */
static struct ramet_mutex changing;
static bool stopping;

static void set_state(struct ramet_loop *h, uint32_t state)
{
	__atomic_store_n(&h->state, state, __ATOMIC_SEQ_CST);
	ramet__lot_wake(&h->state, INT_MAX, UINT32_MAX);
}

/* ---- the life of one of the others -------------------------------------- */

static int join_table(struct loop *l, struct ramet_loop *h)
{
	int err = ramet__poller(l);

	if (err < 0)
		return err;
	h->outlet = ramet__outlet(l);
	if (!h->outlet)
		return -ENOMEM;
	h->spare = h->homecome = h->homebound = NULL;
	h->requests = h->together = 0;
	h->loop = l;
	h->stop = false;
	h->running = 1;
	l->handle = h;
	l->load_at = &h->running;
	l->reachable = true;
	gate_open(h);
	return 0;
}

static void cancel_other(struct ramet *t, void *me)
{
	if (t != me && t->state != STATE_ENDED)
		ramet_cancel(t);
}

static uint64_t running(const struct loop *l)
{
	return l->stats.spawned - l->ended;
}

/* Until no more of them end at once. */
static void let_end(struct loop *l)
{
	uint64_t before;

	do {
		before = running(l);
		ramet__give_way(l);
	} while (running(l) > 1 && running(l) < before);
}

/* Clean-up may take its time behind a shield, and may start ramets that have
 * not been cancelled: so look again now and then. */
static void end_ramets(struct loop *l)
{
	int64_t patience = PATIENCE_LEAST;

	for (;;) {
		ramet__each(l, cancel_other, l->current);
		let_end(l);
		if (running(l) == 1)
			return;
		ramet__park_firm(l, WAIT_SLEEP, NULL,
				 time_add(kernel_now(), patience));
		if (patience < PATIENCE_MOST)
			patience *= 2;
	}
}

/* What was sent before the gate closed is run, and finds itself cancelled. */
static void take_last_requests(struct loop *l, struct ramet_loop *h)
{
	gate_wait_empty(h);
	while (!gate_took_all(h))
		ramet__deliver(l);
}

static void on_stop(struct loop *l, struct mail *mail)
{
	struct ramet_loop *h = container_of(mail, struct ramet_loop, stop_mail);

	h->stop = true;
	if (l->main.state == STATE_PARKED && l->main.wait == WAIT_LOOP)
		ramet__wake(&l->main, 0);
}

static void *run(void *handle)
{
	struct ramet_loop *h = handle;
	struct loop *l;
	char name[16];

	snprintf(name, sizeof name, "ramet loop %u", h->index % 1000);
	kernel_call(SYS_prctl, PR_SET_NAME, KERNEL_ARG(name), 0, 0, 0, 0);
	l = ramet__loop();
	h->error = l ? join_table(l, h) : -ENOMEM;
	if (h->error < 0) {
		set_state(h, LOOP_FAILED);
		return NULL;
	}
	set_state(h, LOOP_UP);
	while (!h->stop)
		ramet__park_firm(l, WAIT_LOOP, h, RAMET_NEVER);
	take_last_requests(l, h);
	end_ramets(l);
	return NULL;
}

void ramet__loops_left(struct ramet_loop *h)
{
	if (h)
		set_state(h, LOOP_GONE);
}

/* ---- start -------------------------------------------------------------- */

/* Signals are for the thread that the program handles them in; but what a
 * ramet does wrong is reported where it is done. */
static void block_signals(sigset_t *before)
{
	static const int own[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
				  SIGTRAP, SIGABRT, SIGSYS};
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < countof(own); i++)
		sigdelset(&set, own[i]);
	ramet__libc.pthread_sigmask(SIG_SETMASK, &set, before);
}

static void await_change(struct ramet_loop *h, uint32_t from, int mode,
			 int *err)
{
	static const struct lot_reason reason = {.what = "for a loop"};

	while (*err == 0 &&
	       __atomic_load_n(&h->state, __ATOMIC_SEQ_CST) == from) {
		*err = ramet__lot_wait(&h->state, from, UINT32_MAX, RAMET_NEVER,
				       mode | LOT_OPEN, &reason);
		if (*err == -EAGAIN)
			*err = 0;
	}
}

/* It takes as long as it takes a thread to start: scopes do not end it. */
static int start_one(struct ramet_loop *h)
{
	sigset_t before;
	int err;

	h->state = LOOP_NEW;
	block_signals(&before);
	err = ramet__libc.pthread_create(&h->thread, NULL, run, h);
	ramet__libc.pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -EAGAIN;
	await_change(h, LOOP_NEW, LOT_FIRM, &err);
	if (h->state == LOOP_UP)
		return 0;
	ramet__libc.pthread_join(h->thread, NULL);
	return h->error == -ENOMEM ? -ENOMEM : -EAGAIN;
}

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
	int err = join_table(l, h);

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
	int err = start_one(h);

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
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) &&
	    first != l)
		return (int)ramet__misuse(-EPERM);
	if (!minded && atexit(stop_at_exit) != 0)
		return -ENOMEM;
	minded = true;
	return 0;
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
	for (size_t i = 1; i < count; i++) {
		struct ramet_loop *h = table[i];

		h->stop_mail.deliver = on_stop;
		gate_enter(h);
		gate_close(h);
		ramet__post(h->loop, &h->stop_mail);
		gate_leave(h);
	}
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
		await_change(table[i], LOOP_UP, mode, &err);
	if (err < 0)
		return err;
	for (size_t i = 1; i < count; i++) {
		ramet__libc.pthread_join(table[i]->thread, NULL);
		leave_table(table[i]);
	}
	gate_close(l->handle);
	take_last_requests(l, l->handle);
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
		struct ramet_loop *h =
			ramet_loop_at((self ? self->index + 1 + i : i) % n);
		uint64_t load =
			h == self ? running(ramet__this_loop) : gate_load(h);

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
