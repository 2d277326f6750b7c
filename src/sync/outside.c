/* outside.c - who signals counts first and looks for the loop, or for mail
 * under way, after.  Who adopts says which loop first, and who delivers says
 * that the mail has come; both take the count after.  So one of the two sees
 * the other, and no count is left behind.
 */
#include "sync/outside.h"

#include "sync/lot.h"

_Static_assert(sizeof(struct mail) ==
		       sizeof((struct ramet_outside *)NULL)->mail,
	       "mail has room in what is public");

int ramet__outside_adopt(struct ramet_outside *o, struct loop *l)
{
	void *before = NULL;

	if (__atomic_compare_exchange_n(&o->loop, &before, l, false,
					__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
	    before == l)
		return 0;
	return (int)ramet__misuse(-EPERM);
}

/* Unlike in the child of a fork, where mail that was under way is lost. */
static int under_way(void)
{
	return 1 + (int)__atomic_load_n(&ramet__lot_forks, __ATOMIC_RELAXED);
}

/* Once the mail is posted the object may be gone. */
static void notify(struct ramet_outside *o,
		   void (*deliver)(struct loop *, struct mail *))
{
	struct loop *l = __atomic_load_n(&o->loop, __ATOMIC_SEQ_CST);
	struct mail *mail = (struct mail *)o->mail;
	int posted = under_way();

	if (!l ||
	    __atomic_exchange_n(&o->posted, posted, __ATOMIC_SEQ_CST) == posted)
		return;
	mail->deliver = deliver;
	ramet__post(l, mail);
}

void ramet__outside_add(struct ramet_outside *o, uint64_t n,
			void (*deliver)(struct loop *, struct mail *))
{
	__atomic_fetch_add(&o->count, n, __ATOMIC_SEQ_CST);
	notify(o, deliver);
}

void ramet__outside_or(struct ramet_outside *o, uint64_t n,
		       void (*deliver)(struct loop *, struct mail *))
{
	__atomic_fetch_or(&o->count, n, __ATOMIC_SEQ_CST);
	notify(o, deliver);
}

struct ramet_outside *ramet__outside_arrived(struct mail *mail)
{
	struct ramet_outside *o =
		container_of((void *)mail, struct ramet_outside, mail);

	__atomic_store_n(&o->posted, 0, __ATOMIC_SEQ_CST);
	return o;
}

void ramet_sync_settle(void)
{
	struct loop *l = ramet__this_loop;

	if (l)
		ramet__deliver(l);
}
