/* serve.c - a server accepts connections until it is stopped, and drains. */
#include "http/server.h"

#include "io/fd.h"
#include "io/sock.h"
#include "kernel/calls.h"
#include "ramet/process.h"

/* ---- its ramets ---------------------------------------------------------- */

static void wake_server(struct ramet_http_server *s)
{
	if (s->waiting && s->ramet->state == STATE_PARKED) {
		s->waiting = false;
		ramet__wake(s->ramet, 0);
	}
}

void ramet__server_ended(struct ramet_http_server *s, struct ramet *t)
{
	t->flags |= FLAG_DETACHED;
	s->running--;
	if (s->stopping && (!s->running || !s->conns))
		wake_server(s);
}

struct ramet *ramet__server_spawn(struct ramet_http_server *s,
				  void *(*fn)(void *), void *arg,
				  void (*on_end)(struct ramet *), int *err)
{
	struct ramet_opts opts = {.name = "http",
				  .stack_size = s->opts.stack_size};
	struct ramet *t = ramet__spawn(s->loop, fn, arg, &opts,
				       (const void *)(uintptr_t)fn, err);

	if (!t)
		return NULL;
	t->cold->on_end = on_end;
	s->running++;
	return t;
}

/* Returns 0 or -errno. */
static int pause_shortly(struct ramet_http_server *s)
{
	int64_t until = time_add(kernel_now(), 10 * RAMET_MS);
	int err = ramet__park_until(s->loop, WAIT_SLEEP, s, until);

	return err == -ETIMEDOUT ? 0 : err;
}

/* ---- accepting ----------------------------------------------------------- */

void ramet__server_has_room(struct ramet_http_server *s)
{
	struct ramet_waiter *w, *next;

	for (w = s->room.first; w; w = next) {
		next = w->next;
		if (w->ramet->state == STATE_PARKED) {
			waitq_remove(w);
			ramet__wake(w->ramet, 0);
		}
	}
}

/* Wait until there may be one connection more.  Returns 0 or -errno. */
static int wait_for_room(struct ramet_http_server *s)
{
	size_t most = s->opts.connections_max;
	int err = 0;

	while (err == 0 && !s->stopping && most &&
	       s->stats.connections >= most) {
		struct ramet_waiter w = {.ramet = s->loop->current};

		waitq_append(&s->room, &w);
		err = ramet__park(s->loop, WAIT_WAKER, s);
		waitq_remove(&w);
	}
	return err;
}

/* What will pass. */
static bool is_shortage(int err)
{
	return err == -ENOMEM || err == -ENOBUFS || err == -ENOSPC ||
	       err == -EMFILE || err == -ENFILE || err == -EAGAIN;
}

static int accept_one(struct http_listener *l)
{
	struct sockaddr_storage addr = {0};
	socklen_t size = sizeof addr;
	int fd = ramet__sock_accept(l->fd, (struct sockaddr *)&addr, &size, 0);
	int err;

	if (fd < 0)
		return fd;
	err = wait_for_room(l->server); /* another listener's may be there */
	if (err == 0 && !l->server->stopping)
		ramet__http_accepted(l, fd, (struct sockaddr *)&addr);
	else
		ramet__close(fd);
	return err;
}

static void *accept_all(void *arg)
{
	struct http_listener *l = arg;
	struct ramet_http_server *s = l->server;

	while (!s->stopping) {
		int err = wait_for_room(s);

		if (err == 0 && !s->stopping)
			err = accept_one(l);
		if (is_shortage(err))
			err = pause_shortly(s);
		if (err < 0 && !s->stopping) {
			s->error = err; /* a listener that is none */
			wake_server(s);
			break;
		}
	}
	return NULL;
}

static void on_acceptor_end(struct ramet *t)
{
	const struct http_listener *l = t->cold->arg;

	ramet__server_ended(l->server, t);
}

/* ---- stopping ------------------------------------------------------------ */

static void on_stop(struct loop *l, struct mail *mail)
{
	struct ramet_http_server *s =
		container_of(mail, struct ramet_http_server, stop_mail);

	(void)l;
	__atomic_store_n(&s->stop_posted, 0, __ATOMIC_SEQ_CST);
	wake_server(s);
}

