/* Hand-shakes of TLS with ourselves: whom we trust, what is agreed on, and what
 * is said when it does not work. */
#include "tls.h"

#include "net/conn.h"
#include "net/tls/state.h"

#include <sys/stat.h>

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static bool same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* Hands are shaken, or not, as the client and the server say; both are closed.
 */
static void try_pair(struct ramet_tls *client, const char *name,
		     struct ramet_tls *server, struct side s[2])
{
	int fds[2];

	s[0] = (struct side){.tls = client, .name = name};
	s[1] = (struct side){.tls = server};
	tcp_pair(fds);
	shake_both(fds, &s[0], &s[1]);
	ramet_conn_close(s[0].conn);
	ramet_conn_close(s[1].conn);
}

/* ---- whom we trust ------------------------------------------------------ */

TEST(says_hello)
{
	struct ramet_conn *c[2];
	char buf[16];

	tls_pair(c, &trusting, &serving);
	CHECK(same(ramet_conn_tls_version(c[0]), "TLSv1.3"));
	CHECK(same(ramet_conn_tls_version(c[1]), "TLSv1.3"));
	CHECK(same(ramet_conn_name(c[0]), "localhost"));
	CHECK(same(ramet_conn_name(c[1]), "localhost"));
	CHECK(test_is_swept() || same(ramet_conn_peer(c[0]), "CN=localhost"));
	CHECK_EQ(*ramet_conn_peer(c[1]), 0);
	CHECK_EQ(*ramet_conn_alpn(c[0]), 0);
	CHECK_EQ(ramet_conn_resumed(c[0]), 0);
	CHECK_EQ(ramet_conn_kernel(c[0]), kernel_encrypts());
	CHECK_EQ(*ramet_tls_error(), 0);
	CHECK_EQ(ramet_conn_write(c[0], "hello", 5), 5);
	LIVELY
		CHECK_EQ(ramet_conn_read(c[1], buf, sizeof buf), 5);
	CHECK_EQ(memcmp(buf, "hello", 5), 0);
	close_conns(c);
}

static const struct trust {
	const char *cert, *name;
	enum ramet_tls_verify verify;
	const char *ca; /* ca.pem */
	int error;      /* of the client; the server hears of it */
	const char *text;
} trusts[] = {
	{"server.pem", "localhost", 0, NULL, 0, ""},
	{"server.pem", "localhost.", 0, NULL, 0, ""},
	{"server.pem", "LOCALHOST", 0, NULL, 0, ""},
	{"server.pem", "127.0.0.1", 0, NULL, 0, ""},
	{"server.pem", "::1", 0, NULL, 0, ""},
	{"server.pem", "10.0.0.1", 0, NULL, EKEYREJECTED,
	 "certificate is for localhost, 127.0.0.1, ::1, not for 10.0.0.1"},
	{"server.pem", "elsewhere", 0, NULL, EKEYREJECTED,
	 "certificate is for localhost, 127.0.0.1, ::1, not for elsewhere"},
	{"server.pem", "elsewhere", RAMET_VERIFY_NONE, NULL, 0, ""},
	{"expired.pem", "localhost", 0, NULL, EKEYREJECTED,
	 "certificate of localhost:"},
	{"expired.pem", "127.0.0.1", 0, NULL, EKEYREJECTED, " has expired"},
	{"expired.pem", "localhost", RAMET_VERIFY_NONE, NULL, 0, ""},
	{"early.pem", "localhost", 0, NULL, EKEYREJECTED, " is not valid yet"},
	{"other.pem", "localhost", 0, NULL, EKEYREJECTED,
	 "certificate is for other.example, *.wild.example, not for localhost"},
	{"other.pem", "other.example", 0, NULL, 0, ""},
	{"other.pem", "x.wild.example", 0, NULL, 0, ""},
	{"other.pem", "x.y.wild.example", 0, NULL, EKEYREJECTED,
	 "not for x.y.wild.example"},
	{"other.pem", "wild.example", 0, NULL, EKEYREJECTED,
	 "not for wild.example"},
	{"self.pem", "localhost", 0, NULL, EKEYREJECTED, " is self-signed"},
	{"self.pem", "localhost", RAMET_VERIFY_OPTIONAL, NULL, EKEYREJECTED,
	 " is self-signed"},
	{"self.pem", "localhost", 0, "self.pem", 0, ""},
	{"stranger.pem", "localhost", 0, NULL, EKEYREJECTED,
	 " is from an authority that is not trusted: /CN=nobody"},
	{"stranger.pem", "localhost", RAMET_VERIFY_NONE, NULL, 0, ""},
	{"server.pem", "localhost", 0, "unknown.pem", EKEYREJECTED,
	 " is from an authority that is not trusted: /CN=authority"},
};

