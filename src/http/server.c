/* server.c - servers: made, told where to listen, freed. */
#include "http/server.h"

#include "io/fd.h"
#include "kernel/calls.h"
#include "ramet/io.h"
#include "ramet/process.h"

#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>

int ramet__server_mine(const struct ramet_http_server *s)
{
	return s->loop == ramet__loop() ? 0 : (int)ramet__misuse(-EPERM);
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

void ramet__server_close_listeners(struct ramet_http_server *s)
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

	ramet__server_close_listeners(s);
	while ((l = s->listeners)) {
		s->listeners = l->next;
		kernel_free(l);
	}
}

void ramet_http_server_free(struct ramet_http_server *s)
{
	int saved = errno;

	if (s && ramet__server_mine(s) == 0) {
		/* A stop that is under way must have arrived. */
		while (__atomic_load_n(&s->stop_posted, __ATOMIC_SEQ_CST))
			ramet__deliver(s->loop);
		free_listeners(s);
		ramet__exchange_free_spares(s);
		ramet__root_close(&s->root);
		ramet__log_free(s);
		ramet_signals_free(s->signals);
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

/* From here on: whoever finds that it listens may want it to end. */
static int take_signals(struct ramet_http_server *s)
{
	static const int signals[] = {SIGTERM, SIGINT};

	if (!s->opts.stop_signals || s->signals)
		return 0;
	s->signals = ramet_signals_new(signals, countof(signals));
	return s->signals ? 0 : -errno;
}

/* Be ready to listen on something. */
static int prepare(struct ramet_http_server *s, bool tls)
{
	int err = ramet__server_mine(s);

	if (err < 0)
		return err;
	return s->served || (tls && !s->opts.tls) ? -EINVAL : take_signals(s);
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
		err = prepare(s, tls);
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
	int err = prepare(s, tls), one = 1;

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
