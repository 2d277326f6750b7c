/* actor.h - what the files of this folder share: the actor, its messages, and
 * how they are reached from elsewhere.
 *
 * An actor belongs to the loop in which it runs, its home: only that changes
 * it, without locks.  From other loops and OS threads come messages and orders
 * by mail; who waits there waits in the parking lot.
 */
#ifndef TASK_ACTOR_ACTOR_H
#define TASK_ACTOR_ACTOR_H

#include "core/core.h"
#include "core/outlet.h"
#include "ramet/actor.h"

/* What a parked ramet waits for: WAIT_ACTOR's and WAIT_ACTOR_OPEN's object. */
struct actor_wait {
	const char *what; /* static text: "for a message to" */
	const struct ramet_actor *actor;
};

/* ---- calls from elsewhere ----------------------------------------------- */

/* Whoever waits in another loop, or in none, for what a home does.  Freed by
 * who is last: the one that waits may leave. */
struct call {
	uint32_t users; /* atomic */
	uint32_t done;  /* atomic; a word of the lot */
	long result;
	void *reply; /* what is answered, `room` bytes of it at most */
	size_t room;
	uint32_t phase; /* atomic, of who waits for room in a mailbox */
	struct message *blocked; /* for the home: what waits for room there */
	struct mail mail;
};

/* Either the home lets a message in, or its sender leaves. */
enum { PHASE_WAITS, PHASE_SENT, PHASE_LEFT };

/* With two users; NULL: no memory. */
struct call *ramet__call_new(size_t room);
void ramet__call_release(struct call *c); /* NULL is allowed */

/* Set the result, and wake; or it is set already. */
void ramet__call_end(struct call *c, long result);
void ramet__call_done(struct call *c);

/* Wait for that.  Returns 0, then look at the result, or why it did not wait
 * for it. */
int ramet__call_wait(struct call *c, const char *what,
		     const struct ramet_actor *a);

/* ---- messages ----------------------------------------------------------- */

/* Who waits for a reply in the actor's own loop, on his stack. */
struct asking {
	struct ramet *ramet;
	struct message *message; /* NULL: it was answered, or never will be */
	void *reply;
	size_t room;
	ssize_t result;
	bool parked;
};

enum { SENDER_FAR = 1, OPEN = 2, SMALL = 4 };

struct message {
	struct message *next; /* in the mailbox, or spare */
	struct ramet_actor *sender;
	uint64_t tag;
	size_t size;
	uint8_t flags; /* OPEN: a question without answer */
	/* To whom the answer goes; both NULL: it goes nowhere. */
	struct asking *asking;
	struct call *call; /* also of who waits for room, elsewhere */
	/* Kept, of a message that is under way or was taken as a question. */
	struct ramet_actor *to;
	struct message *taken_next, **taken_link;
	struct ramet_waiter waiter; /* of a sender elsewhere */
	struct mail mail;
	char bytes[];
};

#define MESSAGE_MAX ((size_t)1 << 30)

/* A message with room for `size` bytes; NULL without memory. */
struct message *ramet__message_new(struct loop *l, size_t size);

/* At the home of who received it; a question has been dealt with. */
void ramet__message_free(struct loop *l, struct message *m);

/* Whether the caller may: 0 or -errno.  l may be NULL. */
int ramet__may_send(struct loop *l, uint64_t tag, size_t size);

/* Give the message to a, waiting for room, and let go of it, also on error. The
 * call of a question for another loop may still wait for room afterwards. */
int ramet__send(struct loop *l, struct ramet_actor *a, uint64_t tag,
		struct message *m);

/* Who asks leaves.  Returns false if his message has been let in. */
bool ramet__leave_queue(struct ramet_actor *a, struct call *c);

/* Put it into the mailbox whether or not there is room, at home. */
void ramet__enqueue(struct ramet_actor *a, struct message *m);

/* There may be room: let those in who wait for it. */
void ramet__let_in(struct loop *l, struct ramet_actor *a);

/* The mailbox ends, and the waits for room in it. */
void ramet__mailbox_close(struct loop *l, struct ramet_actor *a);

/* Let go of who sent a message: from elsewhere, or from here. */
void ramet__sender_drop(struct ramet_actor *sender, bool far);

/* Answer an open question.  Returns 0 or -ENOMEM; then it stays open. */
int ramet__answer(struct message *m, const void *bytes, size_t size);

/* Answer it with an error: -ECONNRESET, -ESRCH.  What is no open question is
 * left alone. */
void ramet__refuse(struct message *m, int err);

/* What was received last is answered no more; nor does the actor remember who
 * sent it. */
void ramet__last_refuse(struct loop *l, struct ramet_actor *a);
void ramet__last_forget(struct loop *l, struct ramet_actor *a);

/* Refuse those that were taken. */
void ramet__refuse_taken(struct ramet_actor *a);

/* What the caller gets who is not the actor that he claims to be. */
int ramet__not_me(const struct loop *l);

/* ---- actors ------------------------------------------------------------- */

