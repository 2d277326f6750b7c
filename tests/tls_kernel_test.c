/* TLS where the kernel encrypts what is sent (kTLS), and where it could but
 * does not.  docs/ktls.md tells how to run it on another kernel than this one.
 */
#include "tls.h"

#include "door.h"
#include "net/conn.h"
#include "net/tls/state.h"
#include "ramet/http.h"

#include <linux/tls.h>
#include <netinet/tcp.h>
#include <sys/syscall.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

/* The rest of the test is for kernels that can. */
static void need_kernel(void)
{
	ramet_tls_free(client_of(&trusting)); /* which asks it */
	if (!kernel_encrypts())
		test_skip("the kernel offers no kTLS");
}

static SSL *ssl_of(struct ramet_conn *c)
{
	return c->tls->ssl;
}

/* ---- streams ------------------------------------------------------------ */

static char nth(size_t n)
{
	return (char)(n * 7 + n / 251);
}

static char *bytes(size_t size)
{
	char *data = made(malloc(size + 1));

	for (size_t i = 0; i < size; i++)
		data[i] = nth(i);
	return data;
}

struct reader {
	struct ramet_conn *conn;
	size_t got, wanted; /* 0: until the end */
	int error;          /* 0: the end, said */
};

static void *read_all(void *arg)
{
	struct reader *r = arg;
	char buf[5000];
	ssize_t n = 1;

	while (n > 0 && (!r->wanted || r->got < r->wanted)) {
		size_t most = r->wanted && r->wanted - r->got < sizeof buf
				      ? r->wanted - r->got
				      : sizeof buf;

		n = ramet_conn_read(r->conn, buf, most);
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != nth(r->got + (size_t)i))
				test_fail(__FILE__, __LINE__, "byte %zu",
					  r->got + (size_t)i);
		r->got += n > 0 ? (size_t)n : 0;
	}
	r->error = n < 0 ? errno : 0;
	return NULL;
}

static struct ramet *read_from(struct reader *r, struct ramet_conn *c)
{
	*r = (struct reader){.conn = c};
	return spawn(read_all, r);
}

static void check_both_ways(struct ramet_conn *c[2])
{
	char buf[10];

	for (int from = 0; from < 2; from++) {
		CHECK_EQ(ramet_conn_write(c[from], "fine", 4), 4);
		LIVELY
			CHECK_EQ(ramet_conn_read(c[!from], buf, sizeof buf), 4);
		CHECK_EQ(memcmp(buf, "fine", 4), 0);
	}
}

static void check_ends(struct ramet_conn *c[2])
{
	char byte;

	for (int from = 0; from < 2; from++) {
		CHECK_EQ(ramet_conn_shutdown(c[from]), 0);
		LIVELY
			CHECK_EQ(ramet_conn_read(c[!from], &byte, 1), 0);
	}
}

/* ---- who encrypts ------------------------------------------------------- */

static const struct suite {
	const char *version, *name;
	int kernel;
} suites[] = {
	{"TLSv1.3", "TLS_AES_128_GCM_SHA256", 1},
	{"TLSv1.3", "TLS_AES_256_GCM_SHA384", 1},
	{"TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256", 1},
	{"TLSv1.3", "TLS_AES_128_CCM_SHA256", 0},
	{"TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", 1},
	{"TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384", 1},
	{"TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305", 1},
	{"TLSv1.2", "ECDHE-ECDSA-AES128-SHA256", 0},
};

static void choose(struct ramet_tls *tls, const struct suite *s)
{
	if (strcmp(s->version, "TLSv1.3") == 0) {
		CHECK_EQ(SSL_CTX_set_ciphersuites(tls->ctx, s->name), 1);
		return;
	}
	CHECK_EQ(SSL_CTX_set_cipher_list(tls->ctx, s->name), 1);
	CHECK_EQ(SSL_CTX_set_max_proto_version(tls->ctx, TLS1_2_VERSION), 1);
}

TEST(the_kernel_encrypts_what_it_can)
{
	need_kernel();
	for (size_t i = 0; i < countof(suites); i++) {
		struct ramet_tls *client = client_of(&trusting);
		struct ramet_tls *server = server_of(&serving);
		struct ramet_conn *c[2];

		choose(client, &suites[i]);
		choose(server, &suites[i]);
		tls_pair_of(c, client, server);
		for (int side = 0; side < 2; side++)
			if (ramet_conn_kernel(c[side]) != suites[i].kernel ||
			    strcmp(ramet_conn_tls_version(c[side]),
				   suites[i].version) != 0)
				test_fail(__FILE__, __LINE__, "%zu: %s", i,
					  suites[i].name);
		check_both_ways(c);
		check_both_ways(c);
		check_ends(c);
		close_conns(c);
		ramet_tls_free(client);
		ramet_tls_free(server);
	}
}

