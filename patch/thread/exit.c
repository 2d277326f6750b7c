/* exit.c - a thread comes to its end: cleanup handlers, then destructors of
 * thread_local objects, then those of keys, and only then joiners. */
#include "patch/signal/signal.h"
#include "patch/thread/layout.h"
#include "patch/thread/life.h"

#include "kernel/libc.h"
#include "sync/lot.h"

#include <stdlib.h>

/* ---- main --------------------------------------------------------------- */

static pthread_key_t main_key;

/* main's pthread_exit has unwound its stack as far as libc's start code, which
 * runs keys' destructors and would then end the process.  This is the first of
 * them that it can meet: it does what is left to do and stays. */
static void main_ends(void *thread)
{
	static const struct lot_reason reason = {"for the other threads to end",
						 NULL, 0, NULL};
	struct thread *t = thread;
	struct loop *l = ramet__this_loop;

	ramet__thread_last_rites(t);
	t->life = THREAD_ENDED;
	ramet__thread_tell(t);
	ramet__thread_tell_outside(t);
	for (;;)
		ramet__park_firm(l, WAIT_LOT, &reason, RAMET_NEVER);
}

static void prepare_main(struct thread *t)
{
	static bool made;

	if (!made && ramet__libc.pthread_key_create(&main_key, main_ends))
		exit(0); /* no key left: nothing can wait for the others */
	made = true;
	pthread_setspecific(main_key, t);
	kernel_not_at_thread_exit(); /* it and the loop go on */
}

/* ---- any ---------------------------------------------------------------- */

void ramet__thread_last_rites(struct thread *t)
{
	t->exiting = true;
	ramet__tls_layout.run_dtors();
	if (t->main)
		pthread_setspecific(main_key, NULL);
	ramet__keys_end(t->tls);
	if (!t->main)
		ramet__tls_leave(t);
	ramet__thread_count_down();
}

/* What is unwound may have been in a call that could be interrupted, or in a
 * scope: cleanup handlers are not. */
_Noreturn void ramet__thread_exit(struct loop *l, void *value)
{
	struct ramet *me = l->current;
	struct thread *t = me->cold->thread;

	t->exiting = true;
	t->asked = false;
	t->value = value;
	me->flags &= (uint16_t)~FLAG_EINTR;
	me->scope = NULL;
	me->deadline = RAMET_NEVER;
	if (t->main)
		prepare_main(t);
	libc.pthread_exit(value);
	__builtin_unreachable();
}

/* A ramet of ramet_spawn is no pthread, but it can end. */
static _Noreturn void end_ramet(struct ramet *me, void *value)
{
	me->cold->value = value;
	ramet__unwind(me);
	abort();
}

void HOOK(pthread_exit)(void *value)
{
	struct loop *l = thread_loop();

	if (l && thread_self(l))
		ramet__thread_exit(l, value);
	if (l)
		end_ramet(l->current, value);
	libc.pthread_exit(value);
}