static void check_trust(size_t i)
{
	const struct trust *t = &trusts[i];
	struct ramet_tls *client = client_of(
		&(struct ramet_tls_opts){.ca = t->ca ? t->ca : "ca.pem",
					 .verify = t->verify});
	struct ramet_tls *server = server_of(
		&(struct ramet_tls_opts){.cert = t->cert, .key = "server.key"});
	struct side s[2];

	try_pair(client, t->name, server, s);
	if (s[0].error != t->error || !has(s[0].text, t->text) ||
	    (!t->error && *s[0].text))
		test_fail(__FILE__, __LINE__, "%zu: %s for %s: %d, %s", i,
			  t->cert, t->name, s[0].error, s[0].text);
	if (t->error &&
	    (s[1].error != EPROTO || !has(s[1].text, "the peer refuses: ")))
		test_fail(__FILE__, __LINE__, "%zu: server: %d, %s", i,
			  s[1].error, s[1].text);
	ramet_tls_free(client);
	ramet_tls_free(server);
}

TEST(certificates_are_looked_at)
{
	if (test_is_swept())
		check_trust(8);
	else
		for (size_t i = 0; i < countof(trusts); i++)
			check_trust(i);
}

/* Nothing is known of who made it; the client is nobody's own. */
TEST(without_a_context_the_systems_authorities_count)
{
	struct ramet_tls *server = server_of(&serving);
	struct side s[2];

	for (int i = 0; i < 2; i++) {
		try_pair(NULL, "localhost", server, s);
		CHECK_EQ(s[0].error, EKEYREJECTED);
		CHECK(has(s[0].text, "not trusted"));
	}
	ramet_tls_free(server);
}

/* ---- options ------------------------------------------------------------ */

static const struct wrong {
	bool server;
	struct ramet_tls_opts opts;
	int error;
	const char *text;
} wrongs[] = {
	{true, {.cert = NULL}, EINVAL, "it needs a certificate"},
	{true, {.cert = "server.pem"}, EINVAL, "go together"},
	{true, {.key = "server.key"}, EINVAL, "go together"},
	{false, {.cert = "client.pem"}, EINVAL, "go together"},
	{true, {.cert = "none", .key = "server.key"}, ENOENT, "No such file"},
	{true, {.cert = "server.pem", .key = "none"}, ENOENT, "No such file"},
	{true,
	 {.cert = "server.pem", .key = "client.key"},
	 EINVAL,
	 "not the key of the certificate"},
	{true,
	 {.cert = "server.key", .key = "server.key"},
	 EINVAL,
	 "no certificate in it"},
	{true,
	 {.cert = "server.pem", .key = "server.pem"},
	 EINVAL,
	 "no private key"},
	{true,
	 {.cert = "server.pem", .key = "bad.pem"},
	 EINVAL,
	 "no private key"},
	{true, {.cert = "bad.pem", .key = "server.key"}, EINVAL, "bad.pem: "},
	{true,
	 {.cert = "empty.pem", .key = "server.key"},
	 EINVAL,
	 "no certificate in it"},
	{false, {.ca = "none"}, ENOENT, "No such file"},
	{false, {.ca = "empty.pem"}, EINVAL, "no certificate in it"},
	{false, {.ca = "bad.pem"}, EINVAL, "bad.pem: "},
	{false, {.alpn = ""}, EINVAL, "not a list of protocols"},
	{false, {.alpn = ",h2"}, EINVAL, "not a list of protocols"},
	{false, {.alpn = "h2,"}, EINVAL, "not a list of protocols"},
	{false, {.alpn = "h2,,x"}, EINVAL, "not a list of protocols"},
	{false, {.verify = 4}, EINVAL, "no such way"},
};

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(certs_file(name), "we");

	CHECK(f != NULL);
	fputs(text, f);
	CHECK_EQ(fclose(f), 0);
}