void ramet_http_stop(struct ramet_http_server *s)
{
	__atomic_add_fetch(&s->stops, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_exchange_n(&s->stop_posted, 1, __ATOMIC_SEQ_CST)) {
		s->stop_mail.deliver = on_stop;
		ramet__post(s->loop, &s->stop_mail);
	}
}

static int stops(const struct ramet_http_server *s)
{
	return __atomic_load_n(&s->stops, __ATOMIC_SEQ_CST);
}

static void *watch_signals(void *arg)
{
	struct ramet_http_server *s = arg;
	int err = 0;

	while (err == 0)
		if (ramet_signals_next(s->signals, NULL) > 0)
			ramet_http_stop(s);
		else if (errno == ECANCELED)
			err = -errno;
		else
			err = pause_shortly(s); /* a shortage will pass */
	return NULL;
}

static void on_watcher_end(struct ramet *t)
{
	struct ramet_http_server *s = t->cold->arg;

	s->watcher = NULL;
	ramet__server_ended(s, t);
}

static int start_watcher(struct ramet_http_server *s)
{
	int err = 0;

	if (s->signals)
		s->watcher = ramet__server_spawn(s, watch_signals, s,
						 on_watcher_end, &err);
	return err;
}

/* ---- serving ------------------------------------------------------------- */

static int wait_until(struct ramet_http_server *s, int64_t when)
{
	int err = ramet__interrupted(s->loop);

	if (err < 0)
		return err;
	s->waiting = true;
	err = ramet__park_until(s->loop, WAIT_WAKER, s, when);
	s->waiting = false;
	return err;
}

/* Those that wait for a request find the end, unless one has come meanwhile. */
static void end_idle(struct ramet_http_server *s)
{
	for (struct http_conn *c = s->conns; c; c = c->next)
		if (c->idle && c->conn)
			kernel_shutdown(c->conn->fd, SHUT_RD);
}

static void cancel_all(struct ramet_http_server *s)
{
	for (struct http_conn *c = s->conns; c; c = c->next)
		ramet__cancel(c->ramet);
}

/* Acceptors that pause find it soon enough. */
static void stop_accepting(struct ramet_http_server *s)
{
	s->stopping = true;
	ramet__server_close_listeners(s);
	ramet__server_has_room(s);
}

/* Connections that are left when the time is over, or a second stop comes, are
 * cancelled; so is a log that cannot be written.  The watcher ends last: it
 * brings that second stop. */
static void drain(struct ramet_http_server *s, int before)
{
	int64_t when = time_add(kernel_now(), s->opts.grace);
	struct ramet_scope shield;
	int err = 0;

	ramet_shield_open(&shield, RAMET_NEVER);
	stop_accepting(s);
	end_idle(s);
	while (s->conns && err == 0 && stops(s) <= before)
		err = wait_until(s, when);
	if (s->conns)
		cancel_all(s);
	if (s->watcher)
		ramet__cancel(s->watcher);
	while (s->conns)
		wait_until(s, RAMET_NEVER);
	for (err = 0; s->running && err == 0;)
		err = wait_until(s, when);
	if (s->log.writer)
		ramet__cancel(s->log.writer);
	while (s->running)
		wait_until(s, RAMET_NEVER);
	ramet_scope_close(&shield);
}

static int start(struct ramet_http_server *s)
{
	int err = start_watcher(s);

	for (struct http_listener *l = s->listeners; l && err == 0; l = l->next)
		if (!ramet__server_spawn(s, accept_all, l, on_acceptor_end,
					 &err))
			break;
	return err;
}

static int serve(struct ramet_http_server *s)
{
	int err = ramet__server_mine(s);

	if (err == 0 && (s->served || !s->listeners))
		err = -EINVAL;
	if (err < 0)
		return err;
	s->served = true;
	s->ramet = s->loop->current;
	err = start(s);
	while (err == 0 && !stops(s) && !s->error)
		err = wait_until(s, RAMET_NEVER);
	if (err == 0)
		err = s->error;
	drain(s, err < 0 ? stops(s) : 1);
	ramet_signals_free(s->signals);
	s->signals = NULL;
	return err;
}

int ramet_http_serve(struct ramet_http_server *s)
{
	return (int)ramet__ret(serve(s));
}
