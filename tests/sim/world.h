/* world.h - one seed's run: a loop from its start to its end, on a simulated
 * kernel, with a program made of scenes and rules that must hold whatever
 * happens.
 *
 * The rules: everyone gets his own bytes or an error; an error needs a fault to
 * explain it, and a time-out is never explained; nobody is woken early; at the
 * end no ramet, descriptor or allocation is left.
 */
#ifndef WORLD_H
#define WORLD_H

#include "base/base.h"
#include "kernel/sim.h"
#include "ramet.h"
#include "test.h"

/* How long anything may take that will certainly come. */
#define PATIENCE (500 * RAMET_SEC)

struct outcome {
	uint64_t hash;
	struct sim_counts counts;
};

/* Run a seed; faults NULL: its swarm.  Does not return if a rule is broken. */
struct outcome world_run(uint64_t seed, const struct sim_faults *faults);

/* Call it first. */
void world_warm_up(void);

/* A rule is broken: says so, and how to see it again. */
_Noreturn void violation(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

#define REQUIRE(cond, text) ((cond) ? (void)0 : violation("%s", text))

/* Whether a call did what it should (r >= 0).  If not, its errno must be one
 * that a fault explains. */
bool good(long r, const char *what);

/* The same for what is NULL on error. */
bool made(const void *p, const char *what);

/* A call that must fail in one way, or of a fault. */
void require_error(long r, int error, const char *what);

/* Run fn(arg) in group g, or say that there was no memory. */
bool go(struct ramet_group *g, void *(*fn)(void *), void *arg);

/* Wait for the group's children, which will certainly end. */
void wait_for_all(struct ramet_group *g);

/* The same for two groups that need each other; if there was a fault one of
 * them may wait in vain, and both are cancelled after a while. */
void wait_for_both(struct ramet_group *a, struct ramet_group *b);

/* Sleep for up to most_ns. */
void nap(int64_t most_ns);

/* A number below n. */
#define roll(n) sim_random(n)

/* Two ends of something that carries bytes. */
bool make_pair(int fds[2]);

/* Close what is open. */
void close_both(const int fds[2]);

/* The scenes: each is the function of a ramet, and gets NULL. */
void *scene_echo(void *);
void *scene_pipes(void *);
void *scene_accept(void *);
void *scene_reuse(void *);
void *scene_messages(void *);
void *scene_poll(void *);
void *scene_locks(void *);
void *scene_conds(void *);
void *scene_chans(void *);
void *scene_rwlock(void *);
void *scene_barrier(void *);
void *scene_once(void *);
void *scene_outside(void *);
void *scene_queues(void *);
void *scene_futures(void *);
void *scene_time(void *);
void *scene_cancel(void *);
void *scene_life(void *);
void *scene_offload(void *);
void *scene_pools(void *);
void *scene_actors(void *);
void *scene_http(void *);
void *scene_fetches(void *);
void *scene_chat(void *);

/* Called at the beginning of each run, in its loop; NULL in a world without
 * planted bugs. */
extern void (*world_plant)(void);

/* Where the present seed and the broken rule are written, for a parent. */
struct found {
	uint64_t seed;
	char what[160];
};
extern struct found *world_found;

#endif