TEST(options_that_do_not_fit_are_refused)
{
	size_t count = test_is_swept() ? 5 : countof(wrongs);

	write_file("empty.pem", "");
	write_file("bad.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"
			      "-----END CERTIFICATE-----\n");
	for (size_t i = 0; i < count; i++) {
		const struct wrong *w = &wrongs[i];
		struct ramet_tls_opts opts = with_paths(&w->opts);
		struct ramet_tls *tls;

		errno = 0;
		tls = w->server ? ramet_tls_server(&opts)
				: ramet_tls_client(&opts);
		if (tls || errno != w->error ||
		    !has(ramet_tls_error(), w->text))
			test_fail(__FILE__, __LINE__, "%zu: %p, %d, %s", i,
				  (void *)tls, errno, ramet_tls_error());
	}
	ramet_tls_free(NULL);
}

TEST(a_directory_of_authorities)
{
	struct ramet_tls_opts opts = {.ca = test_dir()};
	struct ramet_tls *client, *server = server_of(&serving);
	unsigned long hash;
	struct side s[2];
	char path[256];
	FILE *f = fopen(certs_file("ca.pem"), "re");
	X509 *ca = PEM_read_X509(f, NULL, NULL, NULL);

	CHECK(ca != NULL);
	CHECK_EQ(fclose(f), 0);
	hash = X509_NAME_hash_ex(X509_get_subject_name(ca), NULL, NULL, NULL);
	X509_free(ca);
	snprintf(path, sizeof path, "%s/%08lx.0", test_dir(), hash);
	CHECK_EQ(link(certs_file("ca.pem"), path), 0);
	client = made(ramet_tls_client(&opts));
	try_pair(client, "localhost", server, s);
	check_shaken(&s[0]);
	CHECK_EQ(unlink(path), 0);
	ramet_tls_free(client);
	client = made(ramet_tls_client(&opts));
	try_pair(client, "localhost", server, s);
	CHECK_EQ(s[0].error, EKEYREJECTED);
	ramet_tls_free(client);
	ramet_tls_free(server);
}

/* ---- what is agreed on -------------------------------------------------- */

static const struct agreement {
	const char *client, *server, *want; /* NULL: no hand-shake */
} agreements[] = {
	{NULL, NULL, ""},
	{"h2", NULL, ""},
	{NULL, "h2", ""},
	{"h2,http/1.1", "http/1.1", "http/1.1"},
	{"http/1.1,h2", "h2,http/1.1", "h2"},
	{"a,b,c", "x,c,b", "c"},
	{"h2", "http/1.1", NULL},
	{"http/1.", "http/1.1", NULL},
};

TEST(the_server_chooses_the_protocol)
{
	for (size_t i = 0; i < countof(agreements); i++) {
		const struct agreement *g = &agreements[i];
		struct ramet_tls *client =
			client_of(&(struct ramet_tls_opts){.ca = "ca.pem",
							   .alpn = g->client});
		struct ramet_tls *server =
			server_of(&(struct ramet_tls_opts){.cert = "server.pem",
							   .key = "server.key",
							   .alpn = g->server});
		struct ramet_conn *c[2];
		struct side s[2];

		if (g->want) {
			tls_pair_of(c, client, server);
			if (!same(ramet_conn_alpn(c[0]), g->want) ||
			    !same(ramet_conn_alpn(c[1]), g->want))
				test_fail(__FILE__, __LINE__, "%zu: %s, %s", i,
					  ramet_conn_alpn(c[0]),
					  ramet_conn_alpn(c[1]));
			close_conns(c);
		} else {
			try_pair(client, "localhost", server, s);
			CHECK_EQ(s[0].error, EPROTO);
			CHECK(has(s[0].text,
				  "the peer refuses: no application"));
			CHECK_EQ(s[1].error, EPROTO);
			CHECK(has(s[1].text, "no protocol (ALPN)"));
		}
		ramet_tls_free(client);
		ramet_tls_free(server);
	}
}

TEST(addresses_are_not_asked_for_by_name)
{
	struct ramet_tls *client = client_of(&trusting);
	struct ramet_tls *server = server_of(&serving);
	struct side a = {.tls = client, .name = "127.0.0.1"};
	struct side b = {.tls = server};
	int fds[2];

	tcp_pair(fds);
	shake_both(fds, &a, &b);
	check_shaken(&a);
	check_shaken(&b);
	CHECK_EQ(*ramet_conn_name(b.conn), 0);
	ramet_conn_close(a.conn);
	ramet_conn_close(b.conn);
	ramet_tls_free(client);
	ramet_tls_free(server);
}

