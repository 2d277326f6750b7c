/* TLS against openssl(1), as a client and as a server. */
#include "tls.h"

#include <signal.h>

enum { WORDS = 32, OUTPUT = 65536 };

/* A run of openssl(1), its output so far. */
struct peer {
	struct ramet_process *process;
	char out[OUTPUT];
	size_t size;
};

/* Words apart by single spaces; "@x" is certs_file("x"). */
static struct peer *start(const char *command)
{
	static const struct ramet_process_opts opts = {.in = RAMET_PIPE,
						       .out = RAMET_PIPE,
						       .err = RAMET_TO_STDOUT};
	struct peer *p = made(calloc(1, sizeof *p));
	char text[1024], *argv[WORDS + 1] = {0}, *rest = text;

	snprintf(text, sizeof text, "openssl %s", command);
	for (int i = 0; i < WORDS && rest; i++) {
		argv[i] = strsep(&rest, " ");
		if (*argv[i] == '@')
			argv[i] = (char *)(uintptr_t)certs_file(argv[i] + 1);
	}
	p->process = ramet_process_start(argv, &opts);
	if (!p->process && errno == ENOENT)
		test_skip("no openssl here");
	CHECK(p->process != NULL);
	return p;
}

/* Kill it if it has not ended. */
static void stop(struct peer *p)
{
	ramet_process_free(p->process);
	free(p);
}

/* Read what it says until that is in it. */
static const char *await(struct peer *p, const char *part)
{
	char *found;

	while (!(found = strstr(p->out, part))) {
		ssize_t n = ramet_read(ramet_process_out(p->process),
				       p->out + p->size,
				       sizeof p->out - 1 - p->size);

		if (n <= 0)
			test_fail(__FILE__, __LINE__, "no \"%s\" in:\n%s", part,
				  p->out);
		p->size += (size_t)n;
	}
	return found;
}

static void tell(struct peer *p, const char *line)
{
	CHECK_EQ(ramet_write(ramet_process_in(p->process), line, strlen(line)),
		 strlen(line));
}

/* ---- it serves ---------------------------------------------------------- */

/* What comes is sent back, each line in reverse. */
static struct peer *serve(const char *options, char address[64])
{
	char command[512];
	struct peer *p;
	const char *line;

	snprintf(command, sizeof command,
		 "s_server -accept 127.0.0.1:0 -rev -cert @server.pem -key "
		 "@server.key%s",
		 options);
	p = start(command);
	line = await(p, "ACCEPT 127.0.0.1:");
	await(p, "\n");
	snprintf(address, 64, "tls://127.0.0.1:%d",
		 atoi(strchr(line, ':') + 1));
	return p;
}

static struct ramet_conn *dial_peer(const char *address, struct ramet_tls *tls)
{
	struct ramet_conn *c = ramet_conn_dial(address, tls);

	if (!c)
		test_fail(__FILE__, __LINE__, "%d: %s", errno,
			  ramet_tls_error());
	return c;
}

static void check_reversed(struct ramet_conn *c)
{
	char buf[16];
	size_t got = 0;

	CHECK_EQ(ramet_conn_write(c, "hello\n", 6), 6);
	while (got < 6) {
		ssize_t n = ramet_conn_read(c, buf + got, sizeof buf - got);

		CHECK(n > 0);
		got += (size_t)n;
	}
	CHECK_EQ(memcmp(buf, "olleh\n", 6), 0);
}

TEST(as_a_client_of_all_versions)
{
	static const char *const options[][2] = {
		{" -tls1_3", "TLSv1.3"},
		{" -tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256",
		 "TLSv1.3"},
		{" -tls1_3 -num_tickets 0", "TLSv1.3"},
		{" -tls1_2", "TLSv1.2"},
		{" -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA", "TLSv1.2"},
		{" -tls1_2 -no_ticket", "TLSv1.2"},
	};

	for (size_t i = 0; i < countof(options); i++) {
		struct ramet_tls *tls = client_of(&trusting);
		char address[64];
		struct peer *p = serve(options[i][0], address);

		for (int again = 0; again < 2; again++) {
			struct ramet_conn *c = dial_peer(address, tls);

			CHECK_EQ(strcmp(ramet_conn_tls_version(c),
					options[i][1]),
				 0);
			CHECK_EQ(ramet_conn_resumed(c), again && i != 2);
			check_reversed(c);
			ramet_conn_close(c);
		}
		stop(p);
		ramet_tls_free(tls);
	}
}

