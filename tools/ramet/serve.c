/* serve.c - serves the files of a directory.
 *
 * Each loop has a server of its own, on the same ports: the kernel deals the
 * connections out.  One ramet of the first loop waits for the signals.
 */
#include "tools/ramet/serve.h"
#include "tools/ramet/say.h"

#include "ramet/future.h"
#include "ramet/http.h"
#include "ramet/io.h"
#include "ramet/loop.h"
#include "ramet/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct part;

struct served {
	const struct serve_options *options;
	struct ramet_tls *tls;
	size_t loops;
	struct part *parts; /* one for each loop */
	int ports[LISTEN_MAX];
	uint64_t requests;
	bool failed;
};

/* One loop's part. */
struct part {
	struct served *all;
	size_t number;
	struct ramet_http_server *server;
	struct ramet_future *done;
};

/* ---- listening ----------------------------------------------------------- */

static bool is_path(const char *address)
{
	return strncmp(address, "http+unix:", 10) == 0;
}

static _Noreturn void refuse_path(const char *address)
{
	switch (errno) {
	case EADDRINUSE:
		refuse(1,
		       "%s is there already: another program listens there, or "
		       "has left it behind; remove it, or choose another path "
		       "with --listen",
		       address);
	case EINVAL:
		refuse(STATUS_REFUSED,
		       "--listen: %s is no path; write http+unix:///PATH, of "
		       "at most 107 bytes",
		       address);
	default:
		refuse(1, "%s cannot be listened on: %s", address,
		       strerror(errno));
	}
}

static _Noreturn void refuse_address(const char *address)
{
	switch (errno) {
	case EADDRINUSE:
		refuse(1,
		       "%s is taken: another program listens there; stop it, "
		       "or choose another port with --listen",
		       address);
	case EADDRNOTAVAIL:
		refuse(1,
		       "%s is no address of this machine; with --listen, "
		       "choose one that is, or 0.0.0.0 for all of them",
		       address);
	case EINVAL:
		refuse(STATUS_REFUSED,
		       "--listen: %s is no address; write 8080, "
		       "127.0.0.1:8080 or http://[::]:8080",
		       address);
	case EACCES:
		refuse(1,
		       "%s is not allowed: ports below 1024 may need root; "
		       "choose a higher one with --listen",
		       address);
	default:
		refuse(1, "%s cannot be listened on: %s", address,
		       strerror(errno));
	}
}

/* "tcp://host:port" of "http://host:port", with that port. */
static void socket_address(const char *address, int port, char *text,
			   size_t size)
{
	const char *host = strstr(address, "://") + 3;
	const char *colon = strrchr(host, ':');

	snprintf(text, size, "tcp://%.*s:%d",
		 (int)(colon ? (size_t)(colon - host) : strlen(host)), host,
		 port);
}

/* Listen once more on a port of the first server's. */
static int listen_too(struct ramet_http_server *s, const char *address,
		      int port)
{
	char text[300];
	int fd;

	socket_address(address, port, text, sizeof text);
	fd = ramet_listen_shared(text);
	if (fd < 0)
		return -1;
	if (ramet_http_listen_fd(s, fd, strncmp(address, "https", 5) == 0) <
	    0) {
		ramet_close(fd);
		return -1;
	}
	return 0;
}

/* The port of an address, which nobody else listens on: with SO_REUSEPORT alone
 * a second of us would go unnoticed. */
static int free_port(const char *address)
{
	char text[300];
	const char *colon = strrchr(address, ':');
	int port, fd;

	socket_address(address, colon ? atoi(colon + 1) : 0, text, sizeof text);
	fd = ramet_listen(text);
	port = fd < 0 ? -1 : ramet_port(fd);
	if (fd >= 0)
		ramet_close(fd);
	return port;
}

static void listen_first(struct served *all, struct ramet_http_server *s)
{
	for (size_t i = 0; i < all->options->listen_count; i++) {
		const char *address = all->options->listen[i];

		if (all->loops == 1 || is_path(address)) {
			all->ports[i] = ramet_http_listen(s, address);
		} else {
			all->ports[i] = free_port(address);
			if (all->ports[i] >= 0 &&
			    listen_too(s, address, all->ports[i]) < 0)
				all->ports[i] = -1;
		}
		if (all->ports[i] < 0 && is_path(address))
			refuse_path(address);
		if (all->ports[i] < 0)
			refuse_address(address);
	}
}

