/* core.h - the ramet, the loop that runs it, and parking: what every layer
 * above is built from.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <unwind.h>

#include "arch/arch.h"
#include "arch/sanitizer.h"
#include "core/timer.h"
#include "core/waitq.h"
#include "kernel/kernel.h"
#include "ramet/core.h"

enum state {
	STATE_FREE,
	STATE_READY,
	STATE_RUNNING,
	STATE_PARKED,
	STATE_ENDED
};

/* What a parked ramet waits for.  Those from WAIT_OUTSIDE on can be woken by
 * what is not a ramet, so they are never part of a deadlock; those of
 * WAITS_SHARED are as long as there are other OS threads. */
enum wait {
	WAIT_NONE,
	WAIT_JOIN,
	WAIT_GROUP,
	WAIT_MUTEX,
	WAIT_COND,
	WAIT_SEM,
	WAIT_EVENT,
	WAIT_WG,
	WAIT_SEND,
	WAIT_RECV,
	WAIT_SELECT,
	WAIT_RDLOCK,
	WAIT_WRLOCK,
	WAIT_BARRIER,
	WAIT_ONCE,
	WAIT_PLACE, /* in a pool; object: the pool */
	WAIT_JOBS,  /* of a pool to end */
	WAIT_IDLE,  /* for a job of a pool */
	WAIT_FUTURE,
	WAIT_PUT,
	WAIT_GET,
	WAIT_DONE,      /* for a queue's items to be done */
	WAIT_LOT,       /* object: struct lot_reason, see sync/lot.h */
	WAIT_ACTOR,     /* object: struct actor_wait, see task/actor/actor.h */
	WAIT_HOST,      /* object: a string */
	WAIT_HOST_LOCK, /* object: as of WAIT_LOT */
	WAIT_HOST_JOIN,
	WAIT_SLEEP,
	WAIT_OUTSIDE,
	WAIT_READ = WAIT_OUTSIDE,
	WAIT_WRITE,
	WAIT_POLL,
	WAIT_OFFLOAD,
	WAIT_WAKER,
	WAIT_CHILD, /* object: the pid */
	WAIT_SIGNAL,
	WAIT_LOOP, /* object: the handle */
	/* The same as above, where other OS threads may wake. */
	WAIT_SELECT_OPEN,
	WAIT_FUTURE_OPEN,
	WAIT_PUT_OPEN,
	WAIT_GET_OPEN,
	WAIT_DONE_OPEN,
	WAIT_LOT_OPEN, /* as WAIT_LOT, where OS threads or handlers may wake */
	WAIT_ACTOR_OPEN, /* as WAIT_ACTOR, where OS threads may */
	WAIT_LAST = WAIT_ACTOR_OPEN,
};

/* What any OS thread may signal: sync/outside.h. */
#define WAITS_SHARED                                                           \
	(1u << WAIT_COND | 1u << WAIT_SEM | 1u << WAIT_EVENT | 1u << WAIT_WG | \
	 1u << WAIT_SELECT)

/* Why a ramet is not left alone. */
enum {
	FLAG_CANCEL = 1,    /* cancelled */
	FLAG_SHIELD = 2,    /* inside RAMET_SHIELD */
	FLAG_KILL = 4,      /* and to be unwound */
	FLAG_UNWINDING = 8, /* which has begun */
	FLAG_FENV = 16,     /* has its own floating point environment */
	FLAG_DETACHED = 32, /* nobody joins it */
	FLAG_STARTED = 64,  /* has run */
	FLAG_CANARY = 128,  /* its stack has a canary for a guard; lasting */
	FLAG_TLS = 256,     /* has its own thread-local storage */
	FLAG_EINTR = 512,   /* what it waits for may end with EINTR */
	FLAG_INTERRUPTED = 1024, /* was to end so, but had been woken */
	FLAG_RENAMED = 2048,     /* by ramet_set_name */
	FLAG_EXPENDABLE = 4096,  /* its overflow is to end it alone */
	FLAG_OVERFLOWED = 8192,  /* which it did */
	FLAG_GUEST = 16384,      /* the host swaps its state */
};

