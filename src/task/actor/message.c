/* message.c - messages, and the mailbox that they wait in.
 *
 * A message is one allocation, and small ones are used again.  As long as
 * somebody waits for room nobody else is let in, and who makes room lets in the
 * first who waits: what has been put into the mailbox on behalf of its sender
 * is sent, whatever becomes of him.
 */
#include "sync/lot.h"
#include "task/actor/actor.h"

#include <string.h>

enum { SMALL_ROOM = 64, SPARES_MAX = 1024 };

/* ---- messages ----------------------------------------------------------- */

static struct message *take_spare(struct loop *l)
{
	struct actors *own = l ? l->actors : NULL;
	struct message *m = own ? own->spare : NULL;

	if (likely(m)) {
		own->spare = m->next;
		own->spares--;
	}
	return m;
}

struct message *ramet__message_new(struct loop *l, size_t size)
{
	bool small = size <= SMALL_ROOM;
	struct message *m = small ? take_spare(l) : NULL;

	if (unlikely(!m))
		m = kernel_alloc(sizeof *m + (small ? SMALL_ROOM : size));
	if (unlikely(!m))
		return NULL;
	m->sender = NULL;
	m->size = size;
	m->flags = small ? SMALL : 0;
	m->asking = NULL;
	m->call = NULL;
	m->taken_link = NULL; /* the rest is set where it is used */
	return m;
}

void ramet__sender_drop(struct ramet_actor *sender, bool far)
{
	if (!sender)
		return;
	if (unlikely(far))
		ramet_actor_release(sender);
	else
		ramet__unborrow(sender);
}

/* An address sanitizer should see each of them freed. */
static bool keep_spare(struct loop *l, struct message *m)
{
	struct actors *own = l ? l->actors : NULL;

#ifdef RAMET_ASAN
	return false;
#endif
	if (!own || own->ending || !(m->flags & SMALL) ||
	    own->spares >= SPARES_MAX)
		return false;
	m->next = own->spare;
	own->spare = m;
	own->spares++;
	return true;
}

void ramet__message_free(struct loop *l, struct message *m)
{
	ramet__sender_drop(m->sender, m->flags & SENDER_FAR);
	if (unlikely(m->call != NULL))
		ramet__call_release(m->call);
	if (!keep_spare(l, m))
		kernel_free(m);
}

/* ---- the mailbox -------------------------------------------------------- */

void ramet__enqueue(struct ramet_actor *a, struct message *m)
{
	m->next = NULL;
	*a->end = m;
	a->end = &m->next;
	__atomic_store_n(&a->waiting, a->waiting + 1, __ATOMIC_RELAXED);
	if (!a->wants || (!a->wants_any && m->tag != a->wanted))
		return;
	a->wants = false;
	if (a->ramet->state == STATE_PARKED)
		ramet__wake(a->ramet, 0);
}

static bool has_room(const struct ramet_actor *a)
{
	return a->waiting + __atomic_load_n(&a->coming, __ATOMIC_RELAXED) <
	       a->limit;
}