TEST(as_a_client_that_must_show_a_certificate)
{
	struct ramet_tls *known =
		client_of(&(struct ramet_tls_opts){.ca = "ca.pem",
						   .cert = "client.pem",
						   .key = "client.key"});
	struct ramet_tls *unknown = client_of(&trusting);
	char address[64], byte;
	struct peer *p =
		serve(" -Verify 1 -CAfile @ca.pem -verify_return_error",
		      address);
	struct ramet_conn *c = dial_peer(address, known);

	check_reversed(c);
	ramet_conn_close(c);
	c = dial_peer(address, unknown);
	CHECK_ERR(ramet_conn_read(c, &byte, 1), EPROTO);
	CHECK(strstr(ramet_tls_error(), "the peer refuses: ") != NULL);
	ramet_conn_close(c);
	stop(p);
	ramet_tls_free(known);
	ramet_tls_free(unknown);
}

TEST(as_a_client_of_old_versions)
{
	struct ramet_tls *tls = client_of(&trusting);
	char address[64];
	struct peer *p = serve(" -tls1_1 -cipher ALL:@SECLEVEL=0", address);

	CHECK_NULL(ramet_conn_dial(address, tls), EPROTO);
	CHECK(*ramet_tls_error());
	stop(p);
	ramet_tls_free(tls);
}

TEST(as_a_client_that_agrees_on_a_protocol)
{
	struct ramet_tls *tls = client_of(
		&(struct ramet_tls_opts){.ca = "ca.pem", .alpn = "h2,x"});
	char address[64];
	struct peer *p = serve(" -alpn x,y", address);
	struct ramet_conn *c = dial_peer(address, tls);

	CHECK_EQ(strcmp(ramet_conn_alpn(c), "x"), 0);
	check_reversed(c);
	ramet_conn_close(c);
	stop(p);
	ramet_tls_free(tls);
}

/* It goes without a word. */
TEST(as_a_client_of_who_is_killed)
{
	struct ramet_tls *tls = client_of(&trusting);
	char address[64], byte;
	struct peer *p = serve("", address);
	struct ramet_conn *c = dial_peer(address, tls);

	check_reversed(c);
	stop(p);
	CHECK_ERR(ramet_conn_read(c, &byte, 1), ECONNABORTED);
	ramet_conn_close(c);
	ramet_tls_free(tls);
}

/* ---- it is the client --------------------------------------------------- */

struct server {
	int listener;
	struct ramet_tls *tls;
	int served, refused; /* how often */
	int error;           /* what the last read came to */
	char text[256], peer[256];
};

/* Send back what comes, one client after the other. */
static void *echo(void *arg)
{
	struct server *s = arg;
	char buf[4096];

	for (;;) {
		int fd = ramet_accept(s->listener, NULL, NULL);
		struct ramet_conn *c;
		ssize_t n;

		if (fd < 0)
			return NULL;
		c = made(ramet_conn_new(fd));
		if (ramet_conn_start_tls(c, s->tls, NULL) == 0) {
			s->served++;
			snprintf(s->peer, sizeof s->peer, "%s",
				 ramet_conn_peer(c));
			while ((n = ramet_conn_read(c, buf, sizeof buf)) > 0)
				CHECK_EQ(ramet_conn_write(c, buf, (size_t)n),
					 n);
			s->error = n < 0 ? errno : 0;
		} else {
			s->refused++;
			snprintf(s->text, sizeof s->text, "%s",
				 ramet_tls_error());
		}
		ramet_conn_close(c);
	}
}

static struct ramet *serve_peers(struct server *s,
				 const struct ramet_tls_opts *opts)
{
	*s = (struct server){.listener = ramet_listen("tcp://127.0.0.1:0"),
			     .tls = server_of(opts)};
	CHECK(s->listener >= 0);
	return spawn(echo, s);
}

static void end(struct server *s, struct ramet *server)
{
	CHECK_EQ(ramet_close(s->listener), 0);
	join(server);
	ramet_tls_free(s->tls);
}

