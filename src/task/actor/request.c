/* request.c - asking a supervisor for something: queued at its home, done by
 * its ramet when that is done with what came before. */
#include "task/actor/request.h"

#include "sync/lot.h"

#include <string.h>

static void release(struct request *r)
{
	if (__atomic_sub_fetch(&r->users, 1, __ATOMIC_ACQ_REL))
		return;
	ramet_actor_release(r->actor);
	ramet_actor_release(r->to);
	kernel_free(r);
}

/* ---- at the supervisor's home ------------------------------------------- */

struct request *ramet__request_take(struct ramet_actor *a)
{
	struct request *r = a->requests;

	a->requests = r->next;
	if (!r->next)
		a->requests_end = &a->requests;
	return r;
}

void ramet__request_end(struct request *r, long result)
{
	ramet__call_end(&r->call, result);
	release(r);
}

void ramet__requests_refuse(struct ramet_actor *a, int err)
{
	while (a->requests)
		ramet__request_end(ramet__request_take(a), err);
}

/* One that has just been started is a supervisor before it knows. */
static bool supervises(const struct ramet_actor *a)
{
	return a->supervises || a->fn == ramet_supervise;
}

static void arrive(struct request *r)
{
	struct ramet_actor *a = r->to;

	if (a->gone || !supervises(a)) {
		ramet__request_end(r, a->gone ? -ESRCH : -EINVAL);
		return;
	}
	r->next = NULL;
	*a->requests_end = r;
	a->requests_end = &r->next;
	ramet__supervisor_wake(a);
}

static void on_request(struct loop *l, struct mail *mail)
{
	(void)l;
	arrive(container_of(mail, struct request, call.mail));
}

/* ---- asking ------------------------------------------------------------- */

static struct request *new_request(struct ramet_actor *to, enum what what,
				   size_t room, const void *site)
{
	struct request *r = kernel_alloc(sizeof *r + room);

	if (!r)
		return NULL;
	r->users = 2;
	r->to = ramet_actor_keep(to);
	r->what = what;
	r->site = site;
	return r;
}

static int hand_over(struct loop *l, struct request *r)
{
	struct ramet_actor *a = r->to;

	if (at_home(l, a)) {
		arrive(r);
		return 0;
	}
	r->call.mail.deliver = on_request;
	if (!is_gone(a) && a->forks == ramet__lot_forks &&
	    ramet__outlet_post(a->home, &r->call.mail))
		return 0;
	release(r);
	return -ESRCH;
}

/* Have it done; lets go of r.  *found is what it has found, kept. */
static long ask(struct request *r, struct ramet_actor **found)
{
	struct loop *l = ramet__this_loop;
	long err = l ? ramet__interrupted(l) : 0;

	if (at_home(l, r->to) && is_me(l, r->to))
		err = -EDEADLK;
	if (err < 0)
		release(r);
	else
		err = hand_over(l, r);
	if (err == 0)
		err = ramet__call_wait(&r->call, "for supervisor", r->to);
	if (err == 0)
		err = r->call.result;
	if (err == 0 && found) {
		*found = r->actor;
		r->actor = NULL;
	}
	release(r);
	return err;
}

static struct ramet_actor *found(struct request *r)
{
	struct ramet_actor *a = NULL;

	ramet__ret(r ? ask(r, &a) : -ENOMEM);
	return a;
}

struct ramet_actor *ramet_supervisor_add(struct ramet_actor *supervisor,
					 const struct ramet_child *child)
{
	const char *name = child->opts.name ? child->opts.name : "";
	size_t size = strlen(name) + 1;
	struct request *r = new_request(supervisor, REQUEST_ADD, size,
					__builtin_return_address(0));

	if (r) {
		memcpy(r->name, name, size);
		r->spec = *child;
		r->spec.opts.name = r->name;
	}
	return found(r);
}

struct ramet_actor *ramet_supervisor_child(struct ramet_actor *supervisor,
					   size_t i)
{
	struct request *r = new_request(supervisor, REQUEST_CHILD, 0, NULL);

	if (r)
		r->index = i;
	return found(r);
}

int ramet_supervisor_remove(struct ramet_actor *supervisor,
			    struct ramet_actor *child)
{
	struct request *r = new_request(supervisor, REQUEST_REMOVE, 0, NULL);

	if (r)
		r->actor = ramet_actor_keep(child);
	return (int)ramet__ret(r ? ask(r, NULL) : -ENOMEM);
}
