/* words_json.c - ramets, and what they wait for, for programs. */
#include "debug/address.h"
#include "debug/guest.h"
#include "debug/map.h"
#include "debug/words.h"

#include "debug/symbol.h"
#include "ramet/task.h"
#include "sync/chan.h"
#include "sync/lot.h"
#include "sync/queue.h"
#include "task/actor/actor.h"
#include "task/pool.h"

#include <string.h>

/* ---- who ---------------------------------------------------------------- */

void ramet__json_ramet(struct json *j, const struct ramet *t)
{
	ramet__json_number(j, "id", (int64_t)t->id);
	if (t->cold->name[0])
		ramet__json_text(j, "name", t->cold->name,
				 sizeof t->cold->name);
}

void ramet__json_origin(struct json *j, const struct ramet *t)
{
	if (!t->cold->class)
		return; /* a main */
	if (t->cold->parent)
		ramet__json_number(j, "parent", (int64_t)t->cold->parent);
	if (!ramet__json_guest_spawn(j, "spawned_at", t))
		ramet__json_code(j, "spawned_at",
				 (const char *)t->cold->spawn_site - 1);
	if (t->flags & FLAG_TLS)
		ramet__json_code(j, "pthread", t->cold->routine);
}

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

/* As put_joined does. */
static void put_end(struct json *j, const struct ramet *t)
{
	const struct ramet *joined = ramet__wants(t);

	if (joined)
		ramet__json_number(j, "target", (int64_t)joined->id);
	ramet__json_number(j, "count", 1);
}

static void put_actor(struct json *j, const struct actor_wait *wait)
{
	ramet__json_address(j, "object", wait->actor);
	if (wait->actor->name[0])
		ramet__json_string(j, "actor", wait->actor->name);
}

void ramet__json_fd(struct json *j, int fd)
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
	case WAIT_HOST_LOCK:
		put_lot(j, object);
		break;
	case WAIT_HOST_JOIN:
		put_end(j, t);
		break;
	case WAIT_ACTOR:
	case WAIT_ACTOR_OPEN:
		put_actor(j, object);
		break;
	case WAIT_READ:
	case WAIT_WRITE:
		ramet__json_fd(j, (int)(intptr_t)object);
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
	       t->wait == WAIT_LOT || t->wait == WAIT_LOT_OPEN ||
	       t->wait == WAIT_HOST_LOCK;
}

static void put_owner(struct json *j, const struct ramet *t)
{
	const struct ramet_rwlock *rw = t->wait_object;
	const struct ramet *owner = is_lock(t) ? ramet__wants(t) : NULL;

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
	ramet__json_open(j, "wait", '{');
	ramet__json_string(j, "kind", ramet__map.wait[t->wait].name);
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
