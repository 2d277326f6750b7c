/* future.c - settled once, under the future's lock: those who wait are woken in
 * order, and those who only want to be told get mail.
 *
 * `settled` is written last, so that whoever sees it needs no lock for the
 * rest, which never changes again.
 */
#include "ramet/future.h"

#include "core/outlet.h"
#include "sync/future.h"

/* Somebody to be told. */
struct then {
	struct then *next;
	struct mail mail;      /* of the first of a row with the same outlet */
	struct outlet *outlet; /* NULL: an OS thread without a loop */
	struct ramet_future *future;
	void (*fn)(struct ramet_future *f, void *arg);
	void *arg;
};

struct ramet_future {
	struct latch latch;
	uint32_t users;   /* atomic */
	uint32_t settled; /* atomic */
	int error;
	void *value;
	struct places waiters;
	struct then *first, **end;
};

/* ---- counting ----------------------------------------------------------- */

struct ramet_future *ramet_future_new(void)
{
	struct ramet_future *f;

	kernel_choose(); /* there may be no loop yet */
	f = kernel_alloc(sizeof *f);
	if (!f) {
		ramet__fail(-ENOMEM);
		return NULL;
	}
	ramet__latch_init(&f->latch);
	f->users = 1;
	f->end = &f->first;
	return f;
}

struct ramet_future *ramet_future_keep(struct ramet_future *f)
{
	__atomic_add_fetch(&f->users, 1, __ATOMIC_RELAXED);
	return f;
}

void ramet_future_release(struct ramet_future *f)
{
	if (f && __atomic_sub_fetch(&f->users, 1, __ATOMIC_ACQ_REL) == 0)
		kernel_free(f);
}

/* ---- looking ------------------------------------------------------------ */

static void lock(struct ramet_future *f)
{
	if (unlikely(ramet__latch_lock(&f->latch)))
		f->waiters = (struct places){0};
}

static bool is_settled(const struct ramet_future *f)
{
	return __atomic_load_n(&f->settled, __ATOMIC_ACQUIRE);
}

/* Returns what get does. */
static int look(const struct ramet_future *f, void **value)
{
	if (f->error)
		return -f->error;
	if (value)
		*value = f->value;
	return 0;
}

bool ramet__future_settled(const struct ramet_future *f)
{
	return is_settled(f);
}

int ramet_future_tryget(struct ramet_future *f, void **value)
{
	struct loop *l = ramet__this_loop;

	if (l)
		ramet__point(l);
	return (int)ramet__ret(is_settled(f) ? look(f, value) : -EAGAIN);
}

int ramet_future_error(const struct ramet_future *f)
{
	struct loop *l = ramet__this_loop;

	if (l)
		ramet__point(l);
	return is_settled(f) ? f->error : -1;
}

/* ---- telling ------------------------------------------------------------ */

/* Call those from `t` on, or only forget them. */
static void tell(struct then *t, bool call)
{
	struct then *next;
	int saved = errno;

	for (; t; t = next) {
		next = t->next;
		if (call)
			t->fn(t->future, t->arg);
		ramet_future_release(t->future);
		ramet__outlet_release(t->outlet);
		kernel_free(t);
	}
	errno = saved;
}

static void on_mail(struct loop *l, struct mail *mail)
{
	struct then *t = container_of(mail, struct then, mail);

	(void)l;
	tell(t, ramet__outlet_loop(t->outlet) != NULL);
}

/* A row for the same loop goes as one mail. */
static void tell_all(struct then *t)
{
	struct then *last, *rest;

	for (; t; t = rest) {
		last = t;
		while (last->next && last->next->outlet == t->outlet)
			last = last->next;
		rest = last->next;
		last->next = NULL;
		t->mail.deliver = on_mail;
		if (!t->outlet)
			tell(t, true);
		else if (!ramet__outlet_post(t->outlet, &t->mail))
			tell(t, false); /* its loop has ended */
	}
}