/* Whether w's sender is still there; then he is told the result. */
static bool settle(struct ramet_waiter *w, long result)
{
	struct message *m = w->item;
	uint32_t waits = PHASE_WAITS;

	if (w->ramet) {
		if (w->ramet->state != STATE_PARKED)
			return false;
		ramet__wake(w->ramet, (int)result);
		return true;
	}
	m->call->blocked = NULL;
	m->call->result = result;
	if (!__atomic_compare_exchange_n(&m->call->phase, &waits, PHASE_SENT,
					 false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		return false;
	if (result < 0 || !(m->flags & OPEN)) {
		ramet__call_done(m->call);
		ramet__call_release(m->call);
		m->call = NULL;
	}
	return true;
}

void ramet__let_in(struct loop *l, struct ramet_actor *a)
{
	while (unlikely(a->senders.first != NULL) && has_room(a)) {
		struct ramet_waiter *w = waitq_take(&a->senders);
		struct message *m = w->item;
		bool far = !w->ramet;

		if (settle(w, 0))
			ramet__enqueue(a, m);
		else if (far)
			ramet__message_free(l, m);
	}
}

static void end_senders(struct loop *l, struct ramet_actor *a)
{
	struct ramet_waiter *w;

	while ((w = waitq_take(&a->senders))) {
		struct message *m = w->item;
		bool far = !w->ramet;

		settle(w, -ESRCH);
		if (far)
			ramet__message_free(l, m);
	}
}

void ramet__mailbox_close(struct loop *l, struct ramet_actor *a)
{
	struct message *m = a->first, *next;

	a->first = NULL;
	a->end = &a->first;
	__atomic_store_n(&a->waiting, 0, __ATOMIC_RELAXED);
	for (; m; m = next) {
		next = m->next;
		ramet__refuse(m, -ECONNRESET);
		ramet__message_free(l, m);
	}
	end_senders(l, a);
}

/* ---- sending at home ---------------------------------------------------- */

int ramet__may_send(struct loop *l, uint64_t tag, size_t size)
{
	if (unlikely(tag >= RAMET_TAG_EXIT))
		return -EINVAL;
	if (unlikely(size > MESSAGE_MAX))
		return -EMSGSIZE;
	if (unlikely(!l))
		return 0;
	ramet__point(l);
	return ramet__interrupted(l);
}

static int give_up(struct loop *l, struct message *m, int err)
{
	ramet__message_free(l, m);
	return err;
}

static int wait_for_room(struct loop *l, struct ramet_actor *a,
			 struct message *m)
{
	struct ramet_waiter w = {.ramet = l->current, .item = m};
	int err;

	if (is_me(l, a))
		return give_up(l, m, -EDEADLK); /* who else makes room? */
	waitq_append(&a->senders, &w);
	err = ramet__actor_park(l, "for room in the mailbox of", a,
				RAMET_NEVER);
	waitq_remove(&w);
	return err < 0 ? give_up(l, m, err) : 0;
}

static int drop(struct loop *l, struct ramet_actor *a, struct message *m)
{
	__atomic_add_fetch(&a->dropped, 1, __ATOMIC_RELAXED);
	ramet__refuse(m, -ECONNRESET);
	ramet__message_free(l, m);
	return 0;
}

static int send_here(struct loop *l, struct ramet_actor *a, struct message *m)
{
	if (unlikely(a->gone))
		return give_up(l, m, -ESRCH);
	if (likely(!a->senders.first && has_room(a))) {
		ramet__enqueue(a, m);
		return 0;
	}
	if (a->when_full == RAMET_FULL_FAIL)
		return give_up(l, m, -EAGAIN);
	if (a->when_full == RAMET_FULL_DROP)
		return drop(l, a, m);
	return wait_for_room(l, a, m);
}

/* ---- sending elsewhere -------------------------------------------------- */

/* What is under way keeps its actor. */
static struct ramet_actor *arrive(struct message *m)
{
	struct ramet_actor *a = m->to;

	m->to = NULL;
	return a;
}

static void lose(struct loop *l, struct message *m, int err)
{
	ramet__refuse(m, err);
	ramet__message_free(l, m);
}

static void on_message(struct loop *l, struct mail *mail)
{
	struct message *m = container_of(mail, struct message, mail);
	struct ramet_actor *a = arrive(m);

	__atomic_sub_fetch(&a->coming, 1, __ATOMIC_RELAXED);
	if (a->gone)
		lose(l, m, -ECONNRESET);
	else
		ramet__enqueue(a, m);
	ramet_actor_release(a);
}

/* Of a sender who waits for room. */
static void on_blocked(struct loop *l, struct mail *mail)
{
	struct message *m = container_of(mail, struct message, mail);
	struct ramet_actor *a = arrive(m);

	m->waiter.ramet = NULL;
	m->waiter.item = m;
	m->call->blocked = m;
	waitq_append(&a->senders, &m->waiter);
	if (a->gone)
		end_senders(l, a);
	else
		ramet__let_in(l, a);
	ramet_actor_release(a);
}

/* Such a sender has left. */
static void on_left(struct loop *l, struct mail *mail)
{
	struct call *c = container_of(mail, struct call, mail);

	if (c->blocked) {
		waitq_remove(&c->blocked->waiter);
		ramet__message_free(l, c->blocked);
	}
	ramet__call_release(c);
}

static int post(struct ramet_actor *a, struct message *m,
		void (*deliver)(struct loop *, struct mail *))
{
	m->to = ramet_actor_keep(a);
	m->mail.deliver = deliver;
	if (ramet__outlet_post(a->home, &m->mail))
		return 0;
	m->to = NULL;
	ramet_actor_release(a);
	return -ESRCH;
}

bool ramet__leave_queue(struct ramet_actor *a, struct call *c)
{
	uint32_t waits = PHASE_WAITS;

	if (!__atomic_compare_exchange_n(&c->phase, &waits, PHASE_LEFT, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return false;
	__atomic_add_fetch(&c->users, 1, __ATOMIC_RELAXED);
	c->mail.deliver = on_left;
	if (!ramet__outlet_post(a->home, &c->mail))
		ramet__call_release(c); /* the home's end frees the message */
	return true;
}

/* Until the message is let in. */
static int wait_elsewhere(struct loop *l, struct ramet_actor *a,
			  struct message *m)
{
	struct call *c = ramet__call_new(0);
	int err;

	if (!c)
		return give_up(l, m, -ENOMEM);
	m->call = c;
	err = post(a, m, on_blocked);
	if (err < 0) {
		ramet__call_release(c);
		return give_up(l, m, err);
	}
	err = ramet__call_wait(c, "for room in the mailbox of actor", a);
	if (err == 0 || !ramet__leave_queue(a, c))
		err = (int)c->result;
	ramet__call_release(c);
	return err;
}

/* A place for a message that is about to be under way; false: none is left.
 * Never one too many, not even for a moment: its home would keep others waiting
 * for nothing. */
static bool take_place(struct ramet_actor *a)
{
	uint32_t coming = __atomic_load_n(&a->coming, __ATOMIC_RELAXED);

	do
		if (coming + __atomic_load_n(&a->waiting, __ATOMIC_RELAXED) >=
		    a->limit)
			return false;
	while (!__atomic_compare_exchange_n(&a->coming, &coming, coming + 1,
					    true, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED));
	return true;
}

static int find_full(struct loop *l, struct ramet_actor *a, struct message *m)
{
	if (a->when_full == RAMET_FULL_FAIL)
		return give_up(l, m, -EAGAIN);
	if (a->when_full == RAMET_FULL_DROP)
		return drop(l, a, m);
	if (m->flags & OPEN)
		return post(a, m, on_blocked) < 0 ? give_up(l, m, -ESRCH) : 0;
	return wait_elsewhere(l, a, m);
}

static int send_elsewhere(struct loop *l, struct ramet_actor *a,
			  struct message *m)
{
	if (is_gone(a) || a->forks != ramet__lot_forks)
		return give_up(l, m, -ESRCH);
	if (!take_place(a))
		return find_full(l, a, m);
	if (m->call)
		m->call->phase = PHASE_SENT;
	if (post(a, m, on_message) == 0)
		return 0;
	__atomic_sub_fetch(&a->coming, 1, __ATOMIC_RELAXED);
	return give_up(l, m, -ESRCH);
}

/* ---- tell --------------------------------------------------------------- */

static void set_sender(struct loop *l, struct ramet_actor *a, struct message *m)
{
	struct ramet_actor *me = ramet__actor_of(l);

	m->sender = me;
	if (!me)
		return;
	if (at_home(l, a)) {
		me->borrowed++;
	} else {
		ramet_actor_keep(me);
		m->flags |= SENDER_FAR;
	}
}

int ramet__send(struct loop *l, struct ramet_actor *a, uint64_t tag,
		struct message *m)
{
	m->tag = tag;
	set_sender(l, a, m);
	return at_home(l, a) ? send_here(l, a, m) : send_elsewhere(l, a, m);
}

static int tell(struct loop *l, struct ramet_actor *a, uint64_t tag,
		const void *msg, size_t size)
{
	struct message *m;
	int err = ramet__may_send(l, tag, size);

	if (unlikely(err < 0))
		return err;
	m = ramet__message_new(l, size);
	if (unlikely(!m))
		return -ENOMEM;
	if (size)
		memcpy(m->bytes, msg, size);
	err = ramet__send(l, a, tag, m);
	if (l && err == 0) {
		ramet__spend(l);
		ramet__point(l);
	}
	return err;
}

int ramet_tell(struct ramet_actor *a, const void *msg, size_t size)
{
	return (int)ramet__ret(tell(ramet__this_loop, a, 0, msg, size));
}

int ramet_tell_tag(struct ramet_actor *a, uint64_t tag, const void *msg,
		   size_t size)
{
	return (int)ramet__ret(tell(ramet__this_loop, a, tag, msg, size));
}
