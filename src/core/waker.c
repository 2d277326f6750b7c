/* waker.c - how other OS threads and signal handlers reach a ramet: a wake is
 * mail to its loop, posted at most once at a time. */
#include "core/core.h"

struct ramet_waker {
	struct mail mail;
	struct loop *loop;
	struct ramet *waiting;
	int posted; /* atomic: the mail is on its way */
	bool woken; /* nobody was waiting */
};

static void deliver(struct loop *l, struct mail *mail)
{
	struct ramet_waker *w = container_of(mail, struct ramet_waker, mail);

	(void)l;
	__atomic_store_n(&w->posted, 0, __ATOMIC_SEQ_CST);
	if (w->waiting && w->waiting->state == STATE_PARKED)
		ramet__wake(w->waiting, 0);
	else
		w->woken = true;
}

struct ramet_waker *ramet_waker_new(void)
{
	struct loop *l = ramet__loop();
	struct ramet_waker *w = l ? kernel_alloc(sizeof *w) : NULL;

	if (!w) {
		ramet__fail(-ENOMEM);
		return NULL;
	}
	w->mail.deliver = deliver;
	w->loop = l;
	return w;
}

void ramet_waker_wake(struct ramet_waker *w)
{
	if (!__atomic_exchange_n(&w->posted, 1, __ATOMIC_SEQ_CST))
		ramet__post(w->loop, &w->mail);
}

static int wait_for(struct ramet_waker *w)
{
	struct loop *l = ramet__loop();
	int err;

	if (w->loop != l || w->waiting)
		return (int)ramet__misuse(w->loop != l ? -EPERM : -EBUSY);
	err = ramet__interrupted(l);
	if (err < 0)
		return err;
	if (!w->woken) {
		w->waiting = l->current;
		err = ramet__park(l, WAIT_WAKER, w);
		w->waiting = NULL;
	}
	if (err == 0)
		w->woken = false;
	return err;
}

int ramet_waker_wait(struct ramet_waker *w)
{
	return (int)ramet__ret(wait_for(w));
}

/* Mail that is under way must have arrived: the loop's thread delivers it. */
void ramet_waker_free(struct ramet_waker *w)
{
	if (!w)
		return;
	while (__atomic_load_n(&w->posted, __ATOMIC_SEQ_CST))
		ramet__deliver(w->loop);
	kernel_free(w);
}
