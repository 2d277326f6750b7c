/* words.c - says what a ramet waits for, and whom. */
#include "debug/words.h"
#include "debug/address.h"
#include "debug/guest.h"
#include "debug/map.h"
#include "debug/owners.h"
#include "debug/symbol.h"

#include "core/stack.h"
#include "ramet/task.h"
#include "sync/lot.h"
#include "task/pool.h"
#include "task/actor/actor.h"

#include <string.h>

void ramet__put_ramet(struct out *o, const struct ramet *t)
{
	ramet__print(o, "ramet %lu", t->id);
	if (!t->cold->name[0])
		return;
	ramet__print(o, " \"");
	ramet__put_name(o, t->cold->name, sizeof t->cold->name);
	ramet__print(o, "\"");
}

void ramet__put_origin(struct out *o, const struct ramet *t)
{
	if (!t->cold->class)
		return;
	if (t->cold->parent)
		ramet__print(o, ", spawned by ramet %lu at ", t->cold->parent);
	else
		ramet__print(o, ", sent by another thread at ");
	if (!ramet__put_guest_spawn(o, t))
		ramet__put_symbol(o, (const char *)t->cold->spawn_site - 1);
	if (t->flags & FLAG_TLS) {
		ramet__print(o, " as a pthread, to run ");
		ramet__put_symbol(o, t->cold->routine);
	}
}

/* ---- whom --------------------------------------------------------------- */

/* 0: not known. */
static uint32_t owner_id(const struct lot_reason *reason)
{
	if (reason && reason->owner_now)
		return __atomic_load_n(reason->owner_now, __ATOMIC_RELAXED);
	return reason ? reason->owner : 0;
}

static struct ramet *owner_of(const struct ramet *t)
{
	uint32_t id = owner_id(t->wait_object);

	return id ? ramet__owner(t->loop, id) : NULL;
}

static bool waits_for_owner(const struct ramet *t)
{
	return t->wait == WAIT_LOT || t->wait == WAIT_LOT_OPEN ||
	       t->wait == WAIT_HOST_LOCK || t->wait == WAIT_HOST_JOIN;
}

/* Who waits for a message waits for nobody certain. */
static struct ramet *actor_for(const struct ramet *t)
{
	const struct actor_wait *wait = t->wait_object;
	struct ramet *other = wait->actor->ramet;

	return other == t ? NULL : other;
}

struct ramet *ramet__wants(const struct ramet *t)
{
	const struct ramet_mutex *m = t->wait_object;
	const struct ramet_rwlock *rw = t->wait_object;
	const struct ramet_once *once = t->wait_object;
	const struct ramet_group *group = t->wait_object;
	struct ramet *joined = (struct ramet *)(uintptr_t)t->wait_object;

	if (t->wait == WAIT_MUTEX)
		return m->owner;
	if (t->wait == WAIT_RDLOCK || t->wait == WAIT_WRLOCK)
		return rw->writer;
	if (t->wait == WAIT_ONCE)
		return once->runner;
	if (t->wait == WAIT_GROUP)
		return group->children;
	if (t->wait == WAIT_PLACE || t->wait == WAIT_JOBS)
		return pool_someone(t->wait_object);
	if (waits_for_owner(t))
		return owner_of(t);
	if (t->wait == WAIT_ACTOR)
		return actor_for(t);
	/* One of several may have ended. */
	if (t->wait == WAIT_JOIN && joined->state != STATE_ENDED)
		return joined;
	return NULL;
}

struct ramet *ramet__waits_for(const struct ramet *t)
{
	return t->state == STATE_PARKED ? ramet__wants(t) : NULL;
}

/* ---- in words ----------------------------------------------------------- */

/* What each wait is called stands in the map, for those outside as well. */
static const char *words_of(const struct ramet *t)
{
	return ramet__map.wait[t->wait].words;
}

static void put_joined(struct out *o, const struct ramet *t)
{
	const struct ramet *joined = t->wait_object;
	const struct joiner *j = joined->cold->joiner;

	if (joined->state != STATE_ENDED && (!j || j->missing == 1)) {
		ramet__print(o, "for ");
		ramet__put_ramet(o, joined);
		ramet__print(o, " to end");
	} else {
		ramet__print(o, "for %lu ramets to end", j ? j->missing : 1);
	}
}