/* Who watches the loop may sleep when it does: see on_awake. */
#define AWAKE_NS RAMET_SEC

/* Of a scope. */
enum { SCOPE_FRESH, SCOPE_OPEN, SCOPE_CLOSED };

/* The control block: two cache lines in a dense array, apart from the stacks,
 * so that a long queue of ramets walks through memory in order. */
struct ramet {
	/* What a switch and a wake touch. */
	struct context context;
	struct ramet *next;        /* in the ready queue */
	struct cold *cold;         /* at the stack's top */
	struct ramet_scope *scope; /* innermost */
	int64_t deadline;          /* tightest of the scopes in force */
	uint16_t flags;
	uint8_t state, wait;
	int16_t result;    /* what park returns: -errno, or the waker's */
	uint16_t switches; /* to it; the rest is in the cold record */

	/* What a park touches.  The timer may fire before `until`: see park. */
	struct timer timer;
	int64_t until; /* when this park ends at the latest */
	struct loop *loop;
	const void *wait_object; /* whose meaning depends on wait */
	int64_t since;           /* when it parked last, by the loop's clock */
	uint64_t id;
} __attribute__((aligned(16))); /* as malloc, which a loop's main comes from */

_Static_assert(sizeof(struct ramet) == 128, "two cache lines in an array");

/* One link of ramet_defer or ramet_link. */
struct callback {
	struct callback *next;
	union {
		void (*deferred)(void *);
		void (*linked)(struct ramet *, void *);
	};
	void *arg;
};

/* Who waits for ramets to end. */
struct joiner {
	struct ramet *ramet;
	size_t missing; /* how many more must end */
	bool any;       /* of more than that */
};

/* The cold record: what is looked at once in a ramet's life, or by tools. */
struct cold {
	struct ramet *ramet;
	struct stack_class *class; /* NULL: a main, on its thread's stack */
	void *(*fn)(void *);
	void *arg, *value;
	const void *spawn_site; /* return address of spawn */
	uint64_t parent;
	uint64_t ended; /* how many had ended before it */
	struct joiner *joiner;
	/* Called last, by the ramet itself; whoever owns it takes over. */
	void (*on_end)(struct ramet *);
	union {                            /* on_end's */
		struct ramet_group *group; /* with its list: */
		struct ramet_future *future;
	};
	struct ramet *group_prev, *group_next;
	struct callback *defers, *links, **links_end;
	void **locals;
	size_t local_count;
	struct fenv_state fenv;
	void *tls;           /* FLAG_TLS: the thread pointer it runs with */
	void *thread;        /* the patch's: what it knows of a pthread */
	void *guest;         /* FLAG_GUEST: what the host knows it by */
	const void *routine; /* FLAG_TLS: the function that tools name */
	struct sanitizer sanitizer;
	uint32_t lot_id;        /* as an owner of locks: sync/lot.h; 0: none */
	uint32_t switches_high; /* in units of 2^16 */
	struct _Unwind_Exception exception; /* outlives the frames it unwinds */
	char name[32];
};

/* Stacks of one size: slots in slabs, each with its control block.  An idle
 * ramet keeps its slot, and the one that ended last is used first. */
struct stack_class {
	size_t size; /* of a slot, guard included */
	struct slab *slabs, *newest;
	struct ramet **idle; /* a stack of ramets: room for all of them */
	size_t idle_count, total;
	size_t idle_least; /* since the last trim */
	size_t trimmed;    /* idle[0..trimmed) hold no memory */
};

enum { STACK_CLASSES = 17, STACK_BITS_MIN = 14 }; /* 16 KiB to 1 GiB */

/* A message from another OS thread or a signal handler. */
struct mail {
	struct mail *next;
	void (*deliver)(struct loop *, struct mail *);
};

/* What the C++ runtime knows of the exceptions of a thread: those being caught
 * and how many are in flight (Itanium C++ ABI, exception handling, 2.2.2). Each
 * ramet has its own. */
struct cxx_state {
	void *caught;
	uint64_t uncaught; /* an int and its padding: copied as one */
};