static void limit_version(struct ramet_tls *tls, long least, long most)
{
	SSL_CTX_set_security_level(tls->ctx, 0);
	CHECK_EQ(SSL_CTX_set_min_proto_version(tls->ctx, least), 1);
	CHECK_EQ(SSL_CTX_set_max_proto_version(tls->ctx, most), 1);
}

TEST(versions_before_1_2_are_refused)
{
	struct ramet_tls *server = server_of(&serving);
	struct ramet_tls *client = client_of(&trusting);
	struct side s[2];

	limit_version(client, TLS1_VERSION, TLS1_1_VERSION);
	try_pair(client, "localhost", server, s);
	CHECK_EQ(s[1].error, EPROTO);
	CHECK(has(s[1].text, "knows no version of TLS from 1.2 on"));
	CHECK_EQ(s[0].error, EPROTO);
	ramet_tls_free(client);
	ramet_tls_free(server);
}

/* ---- certificates of clients -------------------------------------------- */

static const struct ramet_tls_opts anonymous = {.ca = "ca.pem"};
static const struct ramet_tls_opts known = {.ca = "ca.pem",
					    .cert = "client.pem",
					    .key = "client.key"};
static const struct ramet_tls_opts unknown = {.ca = "ca.pem",
					      .cert = "stranger.pem",
					      .key = "server.key"};

static const struct guest {
	enum ramet_tls_verify verify;
	const struct ramet_tls_opts *client;
	int error;
	const char *text, *peer;
} guests[] = {
	{RAMET_VERIFY_DEFAULT, &known, 0, "", ""},
	{RAMET_VERIFY_OPTIONAL, &anonymous, 0, "", ""},
	{RAMET_VERIFY_OPTIONAL, &known, 0, "", "CN=client"},
	{RAMET_VERIFY_OPTIONAL, &unknown, EKEYREJECTED,
	 "certificate of the client is from an authority", NULL},
	{RAMET_VERIFY_REQUIRED, &known, 0, "", "CN=client"},
	{RAMET_VERIFY_REQUIRED, &anonymous, EKEYREJECTED,
	 "the client shows no certificate", NULL},
};

/* The client learns of it when it reads: with TLS 1.3 its hand-shake is over
 * before its certificate has been seen. */
static void check_guest(const struct guest *g, long version)
{
	struct ramet_tls *client = client_of(g->client);
	struct ramet_tls *server =
		server_of(&(struct ramet_tls_opts){.cert = "server.pem",
						   .key = "server.key",
						   .ca = "ca.pem",
						   .verify = g->verify});
	struct side a = {.tls = client, .name = "localhost"};
	struct side b = {.tls = server};
	int fds[2];
	char byte;

	limit_version(client, TLS1_2_VERSION, version);
	tcp_pair(fds);
	shake_both(fds, &a, &b);
	CHECK_EQ(b.error, g->error);
	CHECK(has(b.text, g->text));
	if (!g->error) {
		CHECK(same(ramet_conn_peer(b.conn), g->peer));
	} else if (!a.error) {
		CHECK_EQ(version, TLS1_3_VERSION);
		CHECK_ERR(ramet_conn_read(a.conn, &byte, 1), EPROTO);
		CHECK(has(ramet_tls_error(), "the peer refuses: "));
	}
	ramet_conn_close(a.conn);
	ramet_conn_close(b.conn);
	ramet_tls_free(client);
	ramet_tls_free(server);
}

TEST(clients_show_certificates)
{
	for (size_t i = 0; i < countof(guests); i++) {
		check_guest(&guests[i], TLS1_2_VERSION);
		check_guest(&guests[i], TLS1_3_VERSION);
	}
}

/* ---- sessions ----------------------------------------------------------- */

