/* ramet/actor.h - actors: a function, a mailbox, and somebody who minds.
 *
 * An actor is a ramet that others know by a handle, which stays good when the
 * ramet has crashed and its supervisor has started another in its place: the
 * mailbox stays, and so does what is in it.  Messages are bytes, copied in and
 * out.  Handles may be used from any loop and OS thread, and are counted: one is
 * freed when each who has it has released it and its actor has ended for good.
 *
 * The terms are Erlang's; ramet-actors(7) says where we differ.
 */
#ifndef RAMET_ACTOR_H
#define RAMET_ACTOR_H

#include <stddef.h>
#include <sys/types.h>

#include "ramet/core.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ramet_actor;
struct ramet_loop; /* ramet/loop.h */

/* What an actor does.  It ends by returning: 0 is normal, anything else a
 * crash, as being killed is.  The value is its status. */
typedef int ramet_actor_fn(struct ramet_actor *me, void *arg);

/* Statuses that are not returned: it was killed; it was linked to one that has
 * crashed; as a supervisor it has given up; its stack was too small. */
enum {
	RAMET_WAS_KILLED = -1000,
	RAMET_WAS_LINKED,
	RAMET_GAVE_UP,
	RAMET_STACK_FAULT, /* see opts.survive_overflow */
};

/* What a message does that finds the mailbox full. */
enum ramet_when_full {
	RAMET_FULL_BLOCK, /* its sender waits */
	RAMET_FULL_DROP,  /* it is dropped, and counted */
	RAMET_FULL_FAIL,  /* its sender is told: EAGAIN */
};

struct ramet_actor_opts {
	/* Shown by tools, and what ramet_actor_find finds; NULL: none. */
	const char *name;
	/* The most messages in it; 0: 1,024.  Loops that send to it at the same
	 * moment may exceed that by as many messages as they are. */
	size_t mailbox;
	enum ramet_when_full when_full;
	size_t stack_size;       /* as in struct ramet_opts */
	struct ramet_loop *loop; /* where it runs; NULL: the caller's */
	int traps_exits;         /* a crash that it is linked to is a message */
	/* An overflow of its stack is a crash of the actor, RAMET_STACK_FAULT,
	 * not of the process, if all of its frames then are in the program or
	 * library of its function.  They are left as they are, no destructor
	 * runs; what was given to ramet_defer does. */
	int survive_overflow;
};

/* Start an actor.  opts may be NULL.  The caller has the handle, to be released.
 * NULL: ENOMEM, EEXIST (an actor of that name lives), EINVAL (bad stack size),
 * ESRCH (the loop has ended), EOPNOTSUPP (survive_overflow, and the runtime is
 * part of the program, linked statically). */
RAMET_API struct ramet_actor *ramet_actor_start(
	ramet_actor_fn *fn, void *arg, const struct ramet_actor_opts *opts);

/* One more who will release it.  Returns a. */
RAMET_API struct ramet_actor *ramet_actor_keep(struct ramet_actor *a);
/* NULL is allowed; errno is kept. */
RAMET_API void ramet_actor_release(struct ramet_actor *a);

/* The living actor of that name, for the caller to release.  NULL: ESRCH. */
RAMET_API struct ramet_actor *ramet_actor_find(const char *name);

/* The calling actor, borrowed; NULL in another ramet. */
RAMET_API struct ramet_actor *ramet_actor_self(void);

/* ---- messages ----------------------------------------------------------- */

/* Put a message into a's mailbox.  From one sender they arrive in order.
 * Blocks if the mailbox is full and says so; an OS thread without a loop waits,
 * too.  Returns 0, or -1: ESRCH (it has ended for good), EAGAIN (full), EMSGSIZE
 * (above 1 GiB), ENOMEM.  On error nothing was sent. */
RAMET_API int ramet_tell(struct ramet_actor *a, const void *msg, size_t size);

/* The same with a tag, by which it can be received out of turn.  Tags from
 * RAMET_TAG_EXIT on are the library's: EINVAL.  ramet_tell's is 0. */