/* How long a loop's ramets ran between two turns.  Bucket i has what took less
 * than 2^(LAG_BITS + i) ns, the last also what took longer. */
enum { LAG_BITS = 10, LAG_BUCKETS = 24 };

struct lag {
	uint64_t sum; /* ns */
	uint64_t bucket[LAG_BUCKETS];
};

struct loop {
	struct ramet *current;
	struct ramet *ready, **ready_end;
	struct record *record;           /* record.c's; NULL: off */
	uint32_t until_look, look_every; /* switches: see look_maybe */
	uint32_t allowance;    /* calls before others run: ramet__spend */
	void *gate;            /* sync/outside.c's; not NULL */
	int *errno_at;         /* this thread's errno */
	struct cxx_state *cxx; /* this thread's, or cxx_none if no C++ here */
	struct cxx_state cxx_none;
	void *tls;                     /* this thread's thread pointer */
	uint32_t hooks;                /* bits of the patch: see patch/hook.h */
	const struct ramet_host *host; /* host.c's; NULL: none */
	int64_t now;                   /* when last read */
	int64_t looked;                /* when events were last asked for */
	struct ramet *left;            /* who was switched away last */
	struct ramet *zombie;  /* ended, to be reclaimed by whoever is next */
	struct poller *poller; /* NULL until needed */
	size_t outside;        /* ramets parked on WAIT_OUTSIDE or above */
	size_t tools_outside;  /* of those, the console's */
	size_t errands;        /* that are under way: errand.c's */
	size_t in_lot;         /* ramets queued in the parking lot */
	struct claim *claims;  /* sync/claim.c's */
	bool reachable;        /* other loops may send it work */
	/* Called for each event and when nothing can go on; the layers above
	 * set them (src/start.c). */
	void (*on_events)(struct loop *, const struct kernel_event *, int n);
	void (*on_deadlock)(struct loop *); /* may make one ready, or none */
	/* In the child of a fork, last; the patch's; may be NULL. */
	void (*on_fork)(struct loop *);
	/* When it has its first stacks, and after each sleep of AWAKE_NS, and
	 * after the first in the child of a fork. */
	void (*on_awake)(struct loop *);
	/* A recording is to begin or to end: see record.h. */
	void (*on_record)(struct loop *);
	bool forked;                /* and has not slept since */
	struct record *record_ring; /* kept when it is off; atomic */
	uint32_t record_word;       /* of ramet__record_wanted, looked at */
	void *io;                   /* the io layer's */
	void *questions;            /* task/child.c's: what helpers wait for */
	struct actors *actors;      /* task/actor/'s; NULL until needed */
	struct ramet_http_client *http_clients; /* http/client/'s */
	struct names *names;     /* net/names/'s; NULL until needed */
	void *handle;            /* task/loops.c's; NULL: it is alone */
	uint64_t *load_at;       /* atomic: how many run; may be NULL */
	struct mail *inbox;      /* atomic: newest first */
	int sleeping;            /* atomic: a wake is needed */
	int64_t doubt;           /* see ramet__doubt */
	struct console *console; /* debug/console.c's; NULL: none */
	struct outlet *outlet;   /* outlet.c's; NULL until needed */
	int64_t trim_at;
	uint64_t last_id, ended;
	struct ramet_stats stats;
	uint64_t sleeps; /* waits for the kernel that could take time */
	struct lag lag;
	struct stack_class classes[STACK_CLASSES], *default_class;
	struct timers timers;
	struct ramet main;
	struct cold main_cold;
	struct kernel_event events[KERNEL_EVENTS];
};

/* ---- the calling thread's loop ------------------------------------------ */

extern __thread struct loop *ramet__this_loop
	__attribute__((tls_model("initial-exec")));

/* Make the loop; NULL when there is no memory.  In src/start.c, which alone
 * knows all the layers. */
struct loop *ramet__start(void);

/* In the child of a fork, before anything else runs: only the caller is left,
 * and the loop waits with a poller of its own.  Called by itself unless the
 * child was made without the handlers of pthread_atfork. */
void ramet__after_fork(struct loop *l);

HOT struct loop *ramet__loop(void)
{
	struct loop *l = ramet__this_loop;

	return likely(l) ? l : ramet__start();
}