/* Who has what is waited for; NULL: nobody. */
static void put_holder(struct out *o, const struct ramet *t)
{
	if (!t) {
		ramet__print(o, "nobody");
		return;
	}
	ramet__put_ramet(o, t);
	if (t->state == STATE_FREE || t->state == STATE_ENDED)
		ramet__print(o, ", which has ended");
}

static void put_mutex(struct out *o, const struct ramet *t)
{
	const struct ramet_mutex *m = t->wait_object;

	ramet__print(o, "%s 0x%lx, held by ", words_of(t), (uintptr_t)m);
	put_holder(o, m->owner);
}

static void put_rwlock(struct out *o, const struct ramet *t)
{
	const struct ramet_rwlock *rw = t->wait_object;

	ramet__print(o, "%s 0x%lx, held by ", words_of(t), (uintptr_t)rw);
	if (rw->readers)
		ramet__print(o, "%lu readers", rw->readers);
	else
		put_holder(o, rw->writer);
}

static void put_barrier(struct out *o, const struct ramet *t)
{
	const struct ramet_barrier *b = t->wait_object;

	ramet__print(o, "%s 0x%lx, where %lu of %lu are", words_of(t),
		     (uintptr_t)b, b->arrived, b->count);
}

static void put_once(struct out *o, const struct ramet *t)
{
	const struct ramet_once *once = t->wait_object;

	ramet__print(o, "%s 0x%lx, run by ", words_of(t), (uintptr_t)once);
	put_holder(o, once->runner);
}

static void put_group(struct out *o, const struct ramet *t)
{
	const struct ramet_group *group = t->wait_object;

	ramet__print(o, "%s, %lu running", words_of(t), group->running);
	if (!group->children)
		return;
	ramet__print(o, ", ");
	ramet__put_ramet(o, group->children);
	ramet__print(o, " among them");
}

static void put_pool(struct out *o, const struct ramet *t)
{
	const struct ramet_pool *p = t->wait_object;
	const struct ramet *someone = pool_someone(p);

	ramet__print(o, "%s 0x%lx, %lu", words_of(t), (uintptr_t)p,
		     pool_placed(p));
	if (p->size != SIZE_MAX)
		ramet__print(o, " of %lu", p->size);
	ramet__print(o, " running");
	if (!someone)
		return;
	ramet__print(o, ", ");
	ramet__put_ramet(o, someone);
	ramet__print(o, " among them");
}

static void put_lot(struct out *o, const struct ramet *t)
{
	const struct lot_reason *reason = t->wait_object;
	const struct ramet *owner = owner_of(t);

	ramet__print(o, "%s", reason ? reason->what : words_of(t));
	if (reason && reason->object)
		ramet__print(o, " 0x%lx", (uintptr_t)reason->object);
	if (!owner_id(reason))
		return;
	ramet__print(o, reason->object ? ", held by " : " ");
	if (!owner) { /* nobody but the loop's ramets has ever waited */
		ramet__print(o, t->wait == WAIT_LOT ? "a thread that has ended"
						    : "another thread");
		return;
	}
	ramet__put_ramet(o, owner);
	if (owner->state == STATE_ENDED)
		ramet__print(o, ", which has ended");
}

static void put_actor(struct out *o, const struct actor_wait *wait)
{
	const struct ramet_actor *a = wait->actor;

	ramet__print(o, "%s actor 0x%lx", wait->what, (uintptr_t)a);
	if (!a->name[0])
		return;
	ramet__print(o, " \"");
	ramet__put_name(o, a->name, strlen(a->name));
	ramet__print(o, "\"");
}

/* ---- descriptors -------------------------------------------------------- */

/* Both ends of a socket; of one without a peer, where it is itself. */
void ramet__put_fd(struct out *o, int fd)
{
	char here[ADDRESS_TEXT], peer[ADDRESS_TEXT];

	ramet__print(o, "fd %d", fd);
	if (!ramet__address_here(fd, here))
		return;
	if (!ramet__address_peer(fd, peer)) {
		ramet__print(o, *here ? " (at " : " (socket");
		ramet__put_name(o, here, sizeof here);
	} else {
		ramet__print(o, *here || *peer ? " (" : " (socket");
		ramet__put_name(o, here, sizeof here);
		ramet__print(o, *here && *peer ? " to " : "");
		ramet__put_name(o, peer, sizeof peer);
	}
	ramet__print(o, ")");
}

