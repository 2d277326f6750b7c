/* ask.c - questions, and their answers.
 *
 * Who asks in the actor's own loop waits with his buffer on his stack, and the
 * answer is copied into that.  Elsewhere it is copied into a call, which
 * outlives whoever leaves first.  Question and asker point to each other until
 * one of the two goes.
 */
#include "task/actor/actor.h"

#include <string.h>

/* ---- asking ------------------------------------------------------------- */

static ssize_t ask_here(struct loop *l, struct ramet_actor *a, uint64_t tag,
			struct message *m, struct asking *q)
{
	int err;

	q->ramet = l->current;
	q->message = m;
	m->asking = q;
	err = ramet__send(l, a, tag, m);
	if (err < 0)
		return err;
	ramet__point(l);
	if (q->message) {
		q->parked = true;
		err = ramet__actor_park(l, "for the answer of", a, RAMET_NEVER);
	}
	if (q->message)
		q->message->asking = NULL; /* the answer goes nowhere */
	ramet__point(l);
	return err < 0 ? err : q->result;
}

static ssize_t take_reply(const struct call *c, void *reply, size_t room)
{
	if (c->result > 0 && room)
		memcpy(reply, c->reply,
		       (size_t)c->result < room ? (size_t)c->result : room);
	return c->result;
}

static ssize_t ask_elsewhere(struct loop *l, struct ramet_actor *a,
			     uint64_t tag, struct message *m, void *reply,
			     size_t room)
{
	struct call *c = m->call = ramet__call_new(room);
	ssize_t r;

	if (!c) {
		ramet__message_free(l, m);
		return -ENOMEM;
	}
	r = ramet__send(l, a, tag, m);
	if (r == 0) {
		r = ramet__call_wait(c, "for the answer of actor", a);
		if (r == 0)
			r = take_reply(c, reply, room);
		else
			ramet__leave_queue(a, c);
	}
	ramet__call_release(c);
	return r;
}

static ssize_t ask(struct ramet_actor *a, uint64_t tag, const void *msg,
		   size_t size, void *reply, size_t room)
{
	struct loop *l = ramet__this_loop;
	struct asking q = {.reply = reply, .room = room};
	int err = ramet__may_send(l, tag, size);
	struct message *m;

	if (unlikely(err < 0))
		return err;
	if (at_home(l, a) && unlikely(is_me(l, a)))
		return -EDEADLK;
	m = ramet__message_new(l, size);
	if (unlikely(!m))
		return -ENOMEM;
	if (size)
		memcpy(m->bytes, msg, size);
	m->flags |= OPEN;
	if (at_home(l, a))
		return ask_here(l, a, tag, m, &q);
	return ask_elsewhere(l, a, tag, m, reply, room);
}

ssize_t ramet_ask(struct ramet_actor *a, const void *msg, size_t size,
		  void *reply, size_t room)
{
	return ramet__ret(ask(a, 0, msg, size, reply, room));
}

ssize_t ramet_ask_tag(struct ramet_actor *a, uint64_t tag, const void *msg,
		      size_t size, void *reply, size_t room)
{
	return ramet__ret(ask(a, tag, msg, size, reply, room));
}

/* ---- answering ---------------------------------------------------------- */

/* Who has been woken by something else, but has not run yet, is told nothing.
 */
static void end_asking(struct asking *q, const void *bytes, ssize_t result)
{
	size_t size = result > 0 ? (size_t)result : 0;

	q->message->asking = NULL;
	q->message = NULL;
	if (q->parked && q->ramet->state != STATE_PARKED)
		return;
	q->result = result;
	if (size > q->room)
		size = q->room;
	if (bytes && size)
		memcpy(q->reply, bytes, size);
	if (q->parked)
		ramet__wake(q->ramet, 0);
}

static int end_call(struct message *m, const void *bytes, ssize_t result)
{
	struct call *c = m->call;
	size_t size = result > 0 ? (size_t)result : 0;

	if (size > c->room)
		size = c->room;
	if (bytes && size) {
		c->reply = kernel_alloc(size);
		if (!c->reply)
			return -ENOMEM;
		memcpy(c->reply, bytes, size);
	}
	m->call = NULL;
	ramet__call_end(c, result);
	ramet__call_release(c);
	return 0;
}

static int end_question(struct message *m, const void *bytes, ssize_t result)
{
	int err = m->call ? end_call(m, bytes, result) : 0;

	if (err < 0)
		return err;
	if (m->asking)
		end_asking(m->asking, bytes, result);
	m->flags &= (uint8_t)~OPEN;
	return 0;
}

int ramet__answer(struct message *m, const void *bytes, size_t size)
{
	return end_question(m, bytes, (ssize_t)size);
}