static struct peer *connect_to(const struct server *s, const char *options)
{
	char command[512];

	snprintf(command, sizeof command,
		 "s_client -connect 127.0.0.1:%d -CAfile @ca.pem "
		 "-verify_return_error%s",
		 ramet_port(s->listener), options);
	return start(command);
}

TEST(as_a_server_of_all_versions)
{
	static const char *const options[][2] = {
		{" -tls1_3 -servername localhost", "TLSv1.3"},
		{" -tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256", "TLSv1.3"},
		{" -tls1_2", "TLSv1.2"},
		{" -tls1_2 -no_ticket", "TLSv1.2"},
		{" -alpn x,http/1.1", "ALPN protocol: http/1.1"},
	};
	struct server s;
	struct ramet *server =
		serve_peers(&s,
			    &(struct ramet_tls_opts){.cert = "server.pem",
						     .key = "server.key",
						     .alpn = "h2,http/1.1"});

	for (size_t i = 0; i < countof(options); i++) {
		struct peer *p = connect_to(&s, options[i][0]);

		await(p, "Verify return code: 0 (ok)");
		await(p, options[i][1]);
		tell(p, "there and back\n");
		await(p, "there and back\n");
		tell(p, "Q\n"); /* quit */
		CHECK_EQ(ramet_process_wait(p->process, NULL), 0);
		stop(p);
	}
	end(&s, server);
	CHECK_EQ(s.served, countof(options));
	CHECK_EQ(s.error, 0);
}

TEST(as_a_server_that_resumes)
{
	struct server s;
	struct ramet *server = serve_peers(&s, &serving);
	struct peer *p = connect_to(&s, " -tls1_2 -reconnect");

	for (int i = 0; i < 5; i++) {
		char *found = (char *)(uintptr_t)await(p, "Reused, TLSv1.2");

		*found = '-';
	}
	stop(p);
	end(&s, server);
	CHECK_EQ(s.served, 6);
}

TEST(as_a_server_that_knows_its_clients)
{
	struct server s;
	struct ramet *server = serve_peers(
		&s, &(struct ramet_tls_opts){.cert = "server.pem",
					     .key = "server.key",
					     .ca = "ca.pem",
					     .verify = RAMET_VERIFY_REQUIRED});
	struct peer *p = connect_to(&s, " -cert @client.pem -key @client.key");

	await(p, "Acceptable client certificate CA names\nCN = authority");
	tell(p, "it is me\n");
	await(p, "it is me\n");
	tell(p, "Q\n");
	CHECK_EQ(ramet_process_wait(p->process, NULL), 0);
	stop(p);
	CHECK_EQ(strcmp(s.peer, "CN=client"), 0);
	p = connect_to(&s, "");
	await(p, "certificate required");
	stop(p);
	end(&s, server);
	CHECK_EQ(s.refused, 1);
	CHECK_EQ(strcmp(s.text, "the client shows no certificate"), 0);
}

TEST(as_a_server_that_does_not_renegotiate)
{
	struct server s;
	struct ramet *server = serve_peers(&s, &serving);
	struct peer *p = connect_to(&s, " -tls1_2");

	await(p, "Verify return code: 0 (ok)");
	tell(p, "R\n");
	await(p, "RENEGOTIATING");
	await(p, "no renegotiation");
	stop(p);
	end(&s, server);
	CHECK_EQ(s.served, 1);
}

TEST(as_a_server_of_old_versions)
{
	struct server s;
	struct ramet *server = serve_peers(&s, &serving);
	struct peer *p = connect_to(&s, " -tls1_1 -cipher ALL:@SECLEVEL=0");

	await(p, "protocol version");
	stop(p);
	end(&s, server);
	CHECK_EQ(s.served, 0);
	CHECK(strstr(s.text, "no version of TLS from 1.2 on") != NULL);
}

TEST(as_a_server_of_who_is_killed)
{
	struct server s;
	struct ramet *server = serve_peers(&s, &serving);
	struct peer *p = connect_to(&s, "");

	await(p, "Verify return code: 0 (ok)");
	tell(p, "hello\n");
	await(p, "hello\n");
	stop(p);
	settle();
	end(&s, server);
	CHECK_EQ(s.error, ECONNABORTED);
}
