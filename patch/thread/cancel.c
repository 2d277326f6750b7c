/* cancel.c - ending another thread at its next cancellation point.
 *
 * Every replacement that begins with hook_begin is one.  Asynchronous
 * cancellation is acted upon at the next point too, or at once by a thread that
 * cancels itself: nothing interrupts a ramet that computes.
 */
#include "patch/thread/life.h"

static void act_now(struct thread *t)
{
	if (thread_must_end(t))
		ramet__thread_exit(ramet__this_loop, PTHREAD_CANCELED);
}

int HOOK(pthread_cancel)(pthread_t p)
{
	struct loop *l = thread_loop();
	struct thread *t = l ? thread_of(p) : NULL;

	if (!t)
		return libc.pthread_cancel(p);
	if (t->life == THREAD_GONE)
		return ESRCH;
	if (t->life == THREAD_ENDED || t->exiting)
		return 0;
	t->cancelled = true;
	if (t->cancel_disabled)
		return 0;
	if (t == thread_self(l) && t->cancel_async)
		act_now(t);
	ramet__thread_ask(t);
	return 0;
}

int HOOK(pthread_setcancelstate)(int state, int *old)
{
	struct loop *l = thread_loop();
	struct thread *t = l ? thread_self(l) : NULL;

	if (!t)
		return libc.pthread_setcancelstate(state, old);
	if (state != PTHREAD_CANCEL_ENABLE && state != PTHREAD_CANCEL_DISABLE)
		return EINVAL;
	if (old)
		*old = t->cancel_disabled ? PTHREAD_CANCEL_DISABLE
					  : PTHREAD_CANCEL_ENABLE;
	t->cancel_disabled = state == PTHREAD_CANCEL_DISABLE;
	if (thread_must_end(t)) {
		t->asked = true;
		if (t->cancel_async)
			act_now(t);
	}
	return 0;
}

int HOOK(pthread_setcanceltype)(int type, int *old)
{
	struct loop *l = thread_loop();
	struct thread *t = l ? thread_self(l) : NULL;

	if (!t)
		return libc.pthread_setcanceltype(type, old);
	if (type != PTHREAD_CANCEL_DEFERRED &&
	    type != PTHREAD_CANCEL_ASYNCHRONOUS)
		return EINVAL;
	if (old)
		*old = t->cancel_async ? PTHREAD_CANCEL_ASYNCHRONOUS
				       : PTHREAD_CANCEL_DEFERRED;
	t->cancel_async = type == PTHREAD_CANCEL_ASYNCHRONOUS;
	if (t->cancel_async)
		act_now(t);
	return 0;
}

void HOOK(pthread_testcancel)(void)
{
	struct loop *l = thread_loop();
	struct thread *t = l ? thread_self(l) : NULL;

	if (t)
		act_now(t);
	else
		libc.pthread_testcancel();
}