static int listen_next(struct served *all, struct ramet_http_server *s)
{
	for (size_t i = 0; i < all->options->listen_count; i++) {
		const char *address = all->options->listen[i];

		if (!is_path(address) &&
		    listen_too(s, address, all->ports[i]) < 0)
			return -1;
	}
	return 0;
}

/* ---- what is said -------------------------------------------------------- */

static const char *bold(bool on)
{
	const char *none = getenv("NO_COLOR");

	if (!isatty(STDOUT_FILENO) || (none && *none))
		return "";
	return on ? "\033[1m" : "\033[0m";
}

/* What a browser is to be told; *host has room for it. */
static void make_url(const struct served *all, size_t i, char *url, size_t size)
{
	const char *address = all->options->listen[i];
	const char *host = strstr(address, "://") + 3;
	const char *colon = strrchr(host, ':');

	if (is_path(address)) {
		snprintf(url, size, "%s", address);
		return;
	}
	snprintf(url, size, "%.*s%.*s:%d/", (int)(host - address), address,
		 (int)(colon ? (size_t)(colon - host) : strlen(host)), host,
		 all->ports[i]);
}

static void say_as_json(const struct served *all)
{
	char url[400];

	printf("{\"directory\": ");
	put_json(stdout, all->options->directory);
	printf(", \"urls\": [");
	for (size_t i = 0; i < all->options->listen_count; i++) {
		make_url(all, i, url, sizeof url);
		printf("%s", i ? ", " : "");
		put_json(stdout, url);
	}
	printf("], \"loops\": %zu, \"pid\": %d}\n", all->loops, (int)getpid());
}

static void say_where(const struct served *all)
{
	char url[400];

	if (all->options->json)
		say_as_json(all);
	else if (!all->options->quiet) {
		printf("%s is served at\n", all->options->directory);
		for (size_t i = 0; i < all->options->listen_count; i++) {
			make_url(all, i, url, sizeof url);
			printf("  %s%s%s\n", bold(true), url, bold(false));
		}
		if (isatty(STDOUT_FILENO))
			printf("Ctrl-C stops it.\n");
	}
	fflush(stdout);
}

static void say_stopping(const struct served *all, int signal)
{
	if (!all->options->quiet && !all->options->json)
		fprintf(stderr,
			"%sramet serve: stopped by %s; requests under way are "
			"finished, a second signal ends them\n",
			isatty(STDERR_FILENO) ? "\n" : "",
			signal == SIGINT ? "Ctrl-C" : "SIGTERM");
}

static void say_end(const struct served *all)
{
	if (all->options->json)
		printf("{\"requests\": %llu}\n",
		       (unsigned long long)all->requests);
	else if (!all->options->quiet)
		fprintf(stderr, "ramet serve: %llu request%s answered\n",
			(unsigned long long)all->requests,
			all->requests == 1 ? " was" : "s were");
}

/* ---- serving ------------------------------------------------------------- */

static void answer(struct ramet_http *h, void *arg)
{
	const struct serve_options *o = arg;

	if (o->metrics && strcmp(ramet_http_path(h), o->metrics) == 0)
		ramet_http_metrics(h);
	else
		ramet_http_files(h, o->directory, o->list);
}

static void *prepare(void *arg)
{
	struct part *p = arg;
	const struct serve_options *o = p->all->options;
	struct ramet_http_opts opts = {.handler = answer,
				       .arg = (void *)(uintptr_t)o,
				       .tls = p->all->tls,
				       .compress = 1,
				       .log_fd = o->log ? STDERR_FILENO : 0,
				       .name = "ramet"};

	p->server = ramet_http_server_new(&opts);
	if (!p->server)
		refuse(1, "a server cannot be made: %s", strerror(errno));
	if (p->number == 0)
		listen_first(p->all, p->server);
	else if (listen_next(p->all, p->server) < 0)
		refuse(1, "another loop cannot listen too: %s",
		       strerror(errno));
	return NULL;
}