static struct then *new_then(struct ramet_future *f,
			     void (*fn)(struct ramet_future *f, void *arg),
			     void *arg)
{
	struct loop *l = ramet__this_loop;
	struct then *t = kernel_alloc(sizeof *t);

	if (!t)
		return NULL;
	t->outlet = l ? ramet__outlet(l) : NULL;
	if (l && !t->outlet) {
		kernel_free(t);
		return NULL;
	}
	t->future = ramet_future_keep(f);
	t->fn = fn;
	t->arg = arg;
	return t;
}

/* Returns whether it is to be told later. */
static bool append(struct ramet_future *f, struct then *t)
{
	bool later;

	lock(f);
	later = !is_settled(f);
	if (later) {
		*f->end = t;
		f->end = &t->next;
	}
	ramet__latch_unlock(&f->latch);
	return later;
}

static int then(struct ramet_future *f,
		void (*fn)(struct ramet_future *f, void *arg), void *arg)
{
	struct then *t;

	if (is_settled(f)) {
		fn(f, arg);
		return 0;
	}
	t = new_then(f, fn, arg);
	if (!t)
		return -ENOMEM;
	if (!append(f, t))
		tell(t, true);
	return 0;
}

int ramet_future_then(struct ramet_future *f,
		      void (*fn)(struct ramet_future *f, void *arg), void *arg)
{
	struct loop *l = ramet__this_loop;
	int err;

	if (l)
		ramet__point(l);
	err = then(f, fn, arg);
	if (l)
		ramet__point(l);
	return (int)ramet__ret(err);
}

/* ---- settling ----------------------------------------------------------- */

static int settle(struct ramet_future *f, void *value, int error)
{
	struct then *first;
	struct place *p;

	lock(f);
	if (f->settled) {
		ramet__latch_unlock(&f->latch);
		return -EALREADY;
	}
	f->value = value;
	f->error = error;
	__atomic_store_n(&f->settled, 1, __ATOMIC_RELEASE);
	while ((p = ramet__place_next(&f->waiters))) {
		p->result = 0;
		ramet__claim_wake(p->claim);
	}
	first = f->first;
	f->first = NULL;
	ramet__latch_unlock(&f->latch);
	tell_all(first);
	return 0;
}

static int settle_here(struct ramet_future *f, void *value, int error)
{
	struct loop *l = ramet__this_loop;
	int err;

	if (l)
		ramet__point(l);
	err = settle(f, value, error);
	if (l)
		ramet__point(l);
	return (int)ramet__ret(err);
}

int ramet_future_set(struct ramet_future *f, void *value)
{
	return settle_here(f, value, 0);
}

int ramet_future_fail(struct ramet_future *f, int error)
{
	if (error <= 0)
		return (int)ramet__ret(-EINVAL);
	return settle_here(f, NULL, error);
}

/* ---- waiting ------------------------------------------------------------ */

bool ramet__future_queue(struct ramet_future *f, struct place *p)
{
	bool waits;

	lock(f);
	waits = !f->settled;
	if (waits)
		ramet__place_append(&f->waiters, p, &f->latch);
	ramet__latch_unlock(&f->latch);
	return waits;
}

static int wait_for(struct loop *l, struct ramet_future *f)
{
	struct claim c;
	struct place p;

	ramet__claim_init(l, &c, &p, 1);
	if (!ramet__future_queue(f, &p))
		return 0;
	return ramet__place_wait(&p, WAIT_FUTURE, WAIT_FUTURE_OPEN, f);
}

static int get(struct ramet_future *f, void **value)
{
	struct loop *l = ramet__this_loop;
	int err = 0;

	if (l) {
		ramet__point(l);
		err = ramet__interrupted(l);
	}
	if (err < 0)
		return err;
	if (!is_settled(f))
		err = wait_for(l, f);
	else if (l)
		ramet__spend(l);
	if (err == 0)
		err = look(f, value);
	if (l)
		ramet__point(l);
	return err;
}

int ramet_future_get(struct ramet_future *f, void **value)
{
	return (int)ramet__ret(get(f, value));
}
