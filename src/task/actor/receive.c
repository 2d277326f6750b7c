/* receive.c - an actor takes messages out of its mailbox.
 *
 * Messages that do not match stay where they are.  While the actor waits it
 * says for what, so that it is woken by what matches alone.
 */
#include "task/actor/actor.h"

#include <string.h>

int ramet__not_me(const struct loop *l)
{
	return l ? (int)ramet__misuse(-EPERM) : -EPERM;
}

/* What points to the oldest message that matches, or to NULL. */
static struct message **find(struct ramet_actor *me, bool any, uint64_t tag)
{
	struct message **link = &me->first;

	while (*link && !any && (*link)->tag != tag)
		link = &(*link)->next;
	return link;
}

/* Returns what points to a message that matches, or NULL and *err. */
static struct message **wait_for(struct loop *l, struct ramet_actor *me,
				 bool any, uint64_t tag, int *err)
{
	struct message **link;

	while (!*(link = find(me, any, tag))) {
		me->wants = true;
		me->wants_any = any;
		me->wanted = tag;
		*err = ramet__actor_park(l, "for a message to", me,
					 RAMET_NEVER);
		me->wants = false;
		if (unlikely(*err < 0))
			return NULL;
	}
	return link;
}

static void unlink_message(struct ramet_actor *me, struct message **link)
{
	struct message *m = *link;

	*link = m->next;
	if (!m->next)
		me->end = link;
	__atomic_store_n(&me->waiting, me->waiting - 1, __ATOMIC_RELAXED);
	__atomic_store_n(&me->received, me->received + 1, __ATOMIC_RELAXED);
}

/* Nobody answers it any more: who asks the next is not kept waiting. */
void ramet__last_refuse(struct loop *l, struct ramet_actor *a)
{
	struct message *m = a->last;

	if (likely(!m))
		return;
	a->last = NULL;
	ramet__refuse(m, -ECONNRESET);
	ramet__message_free(l, m);
}

void ramet__last_forget(struct loop *l, struct ramet_actor *a)
{
	ramet__last_refuse(l, a);
	ramet__sender_drop(a->sender, a->sender_far);
	a->sender = NULL;
}

static void remember(struct loop *l, struct ramet_actor *me, struct message *m)
{
	ramet__sender_drop(me->sender, me->sender_far);
	me->sender = m->sender;
	me->sender_far = m->flags & SENDER_FAR;
	m->sender = NULL;
	me->last_tag = m->tag;
	me->last_size = m->size;
	if (m->flags & OPEN)
		me->last = m;
	else
		ramet__message_free(l, m);
}

static ssize_t receive(struct ramet_actor *me, bool any, uint64_t tag,
		       void *msg, size_t room)
{
	struct loop *l = ramet__this_loop;
	struct message **link, *m;
	size_t size;
	int err;

	if (unlikely(!is_me(l, me)))
		return ramet__not_me(l);
	ramet__last_refuse(l, me);
	ramet__point(l);
	err = ramet__interrupted(l);
	if (unlikely(err < 0))
		return err;
	link = wait_for(l, me, any, tag, &err);
	if (unlikely(!link))
		return err;
	m = *link;
	size = m->size;
	if (unlikely(size > room)) {
		me->last_size = size;
		ramet__spend(l);
		return -EMSGSIZE;
	}
	unlink_message(me, link);
	if (size)
		memcpy(msg, m->bytes, size);
	remember(l, me, m);
	ramet__let_in(l, me);
	ramet__spend(l);
	return (ssize_t)size;
}

ssize_t ramet_receive(struct ramet_actor *me, void *msg, size_t room)
{
	return ramet__ret(receive(me, true, 0, msg, room));
}

ssize_t ramet_receive_tag(struct ramet_actor *me, uint64_t tag, void *msg,
			  size_t room)
{
	return ramet__ret(receive(me, false, tag, msg, room));
}

uint64_t ramet_actor_tag(const struct ramet_actor *me)
{
	return me->last_tag;
}

size_t ramet_actor_size(const struct ramet_actor *me)
{
	return me->last_size;
}

struct ramet_actor *ramet_actor_sender(const struct ramet_actor *me)
{
	return me->sender;
}