/* What a home is asked to do with one of its actors, done in this order. */
enum {
	ORDER_TOLD = 1,  /* tell those linked and monitoring: it will go on */
	ORDER_START = 2, /* another ramet */
	ORDER_STOP = 4,
	ORDER_KILL = 8,
	ORDER_FORGET = 16, /* it has ended for good */
};

struct care;
struct supervisor;
struct request;
struct tie;

struct ramet_actor {
	/* For anyone.  What changes is atomic. */
	uint32_t users;   /* handles, and the home as long as it needs it */
	uint32_t gone;    /* ended for good; a word of the lot */
	uint32_t waiting; /* messages in the mailbox */
	uint32_t coming;  /* on their way there by mail */
	uint32_t ordered; /* of `orders` */
	uint32_t limit, forks;
	struct outlet *home;
	struct mail orders;
	uint64_t dropped, received, restarts;
	enum ramet_when_full when_full;

	/* For its home. */
	bool wants, wants_any; /* it waits for a message: any, or of this tag */
	bool traps_exits;
	bool survives; /* not so its ramet: a stack overflow */
	bool homed;   /* the home is one of its users */
	bool stopped; /* its ramet was told to stop */
	bool began;   /* it had a ramet */
	uint64_t wanted;
	struct ramet *ramet;          /* NULL: none now */
	struct message *first, **end; /* the mailbox */
	/* Of what was received last: */
	struct message *last; /* a question that may be answered */
	struct ramet_actor *sender;
	bool sender_far;
	uint64_t last_tag;
	size_t last_size;
	struct message *taken;      /* questions to be answered later */
	struct ramet_waitq senders; /* for room; their item is the message */
	struct ramet_waitq waiters; /* for its end */
	size_t borrowed; /* it is the sender of so many messages here */
	int status, killed_as;
	struct tie *ties;  /* link.c's */
	struct care *care; /* its supervisor's; see supervisor.h */
	size_t place;      /* atomic: among its supervisor's children */
	struct supervisor *supervising; /* what it has as a supervisor, now */
	bool supervises;                /* it was one, or is */
	struct request *requests, **requests_end;
	struct ramet_actor *next, **link; /* of those that live here */

	/* Set once. */
	ramet_actor_fn *fn;
	void *arg;
	const void *site;
	size_t stack_size;
	struct ramet_actor *next_named; /* registry.c's */
	char name[];                    /* "": none */
};

/* What a loop has of actors; NULL as long as it has none. */
struct actors {
	struct ramet_actor *living;
	struct message *spare;
	unsigned spares;
	bool ending;
};

/* Whether a's home is l, which may be NULL. */
static inline bool at_home(const struct loop *l, const struct ramet_actor *a)
{
	return likely(l && l->outlet == a->home);
}

static inline bool is_gone(const struct ramet_actor *a)
{
	return __atomic_load_n(&a->gone, __ATOMIC_ACQUIRE);
}

/* Whether l runs the actor's own ramet. */
static inline bool is_me(const struct loop *l, const struct ramet_actor *a)
{
	return likely(l && a->ramet == l->current);
}

/* Make an actor for a's supervisor, or without one, and start it.  NULL and
 * *err. */
struct ramet_actor *ramet__actor_new(struct loop *l, ramet_actor_fn *fn,
				     void *arg,
				     const struct ramet_actor_opts *opts,
				     struct care *care, const void *site,
				     int *err);

/* The actor whose ramet the caller is; NULL: none.  l may be NULL. */
struct ramet_actor *ramet__actor_of(const struct loop *l);

/* Have its home do it.  Returns false if there is none any more. */
bool ramet__order(struct loop *l, struct ramet_actor *a, uint32_t what);

/* At home: kill its ramet, whose status will be `status`. */
void ramet__actor_kill(struct loop *l, struct ramet_actor *a, int status);

/* One message less names it as its sender, here. */
void ramet__unborrow(struct ramet_actor *a);

/* Wait at home of a. */
int ramet__actor_park(struct loop *l, const char *what,
		      const struct ramet_actor *a, int64_t when);

/* ---- names -------------------------------------------------------------- */

/* Returns 0, -EEXIST, or -ENOMEM. */
int ramet__name_add(struct ramet_actor *a);
void ramet__name_remove(struct ramet_actor *a);
void ramet__names_after_fork(void);

/* ---- links and monitors ------------------------------------------------- */

/* a's ramet has ended, for good unless it is started again: tell those that
 * are concerned. */
void ramet__ties_end(struct loop *l, struct ramet_actor *a, bool restarts);

/* Before it starts again.  Returns 0 or -ENOMEM. */
int ramet__ties_refill(struct ramet_actor *a);

/* ---- the loop ----------------------------------------------------------- */

/* For src/start.c: the loop ends, and its actors for good. */
void ramet__actors_close(struct loop *l);

/* In the child of a fork, before the core's: no actor is left. */
void ramet__actors_after_fork(struct loop *l);

/* Nothing can go on: whether OS threads may send messages after all. */
bool ramet__actors_open(struct loop *l);

#endif
