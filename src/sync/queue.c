/* queue.c - items inside, and lists of those who wait: to put, because it is
 * full, to get or peek, because it is empty, or for all to be done.
 *
 * Whoever changes that serves the first of them at once, as a channel does: an
 * item goes straight into its getter's memory, and a putter's into the room
 * that a get has made.  So nobody who comes later can be faster, and an item is
 * inside, or somebody has it.
 *
 * One that is shared is the same under its latch.
 */
#include "sync/queue.h"

#include "ramet/queue.h"

/* Each call is compiled for its own kind: that is 4 ns an item. */
#define EACH static inline __attribute__((always_inline))

/* ---- what can be done now ----------------------------------------------- */

static void settle_all(struct ramet_waitq *waiting, int result)
{
	struct ramet_waiter *w;

	while ((w = claim_next(waiting)))
		claim_settle(w, result);
}

/* Those who peek have waited for any item. */
static void show(struct ramet_queue *q, const void *item)
{
	struct ramet_waiter *w;

	while ((w = claim_next(&q->waiting[QUEUE_PEEK]))) {
		store_copy(&q->store, w->item, item);
		claim_settle(w, 1);
	}
}

EACH int put(struct ramet_queue *q, const void *item)
{
	struct ramet_waiter *w;

	if (unlikely(q->closed))
		return -EPIPE;
	w = claim_next(&q->waiting[QUEUE_GET]);
	if (w) {
		store_copy(&q->store, w->item, item);
		claim_settle(w, 1);
	} else {
		if (q->store.count == q->store.most)
			return -EAGAIN;
		if (unlikely(store_reserve(&q->store) < 0))
			return -ENOMEM;
		store_put(&q->store, item);
	}
	if (unlikely(q->waiting[QUEUE_PEEK].first))
		show(q, item);
	q->undone++;
	return 1;
}

EACH int get(struct ramet_queue *q, void *item)
{
	struct ramet_waiter *w;

	if (!q->store.count)
		return q->closed ? 0 : -EAGAIN;
	store_get(&q->store, item);
	w = claim_next(&q->waiting[QUEUE_PUT]);
	if (w) {
		store_put(&q->store, w->item);
		q->undone++;
		claim_settle(w, 1);
	}
	store_tidy(&q->store);
	return 1;
}

EACH int peek(struct ramet_queue *q, void *item)
{
	if (!q->store.count)
		return q->closed ? 0 : -EAGAIN;
	store_copy(&q->store, item, store_next(&q->store));
	return 1;
}

EACH int try(struct ramet_queue *q, enum queue_op op, void *item)
{
	switch (op) {
	case QUEUE_PUT:
		return put(q, item);
	case QUEUE_GET:
		return get(q, item);
	case QUEUE_PEEK:
		return peek(q, item);
	default:
		return q->undone ? -EAGAIN : 0;
	}
}

int ramet__queue_try(struct ramet_queue *q, enum queue_op op, void *item)
{
	return try(q, op, item);
}

/* ---- shared ------------------------------------------------------------- */

static const enum wait inside[] = {WAIT_PUT, WAIT_GET, WAIT_GET, WAIT_DONE};
static const enum wait open[] = {WAIT_PUT_OPEN, WAIT_GET_OPEN, WAIT_GET_OPEN,
				 WAIT_DONE_OPEN};

static void lock(struct ramet_queue *q)
{
	if (unlikely(ramet__latch_lock(&q->latch)))
		memset(q->waiting, 0, sizeof q->waiting);
}

int ramet__queue_try_shared(struct ramet_queue *q, enum queue_op op, void *item)
{
	int r;

	lock(q);
	r = try(q, op, item);
	latch_unlock(&q->latch);
	return r;
}

/* As try would find. */
static bool is_ready(const struct ramet_queue *q, enum queue_op op)
{
	if (op == QUEUE_JOIN)
		return !q->undone;
	return q->closed || (op == QUEUE_PUT ? q->store.count < q->store.most
					     : q->store.count > 0);
}

bool ramet__queue_append(struct ramet_queue *q, enum queue_op op,
			 struct place *p)
{
	bool waits;

	lock(q);
	waits = !is_ready(q, op);
	if (waits)
		ramet__place_append(&q->waiting[op], p, &q->latch);
	latch_unlock(&q->latch);
	return waits;
}

/* Most calls find what they want, and need no place. */
static int wait_shared(struct loop *l, struct ramet_queue *q, enum queue_op op,
		       void *item)
{
	struct claim c;
	struct place p;
	int r;

	while ((r = ramet__queue_try_shared(q, op, item)) == -EAGAIN) {
		ramet__claim_init(l, &c, &p, 1);
		p.waiter.item = item;
		if (ramet__queue_append(q, op, &p))
			return ramet__place_wait(&p, inside[op], open[op], q);
	}
	if (l)
		ramet__spend(l);
	return r;
}

static __attribute__((noinline)) int call_shared(struct ramet_queue *q,
						 enum queue_op op, void *item,
						 bool waits)
{
	struct loop *l = ramet__this_loop;
	int r = 0;

	if (l) {
		ramet__point(l);
		r = waits ? ramet__interrupted(l) : 0;
	}
	if (r < 0)
		return r;
	r = waits ? wait_shared(l, q, op, item)
		  : ramet__queue_try_shared(q, op, item);
	if (l)
		ramet__point(l);
	return r;
}

/* ---- calls -------------------------------------------------------------- */