RAMET_API int ramet_tell_tag(struct ramet_actor *a, uint64_t tag,
			     const void *msg, size_t size);

/* Send, and wait for the reply, of which at most `room` bytes are copied.
 * Blocks.  Returns the reply's size, which may be above room, or -1: ESRCH,
 * ECONNRESET (it ended before it replied to what it had received, whether or not
 * it is started again, or for good, or receives the next instead), EDEADLK (a is
 * the caller), and those of ramet_tell.  After ETIMEDOUT and
 * ECANCELED the message may still be dealt with; the reply goes nowhere. */
RAMET_API ssize_t ramet_ask(struct ramet_actor *a, const void *msg, size_t size,
			    void *reply, size_t room);
RAMET_API ssize_t ramet_ask_tag(struct ramet_actor *a, uint64_t tag,
				const void *msg, size_t size, void *reply,
				size_t room);

/* ---- for the actor itself: me is the caller ----------------------------- */

/* Take the oldest message, waiting for one.  Blocks.  Returns its size, or -1:
 * EMSGSIZE (above room: it stays; ramet_actor_size says how large), EPERM (not
 * the caller), ECANCELED (also once it was told to stop). */
RAMET_API ssize_t ramet_receive(struct ramet_actor *me, void *msg, size_t room);

/* The oldest message of that tag; others stay, in order. */
RAMET_API ssize_t ramet_receive_tag(struct ramet_actor *me, uint64_t tag,
				    void *msg, size_t room);

/* Of the message received last: its tag, its size (after EMSGSIZE: of the one
 * that stays), and who sent it: borrowed until the next is received, NULL if
 * that was no actor. */
RAMET_API uint64_t ramet_actor_tag(const struct ramet_actor *me);
RAMET_API size_t ramet_actor_size(const struct ramet_actor *me);
RAMET_API struct ramet_actor *ramet_actor_sender(const struct ramet_actor *me);

/* Answer the message received last, before the next is asked for.  Returns 0, or
 * -1: EINVAL (it asks nothing, or was answered), EMSGSIZE, ENOMEM, EPERM.  Whoever asked may be gone by now: that is no
 * error. */
RAMET_API int ramet_reply(struct ramet_actor *me, const void *msg, size_t size);

/* Keep the question received last, to be answered later, by any ramet, with
 * ramet_answer, once; NULL: EINVAL (as above), EPERM.  An answer of NULL and
 * SIZE_MAX is a refusal: ECONNRESET.  ramet_answer always frees q; its errors,
 * EMSGSIZE and ENOMEM, are refusals.  Whoever asked is refused when the actor
 * ends before. */
struct ramet_question;
RAMET_API struct ramet_question *ramet_question_take(struct ramet_actor *me);
RAMET_API int ramet_answer(struct ramet_question *q, const void *msg,
			   size_t size);

/* ---- links and monitors ------------------------------------------------- */

/* Messages of the library's own, with a struct ramet_exit as their content. */
#define RAMET_TAG_EXIT (UINT64_MAX - 1) /* a link has crashed */
#define RAMET_TAG_DOWN UINT64_MAX       /* what is monitored has ended */

struct ramet_exit {
	struct ramet_actor *actor; /* borrowed as the sender is */
	int status;
	int restarts; /* whether its supervisor starts it again */
};

/* From now on the crash of one is the other's: it is killed with the status
 * RAMET_WAS_LINKED, or if it traps exits, told.  A link ends with either's
 * ramet.  Linking to one that has ended for good is as if it had crashed now.
 * Returns 0, or -1: ENOMEM, EPERM (me is not the caller). */
RAMET_API int ramet_actor_link(struct ramet_actor *me, struct ramet_actor *a);
RAMET_API int ramet_actor_unlink(struct ramet_actor *me, struct ramet_actor *a);