/* ---- what --------------------------------------------------------------- */

static int64_t left(const struct ramet *t, int64_t now)
{
	return (t->timer.when << TIMER_TICK_BITS) - now;
}

static void put_sleep(struct out *o, const struct ramet *t, int64_t now)
{
	if (!timer_armed(&t->timer)) {
		ramet__print(o, "for a sleep that never ends");
		return;
	}
	ramet__print(o, "%s, ", words_of(t));
	ramet__put_duration(o, left(t, now));
	ramet__print(o, " left");
}

/* A function, or a call that the kernel makes meanwhile. */
static void put_offloaded(struct out *o, const struct ramet *t)
{
	enum { SYSTEM_CALLS = 1024 };
	uintptr_t fn = (uintptr_t)t->wait_object;

	ramet__print(o, "%s", words_of(t));
	if (fn && fn < SYSTEM_CALLS) {
		ramet__print(o, " to make system call %lu", fn);
	} else if (fn) {
		ramet__print(o, " to run ");
		ramet__put_symbol(o, t->wait_object);
	}
}

static void put_child(struct out *o, const struct ramet *t)
{
	ramet__print(o, "%s", words_of(t));
	if (t->wait_object)
		ramet__print(o, ", %lu", (uintptr_t)t->wait_object);
}

static void put_what(struct out *o, const struct ramet *t, int64_t now)
{
	switch (t->wait) {
	case WAIT_JOIN:
		put_joined(o, t);
		break;
	case WAIT_MUTEX:
		put_mutex(o, t);
		break;
	case WAIT_RDLOCK:
	case WAIT_WRLOCK:
		put_rwlock(o, t);
		break;
	case WAIT_BARRIER:
		put_barrier(o, t);
		break;
	case WAIT_ONCE:
		put_once(o, t);
		break;
	case WAIT_SLEEP:
		put_sleep(o, t, now);
		break;
	case WAIT_LOT:
	case WAIT_LOT_OPEN:
	case WAIT_HOST_LOCK:
	case WAIT_HOST_JOIN:
		put_lot(o, t);
		break;
	case WAIT_ACTOR:
	case WAIT_ACTOR_OPEN:
		put_actor(o, t->wait_object);
		break;
	case WAIT_GROUP:
		put_group(o, t);
		break;
	case WAIT_PLACE:
	case WAIT_JOBS:
		put_pool(o, t);
		break;
	case WAIT_CHILD:
		put_child(o, t);
		break;
	case WAIT_SIGNAL:
		ramet__print(o, "%s", words_of(t));
		break;
	case WAIT_HOST:
		ramet__print(o, "%s %s", words_of(t),
			     (const char *)t->wait_object);
		break;
	case WAIT_OFFLOAD:
		put_offloaded(o, t);
		break;
	case WAIT_READ:
	case WAIT_WRITE:
		ramet__print(o, "%s ", words_of(t));
		ramet__put_fd(o, (int)(intptr_t)t->wait_object);
		break;
	default:
		ramet__print(o, "%s 0x%lx", words_of(t),
			     (uintptr_t)t->wait_object);
	}
}

void ramet__put_wait(struct out *o, const struct ramet *t, int64_t now)
{
	put_what(o, t, now);
	if (t->wait == WAIT_SLEEP || !timer_armed(&t->timer))
		return;
	ramet__print(o, ", at most ");
	ramet__put_duration(o, left(t, now));
	ramet__print(o, " more");
}

void ramet__put_state(struct out *o, const struct ramet *t, int64_t now)
{
	if (t->state == STATE_PARKED) {
		ramet__print(o, " waiting ");
		ramet__put_wait(o, t, now);
		ramet__print(o, ", for ");
		ramet__put_duration(o, now - t->since);
	} else if (t->state == STATE_ENDED) {
		ramet__print(o, " ended, not joined");
	} else if (t->state == STATE_READY) {
		ramet__print(o, t->flags & FLAG_STARTED ? " ready to run"
							: " ready to start");
	} else {
		ramet__print(o, " running");
	}
	if (t->flags & FLAG_KILL)
		ramet__print(o, ", killed");
	else if (t->flags & FLAG_CANCEL)
		ramet__print(o, ", cancelled");
	if (t->flags & FLAG_SHIELD)
		ramet__print(o, ", shielded");
}