struct loop *ramet__loop_new(void);
void ramet__loop_free(struct loop *l);

/* How many ramets wait for something from outside that could make the program
 * go on. */
static inline size_t loop_outside(const struct loop *l)
{
	return l->outside > l->tools_outside ? l->outside - l->tools_outside
					     : 0;
}

static inline bool loop_has_mail(const struct loop *l)
{
	return __atomic_load_n(&l->inbox, __ATOMIC_SEQ_CST) != NULL;
}

/* ---- scheduling (sched.c) ----------------------------------------------- */

/* Append a ramet that is not queued to the ready queue. */
void ramet__ready(struct loop *l, struct ramet *t);

/* End t's park with `result`.  t must be parked. */
void ramet__wake(struct ramet *t, int result);

/* The same, and it runs next. */
void ramet__wake_first(struct ramet *t, int result);

/* One that is ready runs next. */
void ramet__bring_forward(struct ramet *t);

/* Let the next run, and the caller right after it. */
void ramet__give_way_once(struct loop *l);

/* Whether the caller must not wait: -ECANCELED, -ETIMEDOUT or 0. */
int ramet__interrupted_slowly(struct loop *l, struct ramet *me);

HOT int ramet__interrupted(struct loop *l)
{
	struct ramet *me = l->current;

	if (likely(!(me->flags & FLAG_CANCEL) && me->deadline > l->now))
		return 0;
	return ramet__interrupted_slowly(l, me);
}

/* Wait to be woken, or for the scope's end, or cancel.  Returns what
 * ramet__wake was given, -ETIMEDOUT or -ECANCELED.  The caller has looked at
 * ramet__interrupted, and undoes what would have woken it if that is not what
 * did. */
int ramet__park(struct loop *l, enum wait wait, const void *object);

/* The same, at most until `when` of the clock: then -ETIMEDOUT too. */
int ramet__park_until(struct loop *l, enum wait wait, const void *object,
		      int64_t when);

/* Park, and let `to`, which is parked, run at once. */
int ramet__park_for(struct loop *l, struct ramet *to, enum wait wait,
		    const void *object);

/* As ramet__park_until, but neither the scopes around it nor cancel end it: for
 * what libc's callers do not expect to fail. */
int ramet__park_firm(struct loop *l, enum wait wait, const void *object,
		     int64_t when);

/* End t's park with -EINTR if it is one that may end so.  Returns whether; if
 * it has been woken but has not run, its next park within FLAG_EINTR ends. */
bool ramet__interrupt(struct ramet *t);

/* Let everything that is ready run. */
void ramet__give_way(struct loop *l);

/* Report an overflow that cannot be survived, and abort. */
_Noreturn void ramet__die_of_overflow(struct ramet *t);

/* A point at which a simulation may let others run: before and after whatever
 * blocks, wakes or can be seen by others. */
HOT void ramet__point(struct loop *l)
{
	if (kernel_picks())
		ramet__give_way(l);
}

/* Called for each call that could have blocked and did not: a ramet whose data
 * is always there must not keep the loop. */
HOT void ramet__spend(struct loop *l)
{
	if (unlikely(--l->allowance == 0))
		ramet__give_way(l);
}

/* Make sure that l->poller is there.  Returns 0 or -errno. */
int ramet__poller(struct loop *l);

/* Leave mail for a loop; from any OS thread or signal handler. */
void ramet__post(struct loop *l, struct mail *mail);

/* Nobody in the loop can wake anyone.  Whether other OS threads might: then ask
 * again after l->doubt.  doubt.c. */
bool ramet__doubt(struct loop *l);

/* Take in the mail that has come. */
void ramet__deliver(struct loop *l);

/* ---- life (spawn.c, join.c, fork.c, local.c, unwind.c) ------------------ */

/* Spawn; owner's on_end and flags are set before it can run. */
struct ramet *ramet__spawn(struct loop *l, void *(*fn)(void *), void *arg,
			   const struct ramet_opts *opts, const void *site,
			   int *err);