static void *run(void *arg)
{
	struct part *p = arg;
	struct ramet_http_stats stats;

	if (ramet_http_serve(p->server) < 0) {
		fprintf(stderr, "ramet serve: serving failed: %s\n",
			strerror(errno));
		__atomic_store_n(&p->all->failed, true, __ATOMIC_RELAXED);
	}
	ramet_http_get_stats(p->server, &stats);
	__atomic_add_fetch(&p->all->requests, stats.requests, __ATOMIC_RELAXED);
	return NULL;
}

static void *end(void *arg)
{
	struct part *p = arg;

	ramet_http_server_free(p->server);
	return NULL;
}

static void begin_in_loop(struct part *p, void *(*fn)(void *))
{
	p->done = ramet_loop_call(ramet_loop_at(p->number), fn, p);
	if (!p->done)
		refuse(1, "a loop cannot begin: %s", strerror(errno));
}

static void wait_for(struct part *p)
{
	ramet_future_get(p->done, NULL);
	ramet_future_release(p->done);
}

/* ---- the whole ----------------------------------------------------------- */

struct watch {
	struct served *all;
	struct ramet_signals *signals;
};

static void *watch(void *arg)
{
	struct watch *w = arg;
	bool said = false;

	for (;;) {
		int signal = ramet_signals_next(w->signals, NULL);

		if (signal < 0 && errno == ECANCELED)
			return NULL;
		if (signal < 0) { /* a shortage will pass */
			ramet_sleep(10 * RAMET_MS);
			continue;
		}
		if (!said)
			say_stopping(w->all, signal);
		said = true;
		for (size_t i = 0; i < w->all->loops; i++)
			ramet_http_stop(w->all->parts[i].server);
	}
}

/* One after the other: the first one's ports are the others'. */
static void prepare_all(struct served *all)
{
	for (size_t i = 0; i < all->loops; i++) {
		all->parts[i] = (struct part){.all = all, .number = i};
		begin_in_loop(&all->parts[i], prepare);
		wait_for(&all->parts[i]);
	}
}

static void in_all(struct served *all, void *(*fn)(void *))
{
	for (size_t i = 0; i < all->loops; i++)
		begin_in_loop(&all->parts[i], fn);
	for (size_t i = 0; i < all->loops; i++)
		wait_for(&all->parts[i]);
}

static void start_loops(struct served *all)
{
	int n = ramet_loops_start(all->options->loops);

	all->loops = n < 0 ? 0 : (size_t)n;
	all->parts = calloc(all->loops, sizeof *all->parts);
	if (n < 0 || !all->parts)
		refuse(1, "%zu loops are too many: %s", all->options->loops,
		       strerror(errno));
}

/* Signals come first: OS threads that are there already would take them. */
static void serve_all(struct served *all)
{
	static const int numbers[] = {SIGINT, SIGTERM};
	struct watch w = {all, ramet_signals_new(numbers, 2)};
	struct ramet *watcher;

	start_loops(all);
	prepare_all(all);
	watcher = w.signals ? ramet_spawn(watch, &w) : NULL;
	if (!watcher)
		refuse(1, "signals cannot be waited for: %s", strerror(errno));
	say_where(all);
	in_all(all, run);
	ramet_cancel(watcher);
	ramet_join(watcher, NULL);
	in_all(all, end);
	ramet_signals_free(w.signals);
	free(all->parts);
}

static struct ramet_tls *make_tls(const struct serve_options *o)
{
	struct ramet_tls_opts opts = {.cert = o->cert,
				      .key = o->key,
				      .alpn = "http/1.1"};
	struct ramet_tls *tls = o->cert ? ramet_tls_server(&opts) : NULL;

	if (o->cert && !tls)
		refuse(1, "--tls: %s and %s cannot be used: %s", o->cert,
		       o->key,
		       errno == EINVAL ? "they are not a certificate and its "
					 "key, in PEM"
				       : strerror(errno));
	return tls;
}

int serve(int argc, char **argv)
{
	struct serve_options o;
	struct served all = {.options = &o};

	speak_as("serve");
	o = read_serve_options(argc, argv);
	if (o.help) {
		print_serve_help();
		return 0;
	}
	all.tls = make_tls(&o);
	serve_all(&all);
	ramet_tls_free(all.tls);
	say_end(&all);
	return all.failed;
}
