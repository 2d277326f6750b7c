/* once.c - a function that is to succeed once.
 *
 * While somebody is at it the others wait.  Success ends all their waits;
 * failure, in whatever way, makes the first of them the next who tries.
 */
#include "sync/sync.h"

enum { DONE, YOUR_TURN }; /* what wakes a wait */

/* One try, by the runner. */
struct attempt {
	struct ramet_once *once;
	bool succeeded;
};

/* Also when fn is unwound. */
static void end(struct attempt *a)
{
	struct ramet_once *once = a->once;
	struct ramet_waiter *w;

	once->runner = NULL;
	if (a->succeeded) {
		once->done = 1;
		sync_wake_all(&once->waiters, DONE);
		return;
	}
	w = sync_next(&once->waiters);
	if (!w)
		return;
	once->runner = w->ramet;
	ramet__wake(w->ramet, YOUR_TURN);
}

enum { FAILED = 1 }; /* errno is fn's */

/* The caller is the runner. */
static int attempt(struct ramet_once *once, int (*fn)(void *), void *arg)
{
	__attribute__((cleanup(end))) struct attempt a = {once, false};

	a.succeeded = fn(arg) == 0;
	return a.succeeded ? 0 : FAILED;
}

/* Returns what wakes a wait, or an error. */
static int wait_for_turn(struct loop *l, struct ramet_once *once)
{
	int r, err;

	if (!once->runner) {
		once->runner = l->current;
		return YOUR_TURN;
	}
	r = ramet__owned_wait(l, WAIT_ONCE, once);
	if (unlikely(r < 0))
		return r;
	r = sync_wait(l, &once->waiters, WAIT_ONCE, once, NULL);
	if (r != YOUR_TURN)
		return r;
	err = ramet__interrupted(l);
	if (err == 0)
		return YOUR_TURN;
	end(&(struct attempt){once, false});
	return err;
}

static int call(struct loop *l, struct ramet_once *once, int (*fn)(void *),
		void *arg)
{
	int r;

	ramet__point(l);
	if (unlikely(once->runner && once->runner->loop != l))
		return (int)ramet__misuse(-EPERM);
	r = ramet__interrupted(l);
	if (unlikely(r < 0) || likely(once->done))
		return r;
	if (unlikely(once->runner == l->current))
		return (int)ramet__misuse(-EDEADLK);
	r = wait_for_turn(l, once);
	if (r == YOUR_TURN)
		r = attempt(once, fn, arg);
	ramet__point(l);
	return r;
}

int ramet_once(struct ramet_once *once, int (*fn)(void *), void *arg)
{
	struct loop *l = ramet__loop();
	int r = likely(l) ? call(l, once, fn, arg) : -ENOMEM;

	return (int)(unlikely(r == FAILED) ? ramet__fail(-errno)
					   : ramet__ret(r));
}