/* Be told each time that a ends, in whatever way; at once if it has ended for
 * good.  These messages find room in any mailbox.  Monitoring twice is once.
 * Returns 0, or -1: ENOMEM, EPERM. */
RAMET_API int ramet_actor_monitor(struct ramet_actor *me,
				  struct ramet_actor *a);
RAMET_API int ramet_actor_demonitor(struct ramet_actor *me,
				    struct ramet_actor *a);

/* ---- ends --------------------------------------------------------------- */

/* Ask it to end: its blocking calls fail with ECANCELED from now on.  A
 * supervisor ends its children first, in reverse order.  Never fails. */
RAMET_API void ramet_actor_stop(struct ramet_actor *a);

/* As ramet_kill; its supervisor minds.  Never fails: if its stack cannot be
 * unwound it is told to stop. */
RAMET_API void ramet_actor_kill(struct ramet_actor *a);

/* Wait until it has ended for good; *status, if it is not NULL, gets its last
 * status.  Blocks.  Returns 0, or -1: EDEADLK (a is the caller). */
RAMET_API int ramet_actor_wait(struct ramet_actor *a, int *status);

/* Counters of one actor. */
struct ramet_actor_stats {
	uint64_t received, dropped; /* messages */
	uint64_t waiting;           /* in the mailbox now */
	uint64_t restarts;
};
RAMET_API void ramet_actor_get_stats(const struct ramet_actor *a,
				     struct ramet_actor_stats *stats);

/* ---- supervisors -------------------------------------------------------- */

enum ramet_child_kind {
	RAMET_PERMANENT, /* started again however it ends */
	RAMET_TRANSIENT, /* if it crashes and was not told to stop */
	RAMET_TEMPORARY, /* never */
};

struct ramet_child {
	ramet_actor_fn *fn;
	void *arg;
	struct ramet_actor_opts opts;
	enum ramet_child_kind kind;
	/* How long it may take to end when it is told to, ns; then it is
	 * killed.  0: killed at once; RAMET_NEVER: for as long as it takes. */
	int64_t shutdown;
};

enum ramet_strategy {
	RAMET_ONE_FOR_ONE,  /* a crash concerns nobody else */
	RAMET_ONE_FOR_ALL,  /* all are ended and started again */
	RAMET_REST_FOR_ONE, /* those started after it are */
};

struct ramet_supervisor {
	enum ramet_strategy strategy;
	/* More restarts than `restarts` within `within` ns: it ends all its
	 * children and gives up, with RAMET_GAVE_UP. */
	unsigned restarts;
	int64_t within;
	const struct ramet_child *children; /* started in this order */
	size_t count;
};

/* The function of a supervisor, its arg a struct ramet_supervisor that must
 * outlive it; to be started as any actor, by another supervisor, too.  Its
 * status: 0 when it was told to stop, RAMET_GAVE_UP, or the error number of a
 * child that could not be started at first, as ENOMEM. */
RAMET_API int ramet_supervise(struct ramet_actor *me, void *supervisor);

/* Start one more child of a running supervisor, as the last.  Blocks.  Returns
 * its handle, for the caller to release, or NULL: ENOMEM, EEXIST, EINVAL (not a
 * supervisor), ESRCH, ECONNRESET (it ended meanwhile). */
RAMET_API struct ramet_actor *ramet_supervisor_add(
	struct ramet_actor *supervisor, const struct ramet_child *child);

/* End one child, as its spec says, and forget it.  Blocks.  Returns 0, or -1:
 * ESRCH (not its child), EINVAL, ECONNRESET. */
RAMET_API int ramet_supervisor_remove(struct ramet_actor *supervisor,
				      struct ramet_actor *child);

/* The i-th child, in the order of starting, for the caller to release.  Blocks.
 * NULL: ESRCH (there are not so many), EINVAL, ECONNRESET. */
RAMET_API struct ramet_actor *ramet_supervisor_child(
	struct ramet_actor *supervisor, size_t i);

#ifdef __cplusplus
}
#endif
#endif
