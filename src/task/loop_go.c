/* loop_go.c - functions sent to other loops, to run there as ramets.
 *
 * The requests that carry them go round: each belongs to the loop that made it,
 * where it is used again.  Whoever ran one sends it home, many at a time, since
 * that is what costs: the two loops' processors must agree on it.
 */
#include "task/gate.h"

#include "ramet/future.h"

#include "task/loops.h"

#include "kernel/calls.h"
#include "ramet/future.h"
#include "task/gate.h"

/* How many go home together, and how many a loop has at most that come again.
 */
enum { TOGETHER = 32, REQUESTS_MAX = 4096 };

struct request {
	struct mail mail;
	void *(*fn)(void *);
	void *arg;
	const void *site;
	struct ramet_future *future; /* NULL: nobody asks for its value */
	struct ramet_loop *home;     /* NULL: it is freed */
	struct request *next;
};

/* ---- going round -------------------------------------------------------- */

static void free_all(struct request *r)
{
	for (struct request *next; r; r = next) {
		next = r->next;
		kernel_free(r);
	}
}

void ramet__loop_free_requests(struct ramet_loop *h)
{
	free_all(h->spare);
	free_all(h->homecome);
	free_all(h->homebound);
	h->spare = h->homecome = h->homebound = NULL;
	h->requests = h->together = 0;
}

static struct request *take_spare(struct ramet_loop *h)
{
	struct request *r = h->spare;

	if (!r && __atomic_load_n(&h->homecome, __ATOMIC_RELAXED))
		r = __atomic_exchange_n(&h->homecome, NULL, __ATOMIC_ACQUIRE);
	if (r)
		h->spare = r->next;
	return r;
}

static struct request *new_request(struct loop *l)
{
	struct ramet_loop *h = l ? l->handle : NULL;
	struct request *r = h ? take_spare(h) : NULL;

	if (r)
		return r;
	r = kernel_alloc(sizeof *r);
	if (r && h && h->requests < REQUESTS_MAX) {
		h->requests++;
		r->home = h;
	}
	return r;
}

static void send_home(struct ramet_loop *h)
{
	struct request *first = h->homebound, *last = first;
	struct ramet_loop *home = first->home;

	while (last->next)
		last = last->next;
	last->next = __atomic_load_n(&home->homecome, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&home->homecome, &last->next, first,
					    true, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
	h->homebound = NULL;
	h->together = 0;
}

static void end_request(struct loop *l, struct request *r)
{
	struct ramet_loop *h = l ? l->handle : NULL;

	if (!h || !r->home) {
		kernel_free(r);
	} else if (r->home == h) {
		r->next = h->spare;
		h->spare = r;
	} else {
		if (h->homebound && h->homebound->home != r->home)
			send_home(h);
		r->next = h->homebound;
		h->homebound = r;
		if (++h->together == TOGETHER)
			send_home(h);
	}
}

/* ---- run there ---------------------------------------------------------- */

/* What the ramet of a call does last. */
static void settle(struct ramet *t)
{
	struct ramet_future *f = t->cold->future;

	if (t->flags & FLAG_KILL)
		ramet_future_fail(f, ECHILD);
	else
		ramet_future_set(f, t->cold->value);
	ramet_future_release(f);
}

static int spawn(struct loop *l, void *(*fn)(void *), void *arg,
		 struct ramet_future *future, const void *site)
{
	int err = 0;
	struct ramet *t = ramet__spawn(l, fn, arg, NULL, site, &err);

	if (!t)
		return err;
	t->flags |= FLAG_DETACHED;
	t->cold->parent = 0;
	if (future) {
		t->cold->future = future;
		t->cold->on_end = settle;
	}
	return 0;
}

/* Who sent it has been told that it will run, unless there is a future to tell
 * otherwise: until there is memory for it, it comes again with each turn. */
static void deliver(struct loop *l, struct mail *mail)
{
	struct request *r = container_of(mail, struct request, mail);
	int err = spawn(l, r->fn, r->arg, r->future, r->site);

	if (err < 0 && !r->future) {
		ramet__post(l, &r->mail);
		return;
	}
	if (err < 0) {
		ramet_future_fail(r->future, -err);
		ramet_future_release(r->future);
	}
	if (l->handle)
		gate_took(l->handle);
	end_request(l, r);
}

/* ---- sent --------------------------------------------------------------- */

static int post(struct loop *l, struct ramet_loop *h, void *(*fn)(void *),
		void *arg, struct ramet_future *future, const void *site)
{
	struct request *r = new_request(l);
	bool open;

	if (!r)
		return -ENOMEM;
	r->mail.deliver = deliver;
	r->fn = fn;
	r->arg = arg;
	r->future = future;
	r->site = site;
	open = gate_send(h);
	if (open)
		ramet__post(h->loop, &r->mail);
	gate_leave(h);
	if (open)
		return 0;
	end_request(l, r);
	return -ESRCH;
}

/* The caller's own loop needs no mail. */
static int dispatch(struct ramet_loop *h, void *(*fn)(void *), void *arg,
		    struct ramet_future *future, const void *site)
{
	struct loop *l = ramet__this_loop;
	int err;

	if (!h)
		return (int)ramet__misuse(-EINVAL);
	if (!l || l->handle != h)
		err = post(l, h, fn, arg, future, site);
	else if (gate_is_open(h))
		err = spawn(l, fn, arg, future, site);
	else
		err = -ESRCH;
	if (l)
		ramet__point(l);
	return err;
}

int ramet_loop_go(struct ramet_loop *h, void *(*fn)(void *), void *arg)
{
	return (int)ramet__ret(
		dispatch(h, fn, arg, NULL, __builtin_return_address(0)));
}

struct ramet_future *ramet_loop_call(struct ramet_loop *h, void *(*fn)(void *),
				     void *arg)
{
	struct ramet_future *f = ramet_future_new();
	int err;

	if (!f)
		return NULL;
	ramet_future_keep(f);
	err = dispatch(h, fn, arg, f, __builtin_return_address(0));
	if (err == 0)
		return f;
	ramet_future_release(f);
	ramet_future_release(f);
	ramet__fail(err);
	return NULL;
}
