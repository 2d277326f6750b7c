/* wait_json.c - what a ramet waits for, for programs. */
#include "debug/address.h"
#include "debug/words.h"

#include "debug/symbol.h"
#include "ramet/task.h"
#include "sync/chan.h"
#include "sync/lot.h"
#include "sync/queue.h"
#include "task/actor/actor.h"
#include "task/pool.h"

#include <string.h>

/* Names that programs rely on: an open wait has that of the one like it. */
static const char *const kinds[] = {
	[WAIT_JOIN] = "join",
	[WAIT_GROUP] = "group",
	[WAIT_MUTEX] = "mutex",
	[WAIT_COND] = "condition",
	[WAIT_SEM] = "semaphore",
	[WAIT_EVENT] = "event",
	[WAIT_WG] = "wait group",
	[WAIT_SEND] = "channel send",
	[WAIT_RECV] = "channel receive",
	[WAIT_SELECT] = "select",
	[WAIT_RDLOCK] = "rwlock read",
	[WAIT_WRLOCK] = "rwlock write",
	[WAIT_BARRIER] = "barrier",
	[WAIT_ONCE] = "once",
	[WAIT_PLACE] = "pool place",
	[WAIT_JOBS] = "pool jobs",
	[WAIT_IDLE] = "pool worker",
	[WAIT_FUTURE] = "future",
	[WAIT_PUT] = "queue put",
	[WAIT_GET] = "queue get",
	[WAIT_DONE] = "queue done",
	[WAIT_LOT] = "lot",
	[WAIT_ACTOR] = "actor",
	[WAIT_HOST] = "host",
	[WAIT_SLEEP] = "sleep",
	[WAIT_READ] = "read",
	[WAIT_WRITE] = "write",
	[WAIT_POLL] = "poll",
	[WAIT_OFFLOAD] = "offload",
	[WAIT_WAKER] = "waker",
	[WAIT_CHILD] = "child",
	[WAIT_SIGNAL] = "signal",
	[WAIT_LOOP] = "loop",
	[WAIT_SELECT_OPEN] = "select",
	[WAIT_FUTURE_OPEN] = "future",
	[WAIT_PUT_OPEN] = "queue put",
	[WAIT_GET_OPEN] = "queue get",
	[WAIT_DONE_OPEN] = "queue done",
	[WAIT_LOT_OPEN] = "lot",
	[WAIT_ACTOR_OPEN] = "actor",
};

/* ---- objects ------------------------------------------------------------ */

static void put_count(struct json *j, size_t count, size_t most)
{
	ramet__json_number(j, "count", (int64_t)count);
	if (most != SIZE_MAX)
		ramet__json_number(j, "capacity", (int64_t)most);
}

static void put_channel(struct json *j, const struct ramet_chan *ch)
{
	ramet__json_address(j, "object", ch);
	put_count(j, ch->count, ch->capacity);
}

static void put_queue(struct json *j, const struct ramet_queue *q)
{
	ramet__json_address(j, "object", q);
	put_count(j, q->store.count, q->store.most ? q->store.most : SIZE_MAX);
	ramet__json_number(j, "undone", (int64_t)q->undone);
}

static void put_pool(struct json *j, const struct ramet_pool *p)
{
	ramet__json_address(j, "object", p);
	put_count(j, pool_placed(p), p->size);
}

static void put_barrier(struct json *j, const struct ramet_barrier *b)
{
	ramet__json_address(j, "object", b);
	put_count(j, b->arrived, b->count);
}

static void put_joined(struct json *j, const struct ramet *t)
{
	const struct ramet *joined = t->wait_object;
	const struct joiner *waits = joined->cold->joiner;

	if (joined->state != STATE_ENDED && (!waits || waits->missing == 1))
		ramet__json_number(j, "target", (int64_t)joined->id);
	ramet__json_number(j, "count", waits ? (int64_t)waits->missing : 1);
}

static void put_group(struct json *j, const struct ramet_group *g)
{
	ramet__json_address(j, "object", g);
	ramet__json_number(j, "count", (int64_t)g->running);
	if (g->children)
		ramet__json_number(j, "target", (int64_t)g->children->id);
}