TEST(sessions_are_resumed)
{
	struct ramet_tls *client = client_of(&trusting);
	struct ramet_tls *server = server_of(&serving);

	for (int i = 0; i < 3; i++) {
		int fds[2], listener = ramet_listen("tcp://127.0.0.1:0");
		struct side s[2] = {{.tls = client, .name = "localhost"},
				    {.tls = server}};
		struct ramet_conn *c[2];

		fds[0] = dial(address_of("127.0.0.1", listener));
		fds[1] = ramet_accept(listener, NULL, NULL);
		shake_both(fds, &s[0], &s[1]);
		check_shaken(&s[0]);
		check_shaken(&s[1]);
		c[0] = s[0].conn;
		c[1] = s[1].conn;
		CHECK_EQ(ramet_conn_kernel(c[1]), kernel_encrypts());
		check_both_ways(c);
		check_ends(c);
		close_conns(c);
		CHECK_EQ(ramet_close(listener), 0);
	}
	ramet_tls_free(client);
	ramet_tls_free(server);
}

TEST(it_is_switched_off)
{
	struct ramet_conn *c[2];

	tls_pair(c, &trusting_here, &serving_here);
	CHECK_EQ(ramet_conn_kernel(c[0]), 0);
	CHECK_EQ(ramet_conn_kernel(c[1]), 0);
	check_both_ways(c);
	close_conns(c);

	CHECK_EQ(setenv("RAMET_KTLS", "0", 1), 0);
	tls_pair(c, &trusting, &serving);
	CHECK_EQ(ramet_conn_kernel(c[0]), 0);
	CHECK_EQ(ramet_conn_kernel(c[1]), 0);
	check_both_ways(c);
	close_conns(c);
}

/* ---- a kernel that will not --------------------------------------------- */

static long (*call_before)(long nr, long a, long b, long c, long d, long e,
			   long f);
static struct refusal {
	int level, name;
	long err;
	int asked;
} refusal;

static int sendfiles;

static long call_refused(long nr, long a, long b, long c, long d, long e,
			 long f)
{
	if (nr == SYS_setsockopt && b == refusal.level && c == refusal.name) {
		__atomic_add_fetch(&refusal.asked, 1, __ATOMIC_RELAXED);
		return refusal.err;
	}
	if (nr == SYS_sendfile)
		sendfiles++;
	return call_before(nr, a, b, c, d, e, f);
}

static void refuse(int level, int name, int err)
{
	struct kernel *own = own_kernel();

	refusal = (struct refusal){level, name, -err, 0};
	if (own->call != call_refused)
		call_before = own->call;
	own->call = call_refused;
}

/* Without the module it is asked once: asking may start modprobe(8). */
TEST(a_kernel_without_is_asked_once)
{
	refuse(IPPROTO_TCP, TCP_ULP, ENOENT);
	for (int i = 0; i < 3; i++) {
		struct ramet_conn *c[2];

		tls_pair(c, &trusting, &serving);
		CHECK_EQ(ramet_conn_kernel(c[0]), 0);
		check_both_ways(c);
		close_conns(c);
	}
	CHECK_EQ(refusal.asked, 1);
}

/* Twice each: at the hand-shake of either side. */
static void check_refused(int level, int name, int err)
{
	struct ramet_conn *c[2];

	refuse(level, name, err);
	tls_pair(c, &trusting, &serving);
	CHECK_EQ(ramet_conn_kernel(c[0]), 0);
	CHECK_EQ(ramet_conn_kernel(c[1]), 0);
	CHECK(refusal.asked >= 2);
	check_both_ways(c);
	check_ends(c);
	close_conns(c);
}

/* It has TLS, says so, and then not for this connection. */
TEST(who_is_refused_encrypts_here)
{
	check_refused(IPPROTO_TCP, TCP_ULP, ENOTCONN);
}

TEST(who_is_refused_late_encrypts_here)
{
	need_kernel();
	check_refused(SOL_TLS, TLS_TX, EINVAL);
	check_refused(SOL_TLS, TLS_TX, ENOENT);
}

