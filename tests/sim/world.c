/* world.c - the run of one seed, and what its scenes share. */
#include "world.h"

#include "core/core.h"
#include "core/valid.h"
#include "kernel/calls.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* By the real clock; a run takes less than a millisecond. */
enum { RUN_S = 30 };

void (*world_plant)(void);
struct found *world_found;

static struct {
	uint64_t seed;
	uint64_t only;
	uint64_t picked;
	void (*trace)(int64_t time, enum sim_event what, uint64_t value);
} now;

/* ---- rules -------------------------------------------------------------- */

void violation(const char *fmt, ...)
{
	char what[sizeof world_found->what];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	if (world_found)
		memcpy(world_found->what, what, sizeof what);
	else if (ramet__this_loop)
		ramet_dump(2);
	fprintf(stderr,
		"seed %llu: %s; again: SIM_SEED=%llu SIM_ONLY=%llu %s "
		"one_seed\n",
		(unsigned long long)now.seed, what,
		(unsigned long long)now.seed, (unsigned long long)now.only,
		program_invocation_name);
	_exit(1);
}

static void on_violation(const char *what)
{
	violation("%s", what);
}

/* The core's own rules, at every so many choices of who goes next: those are
 * made while somebody runs, parks, ends, or waits for events. */
static void on_event(int64_t time, enum sim_event what, uint64_t value)
{
	enum { EVERY = 8 };
	enum rule broken;

	if (now.trace)
		now.trace(time, what, value);
	if (what != SIM_PICKED || ++now.picked % EVERY || !ramet__this_loop)
		return;
	broken = ramet__loop_walk(ramet__this_loop);
	if (broken)
		violation("%s", ramet__rules[broken]);
}

/* What never ends and never asks the kernel anything. */
static void on_alarm(int sig)
{
	(void)sig;
	violation("no end after %d s", RUN_S);
}

/* What faults may come to. */
static bool explainable(int error)
{
	switch (error) {
	case ECONNRESET:
	case ECONNREFUSED:
	case EPIPE:
	case ENOTCONN: /* the connection was reset before */
	case EMFILE:
	case ENOMEM:
	case ENOSPC:
	case EAGAIN: /* no helper */
		return sim_counts()->errors > 0;
	case ECANCELED:
		return ramet_cancelled();
	}
	return false;
}

bool good(long r, const char *what)
{
	if (r >= 0)
		return true;
	if (errno == ETIMEDOUT)
		violation("%s: it never came, and no fault explains that",
			  what);
	if (!explainable(errno))
		violation("%s: %s, and no fault explains that", what,
			  strerrorname_np(errno));
	return false;
}

bool made(const void *p, const char *what)
{
	return good(p ? 0 : -1, what);
}

void require_error(long r, int error, const char *what)
{
	if (r >= 0)
		violation("%s: it did not fail", what);
	if (errno != error)
		good(r, what);
}

/* ---- what scenes share -------------------------------------------------- */

bool go(struct ramet_group *g, void *(*fn)(void *), void *arg)
{
	return made(ramet_go(g, fn, arg), "spawn");
}

void wait_for_all(struct ramet_group *g)
{
	RAMET_WITHIN(20 * PATIENCE) /* one after the other may need theirs */
		if (ramet_group_wait(g) < 0 && errno != ECHILD)
			good(-1, "waiting for a group");
}

void wait_for_both(struct ramet_group *a, struct ramet_group *b)
{
	for (int i = 0; i < 100 && (a->running || b->running); i++)
		good(ramet_sleep(RAMET_SEC), "sleeping");
	if (sim_counts()->errors) {
		ramet_group_cancel(a);
		ramet_group_cancel(b);
	}
	wait_for_all(a);
	wait_for_all(b);
}

void nap(int64_t most_ns)
{
	good(ramet_sleep(1 + roll((uint32_t)most_ns)), "sleeping");
}

/* Some are made by others: they may block, and are not registered for good. */
bool make_pair(int fds[2])
{
	int err;

	switch (roll(6)) {
	case 0:
		err = kernel_pipe2(fds, 0);
		break;
	case 1:
		err = kernel_socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
		break;
	case 2:
	case 3:
		return good(ramet_pipe(fds, 0), "pipe");
	default:
		return good(ramet_socketpair(AF_UNIX, SOCK_STREAM, 0, fds),
			    "socketpair");
	}
	errno = -err;
	return good(err, "a pair made by others");
}

void close_both(const int fds[2])
{
	ramet_close(fds[0]);
	ramet_close(fds[1]);
}

/* ---- a run -------------------------------------------------------------- */

static void *(*const scenes[])(void *) = {
	scene_echo,
	scene_pipes,
	scene_accept,
	scene_reuse,
	scene_messages,
	scene_poll,
	scene_locks,
	scene_conds,
	scene_chans,
	scene_time,
	scene_cancel,
	scene_life,
	scene_offload,
	scene_rwlock,
	scene_barrier,
	scene_once,
	scene_outside,
	scene_pools,
	scene_queues,
	scene_futures,
	scene_actors,
	scene_http,
	scene_fetches,
	scene_chat,
};

/* Some scenes, some of them more than once. */
static void play(void)
{
	int n = 1 + (int)roll(8);
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_ALL);
	for (int i = 0; i < n; i++)
		go(&g, scenes[roll(countof(scenes))], NULL);
	wait_for_all(&g);
}

/* Helpers that were left behind need time to notice. */
static void settle(void)
{
	struct ramet_stats stats;

	if (!good(ramet_sleep(10 * RAMET_SEC), "the last sleep") ||
	    !good(ramet_get_stats(&stats), "stats"))
		return;
	REQUIRE(stats.live == 1, "a ramet is left");
}

static void *run_loop(void *unused)
{
	(void)unused;
	if (!made(ramet_self(), "starting the loop"))
		return NULL;
	if (world_plant)
		world_plant();
	play();
	settle();
	return NULL; /* the end of the thread is the end of its loop */
}

static void check_left(void)
{
	const struct sim_counts *c = sim_counts();

	if (c->live || c->mapped || c->descriptors) {
		sim_print_left();
		violation("%lld allocations, %lld bytes of mappings and %d "
			  "descriptors are left",
			  (long long)c->live, (long long)c->mapped,
			  c->descriptors);
	}
}

static void run(uint64_t seed, const struct sim_faults *faults)
{
	pthread_t thread;

	now.seed = seed;
	now.only = faults->only;
	now.picked = 0;
	if (sim_on_event != on_event)
		now.trace = sim_on_event;
	sim_on_event = on_event;
	sim_on_violation = on_violation;
	signal(SIGALRM, on_alarm);
	alarm(RUN_S);
	sim_begin(seed, faults);
	CHECK(pthread_create(&thread, NULL, run_loop, NULL) == 0);
	pthread_join(thread, NULL);
	alarm(0);
}

struct outcome world_run(uint64_t seed, const struct sim_faults *faults)
{
	struct sim_faults swarm;
	struct outcome out;

	if (world_found)
		world_found->seed = seed;
	if (!faults)
		sim_swarm(seed, &swarm);
	run(seed, faults ? faults : &swarm);
	check_left();
	out = (struct outcome){sim_hash(), *sim_counts()};
	sim_end();
	return out;
}

/* What is made once in a process, and stays, is made before it is counted. */
void world_warm_up(void)
{
	static const struct sim_faults none;

	for (uint64_t i = 0; i < 20; i++) {
		run(UINT64_MAX - i, &none);
		sim_end();
	}
}