/* One connection and some bytes, by which tickets come. */
static bool resumes(struct ramet_tls *client, struct ramet_tls *server)
{
	struct ramet_conn *c[2];
	char byte;
	bool resumed;

	tls_pair_of(c, client, server);
	CHECK_EQ(ramet_conn_write(c[1], "x", 1), 1);
	CHECK_EQ(ramet_conn_read(c[0], &byte, 1), 1);
	resumed = ramet_conn_resumed(c[0]);
	CHECK_EQ(ramet_conn_resumed(c[1]), resumed);
	CHECK(same(ramet_conn_peer(c[0]), "CN=localhost"));
	close_conns(c);
	return resumed;
}

/* The port is part of what a session is known by, so one is used for all. */
static bool resumes_at(int listener, struct ramet_tls *client,
		       struct ramet_tls *server)
{
	struct side a = {.tls = client, .name = "localhost"};
	struct side b = {.tls = server};
	int fds[2] = {dial(address_of("127.0.0.1", listener)),
		      ramet_accept(listener, NULL, NULL)};
	bool resumed;
	char byte;

	shake_both(fds, &a, &b);
	check_shaken(&a);
	check_shaken(&b);
	CHECK_EQ(ramet_conn_write(b.conn, "x", 1), 1);
	CHECK_EQ(ramet_conn_read(a.conn, &byte, 1), 1);
	resumed = ramet_conn_resumed(a.conn);
	CHECK_EQ(ramet_conn_resumed(b.conn), resumed);
	CHECK(same(ramet_conn_peer(a.conn), "CN=localhost"));
	ramet_conn_close(a.conn);
	ramet_conn_close(b.conn);
	return resumed;
}

static void check_sessions(long version, bool no_resume, bool verify)
{
	int listener = ramet_listen("tcp://127.0.0.1:0");
	struct ramet_tls *client =
		client_of(&(struct ramet_tls_opts){.ca = "ca.pem",
						   .cert = "client.pem",
						   .key = "client.key",
						   .no_resume = no_resume});
	struct ramet_tls *server = server_of(&(
		struct ramet_tls_opts){.cert = "server.pem",
				       .key = "server.key",
				       .ca = "ca.pem",
				       .verify = verify ? RAMET_VERIFY_REQUIRED
							: 0});

	limit_version(client, TLS1_2_VERSION, version);
	CHECK(!resumes_at(listener, client, server));
	for (int i = 0; i < 4; i++)
		CHECK_EQ(resumes_at(listener, client, server), !no_resume);
	CHECK(!resumes(client, server)); /* at another port */
	CHECK_EQ(ramet_close(listener), 0);
	ramet_tls_free(client);
	ramet_tls_free(server);
}

TEST(sessions_are_resumed)
{
	for (int verify = 0; verify < 2; verify++) {
		check_sessions(TLS1_2_VERSION, false, verify);
		check_sessions(TLS1_3_VERSION, false, verify);
	}
}

TEST(or_not)
{
	check_sessions(TLS1_2_VERSION, true, false);
	check_sessions(TLS1_3_VERSION, true, false);
}

/* More peers than there is room for. */
TEST(sessions_of_many_peers_replace_each_other)
{
	struct ramet_tls *client = client_of(&trusting);
	char key[32];
	int found = 0, peers = test_is_swept() ? 70 : 1000;

	for (int i = 0; i < peers; i++) {
		snprintf(key, sizeof key, "host%d:443", i);
		ramet__session_keep(&client->sessions, key, SSL_SESSION_new());
	}
	for (int i = 0; i < peers; i++) {
		SSL_SESSION *s;

		snprintf(key, sizeof key, "host%d:443", i);
		s = ramet__session_take(&client->sessions, key);
		found += s != NULL;
		SSL_SESSION_free(s);
		CHECK(!ramet__session_take(&client->sessions, key));
	}
	if (!test_is_swept())
		CHECK_EQ(found, SESSION_SETS * SESSION_WAYS);
	ramet_tls_free(client);
}

/* ---- what is not TLS ---------------------------------------------------- */