/* ---- what is written arrives -------------------------------------------- */

TEST(sizes_around_those_of_records)
{
	static const size_t sizes[] = {0,     1,     100,   16383,  16384,
				       16385, 32768, 32769, 100000, 3000000};

	need_kernel();
	for (size_t i = 0; i < countof(sizes); i++) {
		char *data = bytes(sizes[i]);
		size_t part = sizes[i] / 3;
		struct iovec iov[] = {{data, part},
				      {data, 0},
				      {data + part, sizes[i] - part}};
		struct ramet_conn *c[2];
		struct reader r;
		struct ramet *reader;

		tls_pair(c, &trusting, &serving);
		reader = read_from(&r, c[0]);
		CHECK_EQ(ramet_conn_writev(c[1], iov, 3), sizes[i]);
		CHECK_EQ(ramet_conn_shutdown(c[1]), 0);
		join(reader);
		CHECK_EQ(r.got, sizes[i]);
		CHECK_EQ(r.error, 0);
		close_conns(c);
		free(data);
	}
}

/* One whose room is small, and a peer who does not read yet. */
static void small_pair(struct ramet_conn *c[2])
{
	struct side s[2] = {{.tls = client_of(&trusting), .name = "localhost"},
			    {.tls = server_of(&serving)}};
	int fds[2], room = 20000;

	tcp_pair(fds);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &room,
				    sizeof room),
			 0);
		CHECK_EQ(setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &room,
				    sizeof room),
			 0);
	}
	shake_both(fds, &s[0], &s[1]);
	for (int i = 0; i < 2; i++) {
		check_shaken(&s[i]);
		c[i] = s[i].conn;
		ramet_tls_free(s[i].tls);
	}
}

struct leaver {
	struct ramet_conn *conn;
	size_t size;
	bool shuts;
};

/* Writes, and goes at once. */
static void *write_and_leave(void *arg)
{
	struct leaver *l = arg;
	char *data = bytes(l->size);

	CHECK_EQ(ramet_conn_write(l->conn, data, l->size), l->size);
	if (l->shuts)
		CHECK_EQ(ramet_conn_shutdown(l->conn), 0);
	ramet_conn_close(l->conn);
	free(data);
	return NULL;
}

/* The kernel drops at a close what it has taken and TCP has not. */
TEST(a_close_loses_nothing)
{
	need_kernel();
	for (size_t i = 0; i < 60; i++) {
		struct ramet_conn *c[2];
		struct reader r;
		struct leaver l;
		struct ramet *writer;

		small_pair(c);
		l = (struct leaver){c[1], 10000 + i * 3001, i % 2};
		writer = spawn(write_and_leave, &l);
		settle();
		r = (struct reader){.conn = c[0]};
		read_all(&r);
		join(writer);
		if (r.got != l.size || r.error)
			test_fail(__FILE__, __LINE__, "%zu: %zu of %zu: %d", i,
				  r.got, l.size, r.error);
		ramet_conn_close(c[0]);
	}
}

/* What has gone out is whole, whoever is cut off in the middle. */
TEST(who_is_cut_off_leaves_a_connection_that_works)
{
	size_t size = 1 << 20;
	char *data = bytes(size);
	struct ramet_conn *c[2];
	char *all = made(malloc(size + 10));
	size_t got = 0;
	ssize_t n;

	need_kernel();
	small_pair(c);
	RAMET_WITHIN(10 * RAMET_MS)
		CHECK_ERR(ramet_conn_write(c[1], data, size), ETIMEDOUT);
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_conn_write(c[1], data, 1), ETIMEDOUT);
	/* Others' turn: more comes only once this has been read. */
	RAMET_WITHIN(50 * RAMET_MS)
		while (got < size &&
		       (n = ramet_conn_read(c[0], all + got, size - got)) > 0)
			got += (size_t)n;
	CHECK(got > 0);
	CHECK(memcmp(all, data, got) == 0 || all[got - 1] == data[0]);
	check_both_ways(c);
	check_ends(c);
	close_conns(c);
	free(data);
	free(all);
}

static void *write_end(void *conn)
{
	CHECK_EQ(ramet_conn_write(conn, "end", 3), 3);
	CHECK_EQ(ramet_conn_shutdown(conn), 0);
	return NULL;
}