/* Once a ramet has waited, the queue may be gone. */
EACH int wait_for(struct ramet_queue *q, enum queue_op op, void *item)
{
	struct loop *l = ramet__this_loop;
	int r;

	if (unlikely(!q->loop))
		return call_shared(q, op, item, true);
	if (unlikely(q->loop != l))
		return (int)ramet__misuse(-EPERM);
	ramet__point(l);
	r = ramet__interrupted(l);
	if (unlikely(r < 0))
		return r;
	r = try(q, op, item);
	if (r == -EAGAIN)
		r = sync_wait(l, &q->waiting[op], inside[op], q, item);
	else
		ramet__spend(l);
	ramet__point(l);
	return r;
}

EACH int look_for(struct ramet_queue *q, enum queue_op op, void *item)
{
	struct loop *l = ramet__this_loop;
	int r;

	if (unlikely(!q->loop))
		return call_shared(q, op, item, false);
	if (unlikely(q->loop != l))
		return (int)ramet__misuse(-EPERM);
	ramet__point(l);
	r = try(q, op, item);
	ramet__point(l);
	return r;
}

int ramet_queue_put(struct ramet_queue *q, const void *item)
{
	return (int)ramet__ret(wait_for(q, QUEUE_PUT, (void *)(uintptr_t)item));
}

int ramet_queue_tryput(struct ramet_queue *q, const void *item)
{
	return (int)ramet__ret(look_for(q, QUEUE_PUT, (void *)(uintptr_t)item));
}

int ramet_queue_get(struct ramet_queue *q, void *item)
{
	return (int)ramet__ret(wait_for(q, QUEUE_GET, item));
}

int ramet_queue_tryget(struct ramet_queue *q, void *item)
{
	return (int)ramet__ret(look_for(q, QUEUE_GET, item));
}

int ramet_queue_peek(struct ramet_queue *q, void *item)
{
	return (int)ramet__ret(wait_for(q, QUEUE_PEEK, item));
}

int ramet_queue_trypeek(struct ramet_queue *q, void *item)
{
	return (int)ramet__ret(look_for(q, QUEUE_PEEK, item));
}

int ramet_queue_join(struct ramet_queue *q)
{
	return (int)ramet__ret(wait_for(q, QUEUE_JOIN, NULL));
}

/* ---- what is no item's way ---------------------------------------------- */

/* Change q by fn: as the caller's, or under the latch. */
static int change(struct ramet_queue *q, int (*fn)(struct ramet_queue *, int),
		  int arg)
{
	struct loop *l = ramet__this_loop;
	int r;

	if (q->loop && q->loop != l)
		return (int)ramet__misuse(-EPERM);
	if (l)
		ramet__point(l);
	if (!q->loop)
		lock(q);
	r = fn(q, arg);
	if (!q->loop)
		latch_unlock(&q->latch);
	if (l)
		ramet__point(l);
	return r;
}

static int done(struct ramet_queue *q, int unused)
{
	(void)unused;
	if (!q->undone)
		return -EINVAL;
	if (--q->undone == 0)
		settle_all(&q->waiting[QUEUE_JOIN], 0);
	return 0;
}

int ramet_queue_done(struct ramet_queue *q)
{
	return (int)ramet__ret(change(q, done, 0));
}

/* More may have been said to be done than were got. */
static void drop_all(struct ramet_queue *q)
{
	size_t count = q->store.count;

	q->store.count = 0;
	q->store.oldest = q->store.vacant = q->store.items;
	store_tidy(&q->store);
	q->undone -= count < q->undone ? count : q->undone;
	if (!q->undone)
		settle_all(&q->waiting[QUEUE_JOIN], 0);
}

static int shut_down(struct ramet_queue *q, int now)
{
	if (q->closed && !(now && q->store.count))
		return -EPIPE;
	q->closed = true;
	settle_all(&q->waiting[QUEUE_PUT], -EPIPE);
	settle_all(&q->waiting[QUEUE_GET], 0);
	settle_all(&q->waiting[QUEUE_PEEK], 0);
	if (now)
		drop_all(q);
	return 0;
}

int ramet_queue_shutdown(struct ramet_queue *q, int now)
{
	return (int)ramet__ret(change(q, shut_down, now));
}

size_t ramet_queue_count(struct ramet_queue *q)
{
	size_t count;

	if (q->loop)
		return q->store.count;
	lock(q);
	count = q->store.count;
	latch_unlock(&q->latch);
	return count;
}

size_t ramet_queue_capacity(struct ramet_queue *q)
{
	return q->store.most == SIZE_MAX ? 0 : q->store.most;
}

/* ---- making and freeing ------------------------------------------------- */

static struct ramet_queue *new_queue(const struct ramet_queue_opts *opts,
				     int *err)
{
	struct loop *l = opts->shared ? NULL : ramet__loop();
	struct ramet_queue *q;

	kernel_choose(); /* there may be no loop yet */
	q = l || opts->shared ? kernel_alloc(sizeof *q) : NULL;
	*err = q ? ramet__store_init(&q->store, opts) : -ENOMEM;
	if (*err < 0) {
		kernel_free(q);
		return NULL;
	}
	q->loop = l;
	ramet__latch_init(&q->latch);
	return q;
}

struct ramet_queue *ramet_queue_new(const struct ramet_queue_opts *opts)
{
	int err;
	struct ramet_queue *q = new_queue(opts, &err);

	if (!q)
		ramet__fail(err);
	return q;
}

/* Whoever waited at a local one goes on without it. */
void ramet_queue_free(struct ramet_queue *q)
{
	if (!q)
		return;
	if (q->loop && unlikely(q->loop != ramet__this_loop)) {
		ramet__misuse(-EPERM);
		return;
	}
	for (int op = 0; q->loop && op < QUEUE_OPS; op++)
		settle_all(&q->waiting[op], -EPIPE);
	ramet__store_fini(&q->store);
	kernel_free(q);
}
