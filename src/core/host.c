/* host.c - loops whose ramets run the code of a language runtime. */
#include "ramet/host.h"

#include "core/stack.h"

int ramet_host_open(const struct ramet_host *host, void *main)
{
	struct loop *l = ramet__loop();

	if (!l || l->host)
		return (int)ramet__fail(l ? -EBUSY : -ENOMEM);
	l->host = host;
	l->main.flags |= FLAG_GUEST;
	l->main_cold.guest = main;
	return 0;
}

static void forget_guest(struct ramet *t, void *unused)
{
	(void)unused;
	t->flags &= (uint16_t)~FLAG_GUEST;
}

void ramet_host_close(void)
{
	struct loop *l = ramet__this_loop;

	if (!l)
		return;
	forget_guest(&l->main, NULL);
	ramet__each(l, forget_guest, NULL);
	l->host = NULL;
}

struct ramet *ramet_host_spawn(void *(*fn)(void *), void *arg, void *guest,
			       size_t stack_size)
{
	struct ramet_opts opts = {.stack_size = stack_size};
	struct loop *l = ramet__loop();
	int err = -ENOMEM;
	struct ramet *t =
		l ? ramet__spawn_parked(l, fn, arg, &opts,
					__builtin_return_address(0), &err)
		  : NULL;

	if (!t) {
		ramet__fail(err);
		return NULL;
	}
	t->cold->guest = guest;
	t->flags |= FLAG_GUEST | FLAG_DETACHED;
	return t;
}

/* ---- waits --------------------------------------------------------------- */

int ramet_host_park(const char *what, int64_t when)
{
	struct loop *l = ramet__this_loop;
	int err = ramet__interrupted(l);

	if (likely(err == 0))
		err = ramet__park_until(l, WAIT_HOST, what, when);
	return (int)ramet__ret(err);
}

static bool waits_here(const struct ramet *t)
{
	return t->state == STATE_PARKED && t->wait >= WAIT_HOST &&
	       t->wait <= WAIT_HOST_JOIN;
}

int ramet_host_wake(struct ramet *t)
{
	if (!waits_here(t))
		return 0;
	ramet__wake(t, 0);
	return 1;
}

int ramet_host_wake_first(struct ramet *t)
{
	if (waits_here(t)) {
		ramet__wake_first(t, 0);
		return 1;
	}
	if (t->state != STATE_READY)
		return 0;
	ramet__bring_forward(t);
	return 1;
}

void ramet_host_run(struct ramet *t)
{
	struct loop *l = t->loop;

	if (ramet_host_wake_first(t))
		ramet__give_way_once(l);
}

int ramet_host_end(struct ramet *t, int err)
{
	if (t->state != STATE_PARKED || !(t->flags & FLAG_STARTED) ||
	    t->flags & FLAG_SHIELD)
		return 0;
	ramet__wake(t, -err);
	return 1;
}

/* To one that does not wait in ramet_host_park. */
static int switch_slowly(struct ramet *to, const char *what)
{
	if (!ramet_host_wake_first(to)) {
		ramet_host_end(to, ECANCELED);
		ramet_host_wake_first(to);
	}
	return ramet_host_park(what, RAMET_NEVER);
}

int ramet_host_switch(struct ramet *to, const char *what)
{
	struct loop *l = to->loop;
	int err;

	if (unlikely(!waits_here(to) || ramet__interrupted(l) < 0))
		return switch_slowly(to, what);
	err = ramet__park_for(l, to, WAIT_HOST, what);
	return likely(err == 0) ? 0 : (int)ramet__ret(err);
}

const char *ramet_host_waits_for(const struct ramet *t)
{
	if (!waits_here(t))
		return NULL;
	if (t->wait == WAIT_HOST_LOCK)
		return "a lock";
	return t->wait == WAIT_HOST_JOIN ? "an end" : t->wait_object;
}

size_t ramet_host_outside(void)
{
	return loop_outside(ramet__this_loop);
}

int ramet_host_timed(const struct ramet *but)
{
	size_t own = but && timer_armed(&but->timer);

	return ramet__this_loop->timers.count > own;
}

/* ---- from outside -------------------------------------------------------- */

static void deliver(struct loop *l, struct mail *mail)
{
	struct ramet_host_call *call =
		container_of((void *)mail, struct ramet_host_call, reserved);

	(void)l;
	call->fn(call);
}

void ramet_host_post(struct ramet *t, struct ramet_host_call *call)
{
	struct mail *mail = (struct mail *)(void *)call->reserved;

	_Static_assert(sizeof *mail == sizeof call->reserved,
		       "mail has room in what is public");
	mail->deliver = deliver;
	ramet__post(t->loop, mail);
}
