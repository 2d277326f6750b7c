/* tls.h - pairs of connections that speak TLS, for the tests of it. */
#ifndef TLS_H
#define TLS_H

#include "certs.h"
#include "pair.h"

#include "base/base.h"

/* Options as names of certs.h, NULL or as they are. */
static inline struct ramet_tls_opts with_paths(const struct ramet_tls_opts *o)
{
	struct ramet_tls_opts opts = *o;

	opts.cert = o->cert ? certs_file(o->cert) : NULL;
	opts.key = o->key ? certs_file(o->key) : NULL;
	opts.ca = o->ca ? certs_file(o->ca) : NULL;
	return opts;
}

static inline struct ramet_tls *client_of(const struct ramet_tls_opts *o)
{
	struct ramet_tls_opts opts = with_paths(o);
	struct ramet_tls *tls = ramet_tls_client(&opts);

	if (!tls)
		test_fail(__FILE__, __LINE__, "client: %s", ramet_tls_error());
	return tls;
}

static inline struct ramet_tls *server_of(const struct ramet_tls_opts *o)
{
	struct ramet_tls_opts opts = with_paths(o);
	struct ramet_tls *tls = ramet_tls_server(&opts);

	if (!tls)
		test_fail(__FILE__, __LINE__, "server: %s", ramet_tls_error());
	return tls;
}

static const struct ramet_tls_opts trusting = {.ca = "ca.pem"};
static const struct ramet_tls_opts serving = {.cert = "server.pem",
					      .key = "server.key"};

/* The same, encrypted here: what the test puts on the socket is on the wire. */
static const struct ramet_tls_opts trusting_here = {.ca = "ca.pem",
						    .no_kernel = 1};
static const struct ramet_tls_opts serving_here = {.cert = "server.pem",
						   .key = "server.key",
						   .no_kernel = 1};

/* Whether the kernel can (kTLS), once it has been asked. */
static inline bool kernel_encrypts(void)
{
	const char *off = getenv("RAMET_KTLS");
	char text[256] = "";
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_available_ulp", "re");

	if (f) {
		if (!fgets(text, sizeof text, f))
			*text = '\0';
		fclose(f);
	}
	return strstr(text, "tls") && (!off || strcmp(off, "0") != 0) &&
	       strcmp(ramet_kernel_name(), "sim") != 0;
}

/* ---- one side of a hand-shake ------------------------------------------- */

struct side {
	struct ramet_conn *conn;
	struct ramet_tls *tls;
	const char *name;
	int error; /* 0: it went well */
	char text[256];
};

static inline void *shake(void *arg)
{
	struct side *s = arg;
	int r = ramet_conn_start_tls(s->conn, s->tls, s->name);

	s->error = r < 0 ? errno : 0;
	snprintf(s->text, sizeof s->text, "%s", ramet_tls_error());
	return NULL;
}

/* The same; a connection that is no good is closed, or the other side would
 * wait for it. */
static inline void *shake_or_close(void *arg)
{
	struct side *s = arg;

	shake(s);
	if (s->error) {
		ramet_conn_close(s->conn);
		s->conn = NULL;
	}
	return NULL;
}

/* Both sides at once, over fds; the test closes what comes of it. */
static inline void shake_both(const int fds[2], struct side *client,
			      struct side *server)
{
	struct ramet *other;

	client->conn = made(ramet_conn_new(fds[0]));
	server->conn = made(ramet_conn_new(fds[1]));
	other = spawn(shake_or_close, server);
	shake_or_close(client);
	join(other);
}

static inline void check_shaken(const struct side *s)
{
	if (s->error)
		test_fail(__FILE__, __LINE__, "%s: %d: %s",
			  s->name ? s->name : "server", s->error, s->text);
}

/* c[0] is the client's. */
static inline void tls_pair_of(struct ramet_conn *c[2],
			       struct ramet_tls *client,
			       struct ramet_tls *server)
{
	struct side a = {.tls = client, .name = "localhost"};
	struct side b = {.tls = server};
	int fds[2];

	tcp_pair(fds);
	shake_both(fds, &a, &b);
	check_shaken(&a);
	check_shaken(&b);
	c[0] = a.conn;
	c[1] = b.conn;
}

static inline void tls_pair(struct ramet_conn *c[2],
			    const struct ramet_tls_opts *client,
			    const struct ramet_tls_opts *server)
{
	struct ramet_tls *a = client_of(client), *b = server_of(server);

	tls_pair_of(c, a, b);
	ramet_tls_free(a);
	ramet_tls_free(b);
}

static inline void close_conns(struct ramet_conn *c[2])
{
	ramet_conn_close(c[0]);
	ramet_conn_close(c[1]);
}

#endif
