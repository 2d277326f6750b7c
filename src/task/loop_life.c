/* loop_life.c - one of the other loops, from its thread's start to its end: its
 * main waits until it is to stop, and then for all others to end. */
#include "core/outlet.h"
#include "core/stack.h"
#include "kernel/libc.h"
#include "sync/lot.h"
#include "task/gate.h"
#include "task/loops.h"

#include <stdio.h>
#include <sys/prctl.h>

enum { PATIENCE_LEAST = RAMET_MS / 4, PATIENCE_MOST = 64 * RAMET_MS };

static void set_state(struct ramet_loop *h, uint32_t state)
{
	__atomic_store_n(&h->state, state, __ATOMIC_SEQ_CST);
	ramet__lot_wake(&h->state, INT_MAX, UINT32_MAX);
}

/* ---- the life of one of the others -------------------------------------- */

int ramet__loop_enlist(struct loop *l, struct ramet_loop *h)
{
	int err = ramet__poller(l);

	if (err < 0)
		return err;
	h->outlet = ramet__outlet(l);
	if (!h->outlet)
		return -ENOMEM;
	h->spare = h->homecome = h->homebound = NULL;
	h->requests = h->together = 0;
	h->loop = l;
	h->stop = false;
	h->running = 1;
	l->handle = h;
	l->load_at = &h->running;
	l->reachable = true;
	gate_open(h);
	return 0;
}

static void cancel_other(struct ramet *t, void *me)
{
	if (t != me && t->state != STATE_ENDED)
		ramet_cancel(t);
}

/* Until no more of them end at once. */
static void let_end(struct loop *l)
{
	uint64_t before;

	do {
		before = running(l);
		ramet__give_way(l);
	} while (running(l) > 1 && running(l) < before);
}

/* Clean-up may take its time behind a shield, and may start ramets that have
 * not been cancelled: so look again now and then. */
static void end_ramets(struct loop *l)
{
	int64_t patience = PATIENCE_LEAST;

	for (;;) {
		ramet__each(l, cancel_other, l->current);
		let_end(l);
		if (running(l) == 1)
			return;
		ramet__park_firm(l, WAIT_SLEEP, NULL,
				 time_add(kernel_now(), patience));
		if (patience < PATIENCE_MOST)
			patience *= 2;
	}
}

void ramet__loop_take_last(struct loop *l, struct ramet_loop *h)
{
	gate_wait_empty(h);
	while (!gate_took_all(h))
		ramet__deliver(l);
}

static void on_stop(struct loop *l, struct mail *mail)
{
	struct ramet_loop *h = container_of(mail, struct ramet_loop, stop_mail);

	h->stop = true;
	if (l->main.state == STATE_PARKED && l->main.wait == WAIT_LOOP)
		ramet__wake(&l->main, 0);
}

void ramet__loop_stop(struct ramet_loop *h)
{
	h->stop_mail.deliver = on_stop;
	gate_enter(h);
	ramet__post(h->loop, &h->stop_mail);
	gate_leave(h);
}

static void *run(void *handle)
{
	struct ramet_loop *h = handle;
	struct loop *l;
	char name[16];

	snprintf(name, sizeof name, "ramet loop %u", h->index % 1000);
	kernel_call(SYS_prctl, PR_SET_NAME, KERNEL_ARG(name), 0, 0, 0, 0);
	l = ramet__loop();
	h->error = l ? ramet__loop_enlist(l, h) : -ENOMEM;
	if (h->error < 0) {
		set_state(h, LOOP_FAILED);
		return NULL;
	}
	set_state(h, LOOP_UP);
	while (!h->stop)
		ramet__park_firm(l, WAIT_LOOP, h, RAMET_NEVER);
	ramet__loop_take_last(l, h);
	end_ramets(l);
	return NULL;
}

void ramet__loops_left(struct ramet_loop *h)
{
	if (h)
		set_state(h, LOOP_GONE);
}

/* ---- its thread --------------------------------------------------------- */

/* Signals are for the thread that the program handles them in; but what a
 * ramet does wrong is reported where it is done. */
static void block_signals(sigset_t *before)
{
	static const int own[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
				  SIGTRAP, SIGABRT, SIGSYS};
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < countof(own); i++)
		sigdelset(&set, own[i]);
	ramet__libc.pthread_sigmask(SIG_SETMASK, &set, before);
}

void ramet__loop_await(struct ramet_loop *h, uint32_t from, int mode, int *err)
{
	static const struct lot_reason reason = {.what = "for a loop"};

	while (*err == 0 &&
	       __atomic_load_n(&h->state, __ATOMIC_SEQ_CST) == from) {
		*err = ramet__lot_wait(&h->state, from, UINT32_MAX, RAMET_NEVER,
				       mode | LOT_OPEN, &reason);
		if (*err == -EAGAIN)
			*err = 0;
	}
}

int ramet__loop_thread(struct ramet_loop *h)
{
	sigset_t before;
	int err;

	h->state = LOOP_NEW;
	block_signals(&before);
	err = ramet__libc.pthread_create(&h->thread, NULL, run, h);
	ramet__libc.pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -EAGAIN;
	ramet__loop_await(h, LOOP_NEW, LOT_FIRM, &err);
	if (h->state == LOOP_UP)
		return 0;
	ramet__libc.pthread_join(h->thread, NULL);
	return h->error == -ENOMEM ? -ENOMEM : -EAGAIN;
}
