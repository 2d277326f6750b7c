/* outlet.c - whoever posts says so, then looks whether the outlet is closed;
 * the loop's end closes it, then waits for those that are posting.  One of the
 * two sees the other.
 */
#include "core/outlet.h"

#include "kernel/calls.h"

/* All atomic. */
struct outlet {
	struct loop *loop;
	uint32_t users;   /* the loop is one */
	uint32_t posting; /* who is at it */
	bool closed;
};

struct outlet *ramet__outlet_keep(struct outlet *o)
{
	__atomic_add_fetch(&o->users, 1, __ATOMIC_RELAXED);
	return o;
}

void ramet__outlet_release(struct outlet *o)
{
	if (o && __atomic_sub_fetch(&o->users, 1, __ATOMIC_ACQ_REL) == 0)
		kernel_free(o);
}

struct outlet *ramet__outlet(struct loop *l)
{
	struct outlet *o = l->outlet;

	if (!o) {
		o = kernel_alloc(sizeof *o);
		if (!o)
			return NULL;
		o->loop = l;
		o->users = 1;
		l->outlet = o;
	}
	return ramet__outlet_keep(o);
}

struct loop *ramet__outlet_loop(const struct outlet *o)
{
	return __atomic_load_n(&o->closed, __ATOMIC_RELAXED) ? NULL : o->loop;
}

/* Whoever posts has the outlet: the loop may have the mail, and release what it
 * brings, before this returns. */
bool ramet__outlet_post(struct outlet *o, struct mail *mail)
{
	bool open;

	ramet__outlet_keep(o);
	__atomic_add_fetch(&o->posting, 1, __ATOMIC_SEQ_CST);
	open = !__atomic_load_n(&o->closed, __ATOMIC_SEQ_CST);
	if (open)
		ramet__post(o->loop, mail);
	__atomic_sub_fetch(&o->posting, 1, __ATOMIC_RELEASE);
	ramet__outlet_release(o);
	return open;
}

void ramet__outlet_close(struct loop *l)
{
	struct outlet *o = l->outlet;

	if (!o)
		return;
	(void)__atomic_exchange_n(&o->closed, true, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&o->posting, __ATOMIC_ACQUIRE))
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	ramet__deliver(l);
	ramet__outlet_release(o);
	l->outlet = NULL;
}

/* It stays for those who have it, and says that the loop has ended: what they
 * know of belongs to the parent's.  Who had it in the parent releases it never.
 */
void ramet__outlet_abandon(struct loop *l)
{
	struct outlet *o = l->outlet;

	if (!o)
		return;
	o->closed = true;
	o->posting = 0;
	ramet__outlet_release(o);
	l->outlet = NULL;
}
