/* loop_go.c - functions sent to other loops, to run there as ramets. */
#include "task/gate.h"

struct request {
	struct mail mail;
	void *(*fn)(void *);
	void *arg;
	const void *site;
};

static int spawn(struct loop *l, const struct request *r)
{
	int err = 0;
	struct ramet *t = ramet__spawn(l, r->fn, r->arg, NULL, r->site, &err);

	if (!t)
		return err;
	t->flags |= FLAG_DETACHED;
	t->cold->parent = 0;
	return 0;
}

/* The sender has been told that it will run: until there is memory for it, it
 * comes again with each turn. */
static void deliver(struct loop *l, struct mail *mail)
{
	struct request *r = container_of(mail, struct request, mail);

	if (spawn(l, r) < 0) {
		ramet__post(l, &r->mail);
		return;
	}
	if (l->handle)
		gate_took(l->handle);
	kernel_free(r);
}

static int go(struct ramet_loop *h, void *(*fn)(void *), void *arg,
	      const void *site)
{
	struct request *r = kernel_alloc(sizeof *r);
	bool open;

	if (!r)
		return -ENOMEM;
	r->mail.deliver = deliver;
	r->fn = fn;
	r->arg = arg;
	r->site = site;
	open = gate_send(h);
	if (open)
		ramet__post(h->loop, &r->mail);
	gate_leave(h);
	if (open)
		return 0;
	kernel_free(r);
	return -ESRCH;
}

int ramet_loop_go(struct ramet_loop *h, void *(*fn)(void *), void *arg)
{
	kernel_choose();
	return (int)ramet__ret(go(h, fn, arg, __builtin_return_address(0)));
}
