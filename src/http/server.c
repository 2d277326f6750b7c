/* server.c - servers: made, told where to listen, serving, stopped. */
#include "http/server.h"

#include "io/fd.h"
#include "io/sock.h"
#include "kernel/calls.h"
#include "ramet/io.h"
#include "ramet/process.h"

#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>

static int mine(const struct ramet_http_server *s)
{
	return s->loop == ramet__loop() ? 0 : (int)ramet__misuse(-EPERM);
}

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

/* ---- made ---------------------------------------------------------------- */

static void or_else(int64_t *value, int64_t ns)
{
	if (*value <= 0)
		*value = ns;
}

static void set_defaults(struct ramet_http_server *s)
{
	struct ramet_http_opts *o = &s->opts;

	if (!o->head_max)
		o->head_max = 16 * 1024;
	if (!o->headers_max)
		o->headers_max = 100;
	if (!o->body_max)
		o->body_max = 1024 * 1024;
	or_else(&o->head_time, 10 * RAMET_SEC);
	or_else(&o->body_time, 20 * RAMET_SEC);
	or_else(&o->write_time, 20 * RAMET_SEC);
	or_else(&o->idle_time, 75 * RAMET_SEC);
	or_else(&o->grace, 10 * RAMET_SEC);
	s->limits.head = (uint32_t)o->head_max;
	s->limits.fields = (uint32_t)o->headers_max;
}

/* A stack that ramet_spawn_opts would refuse is refused now. */
static bool good(const struct ramet_http_opts *o)
{
	size_t stack = o ? o->stack_size : 0;
	size_t name = o && o->name ? strlen(o->name) : 0;

	return o && o->handler && o->head_max <= 1 << 20 &&
	       o->headers_max <= HTTP_FIELDS &&
	       (!stack || (stack <= (size_t)1 << 30)) &&
	       name <= CONSTANT_MAX / 2 &&
	       (!o->name || ramet__is_value(o->name, name));
}

static struct ramet_http_server *new_server(const struct ramet_http_opts *opts)
{
	struct loop *l = ramet__loop();
	size_t name = opts->name ? strlen(opts->name) + 1 : 0;
	struct ramet_http_server *s = l ? kernel_alloc(sizeof *s + name) : NULL;

	if (!s)
		return NULL;
	s->loop = l;
	s->opts = *opts;
	if (name)
		s->opts.name = memcpy(s + 1, opts->name, name);
	s->constant_until = INT64_MIN;
	set_defaults(s);
	return s;
}

struct ramet_http_server *ramet_http_server_new(
	const struct ramet_http_opts *opts)
{
	struct ramet_http_server *s = good(opts) ? new_server(opts) : NULL;

	if (!s)
		ramet__fail(good(opts) ? -ENOMEM : -EINVAL);
	return s;
}

static void close_listeners(struct ramet_http_server *s)
{
	for (struct http_listener *l = s->listeners; l; l = l->next) {
		if (l->fd >= 0)
			ramet__close(l->fd);
		l->fd = -1;
	}
}

static void free_listeners(struct ramet_http_server *s)
{
	struct http_listener *l;

	close_listeners(s);
	while ((l = s->listeners)) {
		s->listeners = l->next;
		kernel_free(l);
	}
}

void ramet_http_server_free(struct ramet_http_server *s)
{
	int saved = errno;

	if (s && mine(s) == 0) {
		/* A stop that is under way must have arrived. */
		while (__atomic_load_n(&s->stop_posted, __ATOMIC_SEQ_CST))
			ramet__deliver(s->loop);
		free_listeners(s);
		ramet__exchange_free_spares(s);
		ramet__root_close(&s->root);
	ramet__log_free(s);
		kernel_free(s);
	}
	errno = saved;
}

void ramet_http_get_stats(const struct ramet_http_server *s,
			  struct ramet_http_stats *stats)
{
	*stats = s->stats;
}

/* ---- listening ----------------------------------------------------------- */

static int add_listener(struct ramet_http_server *s, int fd, bool tls)
{
	struct http_listener *l = kernel_alloc(sizeof *l);

	if (!l)
		return -ENOMEM;
	*l = (struct http_listener){s->listeners, s, fd, tls};
	s->listeners = l;
	return 0;
}

static int may_listen(const struct ramet_http_server *s, bool tls)
{
	int err = mine(s);

	if (err < 0)
		return err;
	return s->served || (tls && !s->opts.tls) ? -EINVAL : 0;
}