/* One that does not run before somebody wakes it. */
struct ramet *ramet__spawn_parked(struct loop *l, void *(*fn)(void *),
				  void *arg, const struct ramet_opts *opts,
				  const void *site, int *err);

/* Call fn(arg) in the caller as if it had been spawned for that and ended with
 * it, with `flags` set (FLAG_CANCEL).  Returns what fn does. */
void *ramet__run_one(struct loop *l, void *(*fn)(void *), void *arg,
		     uint16_t flags);

/* In on_end, by the ramet that ends: run its function again, as a new ramet on
 * the same stack.  That needs nothing that could be short. */
_Noreturn void ramet__begin_again(struct ramet *me);

/* What a ramet does when it ends, in whatever way; does not return. */
_Noreturn void ramet__finish(void *ramet);

/* In the child of a fork: only the caller is left. */
void ramet__core_after_fork(struct loop *l);

/* What a loop's main does when its OS thread ends. */
void ramet__end_main(struct loop *l);

/* Reclaim an ended ramet, which must not be the running one. */
void ramet__release(struct ramet *t);

/* As ramet_local_new and ramet_local_set: NULL, or -ENOMEM. */
struct ramet_local *ramet__local_new(void (*destroy)(void *value));
int ramet__local_set(struct ramet_local *key, void *value);

void ramet__locals_destroy(struct ramet *t);

/* Whether t's stack can be unwound to its base. */
bool ramet__can_unwind(struct ramet *t);

/* Unwind the caller, which is being killed, to its base; does not return
 * unless the stack cannot be unwound. */
void ramet__unwind(struct ramet *me);

/* Whether `fn` is the program's own code, in an object without the runtime. */
bool ramet__is_foreign(const void *fn);

/* In a signal handler that interrupted t at pc: whether the frames from there
 * to t's function are all of one object that is not the runtime's, so that
 * nothing of libc or of the runtime is halfway done. */
bool ramet__can_abandon(const struct ramet *t, const void *pc);

/* Leave the caller's frames as they are and end it, with FLAG_OVERFLOWED.  On
 * an empty stack. */
_Noreturn void ramet__abandon(void *ramet);

/* As ramet_cancel and ramet_kill, for t of the caller's loop.  A kill of the
 * caller returns -ECANCELED, and works at the border. */
void ramet__cancel(struct ramet *t);
int ramet__kill(struct loop *l, struct ramet *t);

/* ---- the border --------------------------------------------------------- */

/* -1 and errno; where a kill takes effect, since nothing internal is halfway
 * done here. */
long ramet__fail(long err);

/* An internal result (>= 0, or -errno) as libc returns it. */
HOT long ramet__ret(long r)
{
	return likely(r >= 0) ? r : ramet__fail(r);
}

/* Called with -errno when the caller used the library wrongly, if that is to be
 * more than an error (RAMET_STRICT); NULL otherwise.  Set before the first loop
 * starts. */
extern void (*ramet__on_misuse)(long err);

/* Passes an error on that only a mistake in the program can cause. */
HOT long ramet__misuse(long err)
{
	if (unlikely(ramet__on_misuse != NULL))
		ramet__on_misuse(err);
	return err;
}

/* Called before a wait for what has an owner, or for a ramet's end, where no
 * limit of time is set; NULL unless somebody wants to look for cycles.  0, or
 * -EDEADLK if the caller is not to wait. */
extern int (*ramet__on_owned_wait)(struct loop *l, enum wait wait,
				   const void *object); /* atomic */

HOT int ramet__owned_wait(struct loop *l, enum wait wait, const void *object)
{
	int (*look)(struct loop *, enum wait, const void *) =
		__atomic_load_n(&ramet__on_owned_wait, __ATOMIC_RELAXED);

	if (likely(!look) || l->current->deadline != RAMET_NEVER)
		return 0;
	return look(l, wait, object);
}

/* 0 if t is of loop l and not released, else -EPERM, -ESRCH or -EINVAL. */
int ramet__mine(struct loop *l, const struct ramet *t);

/* 0 if the caller may join t, else what ramet_join says of it. */
int ramet__joinable(struct loop *l, const struct ramet *t);

#endif