static void put_lot(struct json *j, const struct lot_reason *reason)
{
	if (reason)
		ramet__json_address(j, "object", reason->object);
}

static void put_actor(struct json *j, const struct actor_wait *wait)
{
	ramet__json_address(j, "object", wait->actor);
	if (wait->actor->name[0])
		ramet__json_string(j, "actor", wait->actor->name);
}

static void put_fd(struct json *j, int fd)
{
	char text[ADDRESS_TEXT];

	ramet__json_number(j, "fd", fd);
	if (ramet__address_here(fd, text))
		ramet__json_string(j, "local", text);
	if (ramet__address_peer(fd, text))
		ramet__json_string(j, "peer", text);
}

static void put_function(struct json *j, const void *fn)
{
	struct symbol s = {0};

	if (fn)
		s = ramet__symbol(fn);
	if (s.function)
		ramet__json_string(j, "function", s.function);
	if (fn)
		ramet__json_address(j, "address", fn);
}

/* ---- all ---------------------------------------------------------------- */

static void put_object(struct json *j, const struct ramet *t)
{
	const void *object = t->wait_object;

	switch (t->wait) {
	case WAIT_SEND:
	case WAIT_RECV:
		put_channel(j, object);
		break;
	case WAIT_PUT:
	case WAIT_GET:
	case WAIT_DONE:
	case WAIT_PUT_OPEN:
	case WAIT_GET_OPEN:
	case WAIT_DONE_OPEN:
		put_queue(j, object);
		break;
	case WAIT_PLACE:
	case WAIT_JOBS:
		put_pool(j, object);
		break;
	case WAIT_BARRIER:
		put_barrier(j, object);
		break;
	case WAIT_JOIN:
		put_joined(j, t);
		break;
	case WAIT_GROUP:
		put_group(j, object);
		break;
	case WAIT_LOT:
	case WAIT_LOT_OPEN:
		put_lot(j, object);
		break;
	case WAIT_ACTOR:
	case WAIT_ACTOR_OPEN:
		put_actor(j, object);
		break;
	case WAIT_READ:
	case WAIT_WRITE:
		put_fd(j, (int)(intptr_t)object);
		break;
	case WAIT_OFFLOAD:
		put_function(j, object);
		break;
	case WAIT_CHILD:
		if (object)
			ramet__json_number(j, "pid", (int64_t)(intptr_t)object);
		break;
	case WAIT_SLEEP:
	case WAIT_SIGNAL:
	case WAIT_HOST:
		break;
	default:
		ramet__json_address(j, "object", object);
	}
}

static bool is_lock(const struct ramet *t)
{
	return t->wait == WAIT_MUTEX || t->wait == WAIT_RDLOCK ||
	       t->wait == WAIT_WRLOCK || t->wait == WAIT_ONCE ||
	       t->wait == WAIT_LOT;
}

static void put_owner(struct json *j, const struct ramet *t)
{
	const struct ramet_rwlock *rw = t->wait_object;
	const struct ramet *owner = is_lock(t) ? ramet__waits_for(t) : NULL;

	if (owner)
		ramet__json_number(j, "owner", (int64_t)owner->id);
	if ((t->wait == WAIT_RDLOCK || t->wait == WAIT_WRLOCK) && rw->readers)
		ramet__json_number(j, "readers", (int64_t)rw->readers);
}

/* The words, which fit in the buffer. */
static void put_words(struct json *j, const struct ramet *t, int64_t now)
{
	struct out words;

	ramet__out_open(&words, -1);
	ramet__put_wait(&words, t, now);
	ramet__json_text(j, "text", words.text, words.used);
}

void ramet__json_wait(struct json *j, const struct ramet *t, int64_t now)
{
	const char *kind = t->wait < countof(kinds) ? kinds[t->wait] : NULL;

	ramet__json_open(j, "wait", '{');
	ramet__json_string(j, "kind", kind ? kind : "other");
	put_words(j, t, now);
	put_object(j, t);
	put_owner(j, t);
	if (t->until != RAMET_NEVER && timer_armed(&t->timer))
		ramet__json_number(j,
				   t->wait == WAIT_SLEEP ? "sleep_left_ns"
							 : "left_ns",
				   t->until - now);
	ramet__json_close(j, '}');
}