static const struct noise {
	bool server; /* who hears it */
	const char *sent;
	int size, error;
	const char *text;
} noises[] = {
	{false, "HTTP/1.1 400 Bad Request\r\n\r\n", 0, EPROTO,
	 "not TLS: the peer sent HTTP"},
	{false, "SSH-2.0-OpenSSH\r\n", 0, EPROTO, "not TLS: "},
	{false, "\0\0\0\0\0\0\0\0", 8, EPROTO, "not TLS: "},
	{false, "\25\3\3\0\2\2\50", 7, EPROTO,
	 "the peer refuses: handshake failure"},
	{false, "\26\3\3\0\4\2\0\0\0", 9, EPROTO, ""},
	{false, "\26\3\3\377\377", 5, EPROTO, ""},
	{false, "", 0, ECONNABORTED, "went away during the hand-shake"},
	{false, "\26\3", 2, ECONNABORTED, "went away during the hand-shake"},
	{true, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0, EPROTO,
	 "not TLS: the peer sent HTTP"},
	{true, "CONNECT x:443 HTTP/1.1\r\n\r\n", 0, EPROTO,
	 "not TLS: the peer sent HTTP"},
	{true, "EHLO x\r\n\r\n\r\n", 0, EPROTO, "not TLS: "},
	{true, "\377\377\377\377\377\377\377\377", 0, EPROTO, "not TLS: "},
	{true, "\26\3\1\0\5\1\0\0\1\0", 10, EPROTO, ""},
	{true, "", 0, ECONNABORTED, "went away during the hand-shake"},
};

static void check_noise(size_t i)
{
	const struct noise *n = &noises[i];
	struct ramet_tls *tls =
		n->server ? server_of(&serving) : client_of(&trusting);
	struct side s = {.tls = tls, .name = n->server ? NULL : "localhost"};
	size_t size = n->size ? (size_t)n->size : strlen(n->sent);
	char byte;
	int fds[2];

	tcp_pair(fds);
	s.conn = made(ramet_conn_new(fds[0]));
	CHECK_EQ(ramet_write(fds[1], n->sent, size), size);
	CHECK_EQ(ramet_shutdown(fds[1], SHUT_WR), 0);
	LIVELY
		shake(&s);
	if (s.error != n->error || !has(s.text, n->text))
		test_fail(__FILE__, __LINE__, "%zu: %d, %s", i, s.error,
			  s.text);
	CHECK_ERR(ramet_conn_read(s.conn, &byte, 1), n->error);
	CHECK_ERR(ramet_conn_write(s.conn, "x", 1), n->error);
	CHECK_ERR(ramet_conn_shutdown(s.conn), n->error);
	CHECK(!ramet_conn_tls_version(s.conn));
	ramet_conn_close(s.conn);
	CHECK_EQ(ramet_close(fds[1]), 0);
	ramet_tls_free(tls);
}

TEST(what_is_not_tls_is_told_apart)
{
	size_t count = test_is_swept() ? 1 : countof(noises);

	for (size_t i = 0; i < count; i++)
		check_noise(i);
}

/* ---- wrong calls -------------------------------------------------------- */

TEST(calls_at_the_wrong_time)
{
	struct ramet_tls *client = client_of(&trusting);
	struct ramet_tls *server = server_of(&serving);
	struct side a = {.tls = client, .name = "localhost"};
	struct ramet *shaker;
	struct ramet_conn *c[2];
	int fds[2];
	char byte;

	tls_pair_of(c, client, server);
	CHECK_ERR(ramet_conn_start_tls(c[0], client, "localhost"), EINVAL);
	CHECK_ERR(ramet_conn_start_tls(c[1], server, NULL), EINVAL);
	close_conns(c);

	tcp_pair(fds);
	a.conn = made(ramet_conn_new(fds[0]));
	shaker = spawn(shake, &a);
	let_run();
	LIVELY
		CHECK_ERR(ramet_conn_read(a.conn, &byte, 1), EINVAL);
	CHECK_ERR(ramet_conn_write(a.conn, "x", 1), EINVAL);
	CHECK_ERR(ramet_conn_start_tls(a.conn, client, "localhost"), EINVAL);
	ramet_conn_close(a.conn);
	join(shaker);
	CHECK_EQ(a.error, EBADF);
	CHECK_EQ(ramet_close(fds[1]), 0);

	tcp_pair(fds);
	c[0] = made(ramet_conn_new(fds[0]));
	c[1] = made(ramet_conn_new(fds[1]));
	CHECK_ERR(ramet_conn_start_tls(c[0], client, NULL), EINVAL);
	CHECK(has(ramet_tls_error(), "name"));
	CHECK_ERR(ramet_conn_start_tls(c[1], server, "localhost"), EINVAL);
	CHECK_ERR(ramet_conn_write(c[0], "clear text", 10), EINVAL);
	close_conns(c);
	ramet_tls_free(client);
	ramet_tls_free(server);
}