/* OpenSSL's own messages wait for room, and keep their types and order. */
TEST(messages_wait_for_room)
{
	size_t size = 1 << 20, got = 0;
	char *data = bytes(size), *all = made(malloc(size));
	struct ramet_conn *c[2];
	struct ramet *writer;
	ssize_t n = 1;

	need_kernel();
	small_pair(c);
	RAMET_WITHIN(10 * RAMET_MS)
		CHECK_ERR(ramet_conn_write(c[1], data, size), ETIMEDOUT);
	c[1]->tls->io = NULL;
	for (int i = 0; i < 3; i++)
		CHECK_EQ(SSL_new_session_ticket(ssl_of(c[1])), 1);
	CHECK_EQ(SSL_do_handshake(ssl_of(c[1])), 1);
	CHECK(tls_has_output(c[1]->tls));
	writer = spawn(write_end, c[1]);
	LIVELY
		while (n > 0) {
			n = ramet_conn_read(c[0], all + got, size - got);
			got += n > 0 ? (size_t)n : 0;
		}
	CHECK_EQ(n, 0);
	join(writer);
	CHECK(got > 3);
	CHECK_EQ(memcmp(all + got - 3, "end", 3), 0);
	CHECK_EQ(memcmp(all, data, got - 3), 0);
	CHECK(!tls_has_output(c[1]->tls));
	close_conns(c);
	free(data);
	free(all);
}

/* ---- files -------------------------------------------------------------- */

TEST(files_are_sent_by_the_kernel)
{
	static const struct {
		size_t size, offset, count, want;
	} cases[] = {
		{10, 0, 10, 10},
		{10, 3, 100, 7},
		{10, 10, 1, 0},
		{100000, 0, 0, 0},
		{100000, 1, 50000, 50000},
		{100000, 7, 1 << 20, 99993},
		{2000000, 0, 2000000, 2000000},
	};
	char *data = bytes(2000000);

	need_kernel();
	refuse(-1, -1, 0); /* nothing, but count */
	for (size_t i = 0; i < countof(cases); i++) {
		FILE *f = made(tmpfile());
		struct ramet_conn *c[2];
		struct reader r;
		struct ramet *reader;
		char byte;

		CHECK_EQ(fwrite(data, 1, cases[i].size, f), cases[i].size);
		CHECK_EQ(fflush(f), 0);
		tls_pair(c, &trusting, &serving);
		CHECK_EQ(ramet_conn_kernel(c[1]), 1);
		r = (struct reader){.conn = c[0],
				    .got = cases[i].offset,
				    .wanted = cases[i].offset + cases[i].want};
		reader = cases[i].want ? spawn(read_all, &r) : NULL;
		sendfiles = 0;
		CHECK_EQ(ramet_conn_sendfile(c[1], fileno(f),
					     (off_t)cases[i].offset,
					     cases[i].count),
			 cases[i].want);
		/* It arrives before anything else is sent. */
		LIVELY
			if (reader)
				join(reader);
		CHECK(sendfiles >= (cases[i].want > 0));
		CHECK_EQ(r.got, cases[i].offset + cases[i].want);
		CHECK_ERR(ramet_conn_sendfile(c[1], fileno(f), -1, 1), EINVAL);
		CHECK_ERR(ramet_conn_sendfile(c[1], -1, 0, 1), EBADF);
		CHECK_EQ(ramet_conn_shutdown(c[1]), 0);
		CHECK_EQ(ramet_conn_read(c[0], &byte, 1), 0);
		CHECK_ERR(ramet_conn_sendfile(c[1], fileno(f), 0, 1), EPIPE);
		close_conns(c);
		CHECK_EQ(fclose(f), 0);
	}
	free(data);
}

/* ---- peers -------------------------------------------------------------- */

/* Kernels cannot change keys: the old ones stay, and that works. */
TEST(a_peer_may_ask_for_new_keys)
{
	struct ramet_conn *c[2];

	need_kernel();
	for (int i = 0; i < 2; i++) {
		tls_pair(c, i ? &trusting : &trusting_here,
			 i ? &serving_here : &serving);
		CHECK_EQ(ramet_conn_kernel(c[!i]), 1);
		CHECK_EQ(ramet_conn_kernel(c[i]), 0);
		for (int j = 0; j < 5; j++) {
			CHECK_EQ(SSL_key_update(ssl_of(c[i]),
						SSL_KEY_UPDATE_REQUESTED),
				 1);
			check_both_ways(c);
			check_both_ways(c);
		}
		check_ends(c);
		close_conns(c);
	}
}

