/* mail.c - what other OS threads, signal handlers and other loops leave for a
 * loop: a list that anyone may push to, taken whole by the loop.
 */
#include "core/core.h"

void ramet__post(struct loop *l, struct mail *mail)
{
	mail->next = __atomic_load_n(&l->inbox, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&l->inbox, &mail->next, mail, true,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
	/* Of many who post, one wakes.  tests/model/wake.pml is this protocol.
	 */
	if (__atomic_load_n(&l->sleeping, __ATOMIC_SEQ_CST) &&
	    __atomic_exchange_n(&l->sleeping, 0, __ATOMIC_SEQ_CST))
		ramet__kernel->wake(l->poller);
}

/* In the order of posting. */
void ramet__deliver(struct loop *l)
{
	struct mail *newest, *oldest = NULL, *next;

	if (likely(!loop_has_mail(l)))
		return;
	l->doubt = 0;
	newest = __atomic_exchange_n(&l->inbox, NULL, __ATOMIC_ACQUIRE);
	for (; newest; newest = next) {
		next = newest->next;
		newest->next = oldest;
		oldest = newest;
	}
	for (; oldest; oldest = next) {
		next = oldest->next;
		oldest->deliver(l, oldest);
	}
}