/* ---- ends of hand-shakes ------------------------------------------------ */

TEST(a_hand_shake_with_who_is_silent_ends_with_its_scope)
{
	struct ramet_tls *client = client_of(&trusting);
	struct ramet_conn *c;
	int fds[2];

	tcp_pair(fds);
	c = made(ramet_conn_new(fds[0]));
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_conn_start_tls(c, client, "localhost"),
			  ETIMEDOUT);
	CHECK_ERR(ramet_conn_write(c, "x", 1), ETIMEDOUT);
	ramet_conn_close(c);
	CHECK_EQ(ramet_close(fds[1]), 0);
	ramet_tls_free(client);
}

TEST(a_hand_shake_is_cancelled_or_killed)
{
	struct ramet_tls *client = client_of(&trusting);

	for (int kill = 0; kill < 2; kill++) {
		struct side a = {.tls = client, .name = "localhost"};
		struct ramet *shaker;
		int fds[2];

		tcp_pair(fds);
		a.conn = made(ramet_conn_new(fds[0]));
		shaker = spawn(shake, &a);
		let_run();
		CHECK_EQ(kill ? ramet_kill(shaker) : ramet_cancel(shaker), 0);
		if (kill) {
			CHECK_ERR(ramet_join(shaker, NULL), ECHILD);
		} else {
			join(shaker);
			CHECK_EQ(a.error, ECANCELED);
		}
		ramet_conn_close(a.conn);
		CHECK_EQ(ramet_close(fds[1]), 0);
	}
	ramet_tls_free(client);
}

static void *make_a_client(void *arg)
{
	struct ramet_tls *tls = client_of(&trusting);

	*(struct ramet_tls **)arg = tls;
	return NULL;
}

TEST(who_makes_a_context_may_be_cancelled)
{
	struct ramet_tls *tls = NULL;
	struct ramet_tls_opts opts = with_paths(&trusting);

	RAMET_WITHIN(0)
		CHECK_NULL(ramet_tls_client(&opts), ETIMEDOUT);
	join(spawn(make_a_client, &tls));
	CHECK(tls != NULL);
	ramet_tls_free(tls);
}

/* ---- by address --------------------------------------------------------- */

struct host {
	int listener;
	struct ramet_tls *tls;
};

static void *serve_one(void *arg)
{
	struct host *h = arg;
	struct ramet_conn *c =
		made(ramet_conn_new(ramet_accept(h->listener, NULL, NULL)));
	char byte;

	if (ramet_conn_start_tls(c, h->tls, NULL) == 0) {
		CHECK_EQ(ramet_conn_read(c, &byte, 1), 1);
		CHECK_EQ(ramet_conn_write(c, &byte, 1), 1);
	}
	ramet_conn_close(c);
	return NULL;
}

static const char *tls_address(const char *host, int listener)
{
	static char text[64];

	snprintf(text, sizeof text, "tls://%s:%d", host, ramet_port(listener));
	return text;
}

TEST(dials_by_address)
{
	struct host h = {ramet_listen("tcp://127.0.0.1:0"),
			 server_of(&serving)};
	struct ramet_tls *client = client_of(&trusting);
	struct ramet *server = spawn(serve_one, &h);
	struct ramet_conn *c =
		ramet_conn_dial(tls_address("127.0.0.1", h.listener), client);
	char byte;

	if (!c)
		test_fail(__FILE__, __LINE__, "%d: %s", errno,
			  ramet_tls_error());
	CHECK_EQ(ramet_conn_write(c, "x", 1), 1);
	LIVELY
		CHECK_EQ(ramet_conn_read(c, &byte, 1), 1);
	CHECK_EQ(byte, 'x');
	CHECK_EQ(ramet_conn_read(c, &byte, 1), 0);
	ramet_conn_close(c);
	join(server);
	server = spawn(serve_one, &h);
	CHECK_NULL(ramet_conn_dial(tls_address("127.0.0.1", h.listener), NULL),
		   EKEYREJECTED);
	join(server);
	CHECK_EQ(ramet_close(h.listener), 0);
	CHECK_NULL(ramet_conn_dial("tls://127.0.0.1:1", client), ECONNREFUSED);
	ramet_tls_free(h.tls);
	ramet_tls_free(client);
}