/* The address as ramet_listen knows it.  Returns 0 or -EINVAL. */
static int translate(const char *address, char *to, size_t room, bool *tls)
{
	static const struct {
		const char *ours, *theirs;
		bool tls;
	} schemes[] = {
		{"http://", "tcp://", false},
		{"https://", "tcp://", true},
		{"http+unix://", "unix://", false},
	};

	for (size_t i = 0; address && i < countof(schemes); i++) {
		size_t n = strlen(schemes[i].ours);
		size_t m = strlen(schemes[i].theirs);

		if (strncmp(address, schemes[i].ours, n) != 0)
			continue;
		if (strlen(address + n) + m >= room)
			return -EINVAL;
		memcpy(to, schemes[i].theirs, m);
		memcpy(to + m, address + n, strlen(address + n) + 1);
		*tls = schemes[i].tls;
		return 0;
	}
	return -EINVAL;
}

static int listen_on(struct ramet_http_server *s, const char *address)
{
	char text[256];
	bool tls = false;
	int err = translate(address, text, sizeof text, &tls);
	int fd;

	if (err == 0)
		err = may_listen(s, tls);
	if (err < 0)
		return err;
	fd = ramet_listen(text); /* never waits */
	if (fd < 0)
		return -errno;
	err = add_listener(s, fd, tls);
	if (err < 0) {
		ramet__close(fd);
		return err;
	}
	return ramet_port(fd);
}

int ramet_http_listen(struct ramet_http_server *s, const char *address)
{
	return (int)ramet__ret(listen_on(s, address));
}

static int listen_fd(struct ramet_http_server *s, int fd, bool tls)
{
	int err = may_listen(s, tls), one = 1;

	if (err < 0)
		return err;
	/* It may be no TCP. */
	kernel_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return add_listener(s, fd, tls);
}

int ramet_http_listen_fd(struct ramet_http_server *s, int fd, int tls)
{
	return (int)ramet__ret(listen_fd(s, fd, tls));
}

/* ---- accepting ----------------------------------------------------------- */

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

	if (fd < 0)
		return fd;
	ramet__http_accepted(l, fd, (struct sockaddr *)&addr);
	return 0;
}

static void *accept_all(void *arg)
{
	enum { PAUSE = 10 * 1000 * 1000 };
	struct http_listener *l = arg;
	struct ramet_http_server *s = l->server;

	while (!s->stopping) {
		int err = wait_for_room(s);

		if (err == 0 && !s->stopping)
			err = accept_one(l);
		if (is_shortage(err))
			err = ramet__park_until(s->loop, WAIT_SLEEP, l,
						time_add(kernel_now(), PAUSE));
		if (err < 0 && err != -ETIMEDOUT && !s->stopping) {
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

struct watch {
	struct ramet_http_server *server;
	struct ramet_signals *signals;
	struct ramet *ramet;
};

static void *watch_signals(void *arg)
{
	struct watch *w = arg;

	while (ramet_signals_next(w->signals, NULL) > 0)
		ramet_http_stop(w->server);
	return NULL;
}

static void on_watcher_end(struct ramet *t)
{
	struct watch *w = t->cold->arg;

	w->ramet = NULL;
	ramet__server_ended(w->server, t);
}

static int start_watch(struct watch *w)
{
	static const int signals[] = {SIGTERM, SIGINT};
	int err;

	if (!w->server->opts.stop_signals)
		return 0;
	w->signals = ramet_signals_new(signals, countof(signals));
	if (!w->signals)
		return -errno;
	w->ramet = ramet__server_spawn(w->server, watch_signals, w,
				       on_watcher_end, &err);
	return w->ramet ? 0 : err;
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
	struct ramet_waiter *w, *next;

	s->stopping = true;
	close_listeners(s);
	for (w = s->room.first; w; w = next) {
		next = w->next;
		if (w->ramet->state == STATE_PARKED) {
			waitq_remove(w);
			ramet__wake(w->ramet, 0);
		}
	}
}

/* Connections that are left when the time is over, or a second stop comes, are
 * cancelled; so is a log that cannot be written.  The watcher ends last: it
 * brings that second stop. */
static void drain(struct ramet_http_server *s, struct watch *w, int before)
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
	if (w->ramet)
		ramet__cancel(w->ramet);
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

static int start(struct ramet_http_server *s, struct watch *w)
{
	int err = start_watch(w);

	for (struct http_listener *l = s->listeners; l && err == 0; l = l->next)
		if (!ramet__server_spawn(s, accept_all, l, on_acceptor_end,
					 &err))
			break;
	return err;
}

static int serve(struct ramet_http_server *s)
{
	struct watch w = {.server = s};
	int err = mine(s);

	if (err == 0 && (s->served || !s->listeners))
		err = -EINVAL;
	if (err < 0)
		return err;
	s->served = true;
	s->ramet = s->loop->current;
	err = start(s, &w);
	while (err == 0 && !stops(s) && !s->error)
		err = wait_until(s, RAMET_NEVER);
	if (err == 0)
		err = s->error;
	drain(s, &w, err < 0 ? stops(s) : 1);
	ramet_signals_free(w.signals);
	return err;
}

int ramet_http_serve(struct ramet_http_server *s)
{
	return (int)ramet__ret(serve(s));
}