void ramet__refuse(struct message *m, int err)
{
	if (m->flags & OPEN)
		end_question(m, NULL, err);
}

static int reply(struct ramet_actor *me, const void *msg, size_t size)
{
	struct loop *l = ramet__this_loop;
	int err;

	if (unlikely(!is_me(l, me)))
		return ramet__not_me(l);
	if (unlikely(!me->last || !(me->last->flags & OPEN)))
		return -EINVAL;
	if (unlikely(size > MESSAGE_MAX))
		return -EMSGSIZE;
	ramet__point(l);
	err = ramet__answer(me->last, msg, size);
	ramet__point(l);
	return err;
}

int ramet_reply(struct ramet_actor *me, const void *msg, size_t size)
{
	return (int)ramet__ret(reply(me, msg, size));
}

/* ---- questions that are answered later ---------------------------------- */

/* It is the message that asks. */
static struct ramet_question *as_question(struct message *m)
{
	return (struct ramet_question *)(void *)m;
}

static void leave_taken(struct message *m)
{
	if (!m->taken_link)
		return;
	*m->taken_link = m->taken_next;
	if (m->taken_next)
		m->taken_next->taken_link = m->taken_link;
	m->taken_link = NULL;
}

struct ramet_question *ramet_question_take(struct ramet_actor *me)
{
	struct loop *l = ramet__this_loop;
	struct message *m = is_me(l, me) ? me->last : NULL;

	if (!m || !(m->flags & OPEN)) {
		ramet__fail(is_me(l, me) ? -EINVAL : ramet__not_me(l));
		return NULL;
	}
	me->last = NULL;
	m->to = ramet_actor_keep(me);
	m->taken_next = me->taken;
	if (me->taken)
		me->taken->taken_link = &m->taken_next;
	m->taken_link = &me->taken;
	me->taken = m;
	return as_question(m);
}

void ramet__refuse_taken(struct ramet_actor *a)
{
	struct message *m;

	while ((m = a->taken)) {
		leave_taken(m);
		ramet__refuse(m, -ECONNRESET);
	}
}

static int answer_here(struct loop *l, struct message *m, const void *msg,
		       size_t size)
{
	struct ramet_actor *a = m->to;
	int err = 0;

	m->to = NULL;
	leave_taken(m);
	if (m->flags & OPEN && size != SIZE_MAX)
		err = ramet__answer(m, msg, size);
	ramet__refuse(m, -ECONNRESET);
	ramet__message_free(l, m);
	ramet_actor_release(a);
	return err;
}

/* An answer on its way to where the question was asked. */
struct answer {
	struct mail mail;
	struct message *question;
	size_t size;
	char bytes[];
};

static void on_answer(struct loop *l, struct mail *mail)
{
	struct answer *answer = container_of(mail, struct answer, mail);

	answer_here(l, answer->question, answer->bytes, answer->size);
	kernel_free(answer);
}

static void on_refusal(struct loop *l, struct mail *mail)
{
	answer_here(l, container_of(mail, struct message, mail), NULL,
		    SIZE_MAX);
}

/* The home has ended, and refused it then. */
static void free_question(struct message *m)
{
	ramet_actor_release(m->to);
	ramet__message_free(NULL, m);
}

static int refuse_elsewhere(struct message *m, int err)
{
	m->mail.deliver = on_refusal;
	if (!ramet__outlet_post(m->to->home, &m->mail))
		free_question(m);
	return err;
}

static int answer_elsewhere(struct message *m, const void *msg, size_t size)
{
	struct answer *answer;

	if (size == SIZE_MAX)
		return refuse_elsewhere(m, 0);
	answer = kernel_alloc(sizeof *answer + size);
	if (!answer)
		return refuse_elsewhere(m, -ENOMEM);
	answer->mail.deliver = on_answer;
	answer->question = m;
	answer->size = size;
	if (size)
		memcpy(answer->bytes, msg, size);
	if (!ramet__outlet_post(m->to->home, &answer->mail)) {
		free_question(m);
		kernel_free(answer);
	}
	return 0;
}

static int answer(struct message *m, const void *msg, size_t size)
{
	struct loop *l = ramet__this_loop;
	bool large = size > MESSAGE_MAX && size != SIZE_MAX;
	int err;

	if (l)
		ramet__point(l);
	if (at_home(l, m->to))
		err = answer_here(l, m, msg, large ? SIZE_MAX : size);
	else
		err = answer_elsewhere(m, msg, large ? SIZE_MAX : size);
	if (l)
		ramet__point(l);
	return large ? -EMSGSIZE : err;
}

int ramet_answer(struct ramet_question *q, const void *msg, size_t size)
{
	struct message *m = (struct message *)(void *)q;

	return (int)ramet__ret(answer(m, msg, size));
}
