/* tls_load.c - the client of the HTTPS servers.
 *
 *     tls_load PORT GROUP CONNECTIONS PATH WARM_UP SECONDS [new]
 *
 * keeps one request in flight on each connection; with "new", each request
 * comes with a connection and a hand-shake of its own, nothing resumed.  It
 * speaks TLS 1.3 only, and prints what load.c does: answers, seconds, CPU
 * seconds of the server's processes, p50 and p99 in microseconds (with "new"
 * from the beginning of the connection).  Certificates are not looked at: they
 * are made for this.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "answer.h"
#include "client.h"

enum { EVENTS = 256, ROOM = 1 << 16 };

struct conn {
	int fd;
	bool answered;
	SSL *ssl;
	bool asked; /* the request is sent */
	int64_t asked_at;
	char *in;
	size_t size;
};

static struct conn *conns;
static int port, conn_count, poller, answered;
static bool anew;
static char *out;
static int out_size;
static SSL_CTX *ctx;
static struct answer expected;
static struct waits waits;

static void tls_failed(const char *what)
{
	fprintf(stderr, "tls_load: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void start(struct conn *c)
{
	c->asked = false;
	c->size = 0;
	c->asked_at = now();
	c->fd = connect_here(port, (int)(c - conns));
	c->ssl = SSL_new(ctx);
	if (!c->ssl || !SSL_set_fd(c->ssl, c->fd))
		tls_failed("SSL_new");
	SSL_set_connect_state(c->ssl);
	watch(poller, c->fd, EPOLLIN | EPOLLOUT | (uint32_t)EPOLLET, c);
}

static void stop(struct conn *c)
{
	SSL_free(c->ssl);
	close(c->fd);
}

/* Returns whether the call is to be made again when the socket is ready. */
static bool must_wait(struct conn *c, int result)
{
	int error = SSL_get_error(c->ssl, result);

	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		tls_failed("the connection ended");
	return true;
}

/* Returns whether the answer is complete. */
static bool go_on(struct conn *c)
{
	int n;

	if (!c->asked) {
		n = SSL_write(c->ssl, out, out_size); /* shakes hands first */
		if (n <= 0)
			return !must_wait(c, n);
		c->asked = true;
	}
	do {
		n = SSL_read(c->ssl, c->in + c->size, (int)(ROOM - c->size));
		if (n <= 0)
			return !must_wait(c, n);
		c->size += (size_t)n;
	} while (!answer_check(&expected, c->in, c->size));
	if (c->size != expected.size)
		wrong("more than an answer");
	answered += !c->answered;
	c->answered = true;
	waited(&waits, now() - c->asked_at);
	return true;
}

static void next(struct conn *c)
{
	if (anew) {
		stop(c);
		start(c);
		return;
	}
	c->asked = false;
	c->size = 0;
	c->asked_at = now();
	go_on(c); /* sends; the answer raises its edge */
}

static void run(int64_t end)
{
	static struct epoll_event events[EVENTS];

	while (answered < conn_count || now() < end) {
		int n = epoll_wait(poller, events, EVENTS, 100);

		for (int i = 0; i < n; i++)
			if (go_on(events[i].data.ptr))
				next(events[i].data.ptr);
	}
}

static void measure(const struct group *server, double warm_up, double seconds)
{
	int64_t cpu, from;

	run(now() + (int64_t)(warm_up * 1e9));
	memset(&waits, 0, sizeof waits);
	cpu = group_cpu(server);
	from = now();
	run(from + (int64_t)(seconds * 1e9));
	from = now() - from;
	cpu = group_cpu(server) - cpu;
	printf("%llu %.6f %.6f %d %d\n", (unsigned long long)waits.total,
	       (double)from / 1e9, (double)cpu / 1e9, percentile(&waits, 0.5),
	       percentile(&waits, 0.99));
}

static void prepare(const char *path)
{
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) ||
	    !SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") ||
	    !SSL_CTX_set1_groups_list(ctx, "X25519"))
		tls_failed("SSL_CTX_new");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	out_size = asprintf(&out,
			    "GET %s HTTP/1.1\r\nHost: localhost\r\n"
			    "User-Agent: load\r\nAccept: */*\r\n\r\n",
			    path);
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (out_size < 0 || poller < 0)
		fail("tls_load");
}

int main(int argc, char **argv)
{
	struct group server;

	if (argc < 7) {
		fprintf(stderr, "usage: tls_load PORT GROUP CONNECTIONS PATH "
				"WARM_UP SECONDS [new]\n");
		return 2;
	}
	port = atoi(argv[1]);
	conn_count = atoi(argv[3]);
	anew = argc > 7;
	alarm(120); /* whatever becomes of the server */
	signal(SIGPIPE, SIG_IGN);
	raise_limit();
	prepare(argv[4]);
	find_group(&server, atoi(argv[2]));
	conns = calloc((size_t)conn_count, sizeof *conns);
	for (int i = 0; i < conn_count; i++) {
		if (!conns || !(conns[i].in = malloc(ROOM)))
			fail("tls_load");
		start(&conns[i]);
	}
	measure(&server, strtod(argv[5], NULL), strtod(argv[6], NULL));
	return 0;
}