TEST(an_end_that_was_not_said_is_an_error)
{
	struct ramet_conn *c[2];
	char buf[10];

	need_kernel();
	tls_pair(c, &trusting, &serving);
	CHECK_EQ(ramet_conn_write(c[0], "ask", 3), 3);
	CHECK_EQ(ramet_shutdown(ramet_conn_fd(c[0]), SHUT_WR), 0);
	CHECK_EQ(ramet_conn_read(c[1], buf, sizeof buf), 3);
	CHECK_ERR(ramet_conn_read(c[1], buf, sizeof buf), ECONNABORTED);
	close_conns(c);
}

/* The refusal is a record of its own type. */
TEST(who_sends_garbage_is_told)
{
	static char record[45] = "\27\3\3\0\50";
	struct ramet_conn *c[2];
	char buf[10];

	need_kernel();
	tls_pair(c, &trusting_here, &serving);
	CHECK_EQ(ramet_write(ramet_conn_fd(c[0]), record, 45), 45);
	LIVELY
		CHECK_ERR(ramet_conn_read(c[1], buf, sizeof buf), EPROTO);
	LIVELY
		CHECK_ERR(ramet_conn_read(c[0], buf, sizeof buf), EPROTO);
	CHECK(strstr(ramet_tls_error(), "the peer refuses: ") != NULL);
	close_conns(c);
}

TEST(who_writes_to_nobody_is_told)
{
	struct linger at_once = {1, 0};
	struct ramet_conn *c[2];
	int i;

	need_kernel();
	tls_pair(c, &trusting, &serving);
	CHECK_EQ(setsockopt(ramet_conn_fd(c[0]), SOL_SOCKET, SO_LINGER,
			    &at_once, sizeof at_once),
		 0);
	ramet__tls_abort(c[0]->tls);
	ramet_conn_close(c[0]);
	errno = 0;
	for (i = 0; i < 100 && ramet_conn_write(c[1], "x", 1) == 1; i++)
		CHECK_EQ(ramet_yield(), 0);
	CHECK(errno == EPIPE || errno == ECONNRESET);
	CHECK(*ramet_tls_error());
	ramet_conn_close(c[1]);
}

/* ---- HTTP --------------------------------------------------------------- */

static void send_file(struct ramet_http *h, void *path)
{
	ramet_http_file(h, path, NULL);
}

static void *serve(void *server)
{
	CHECK_EQ(ramet_http_serve(server), 0);
	return NULL;
}

static struct ramet_http_server *new_server(struct ramet_tls *tls, char *path)
{
	struct ramet_http_opts opts = {.handler = send_file,
				       .arg = path,
				       .tls = tls};

	return made(ramet_http_server_new(&opts));
}

static void get_file(const char *url, const char *data, size_t size)
{
	struct ramet_http_client_opts opts = {.tls = client_of(&trusting)};
	struct ramet_http_client *client = made(ramet_http_client_new(&opts));

	for (int i = 0; i < 3; i++) {
		struct ramet_http_response *r =
			made(ramet_http_get(client, url));
		size_t got;
		const char *body = ramet_http_response_body(r, size + 1, &got);

		CHECK_EQ(ramet_http_status(r), 200);
		CHECK(body != NULL);
		CHECK_EQ(got, size);
		CHECK_EQ(memcmp(body, data, size), 0);
		ramet_http_response_free(r);
	}
	ramet_http_client_free(client);
	ramet_tls_free(opts.tls);
}

TEST(files_are_served_by_the_kernel)
{
	size_t size = 1000000;
	char *data = bytes(size), path[300], url[64];
	struct ramet_http_server *s;
	struct ramet_tls *tls;
	struct ramet *server;
	FILE *f;
	int port;

	refuse(-1, -1, 0); /* nothing, but count; before there are threads */
	tls = server_of(&serving);
	snprintf(path, sizeof path, "%s/file", test_dir());
	f = made(fopen(path, "we"));
	CHECK_EQ(fwrite(data, 1, size, f), size);
	CHECK_EQ(fclose(f), 0);
	s = new_server(tls, path);
	port = ramet_http_listen(s, "https://127.0.0.1:0");
	CHECK(port > 0);
	snprintf(url, sizeof url, "https://localhost:%d/", port);
	server = spawn(serve, s);
	get_file(url, data, size);
	CHECK_EQ(sendfiles > 0, kernel_encrypts());
	ramet_http_stop(s);
	join(server);
	ramet_http_server_free(s);
	ramet_tls_free(tls);
	free(data);
}
