/* Bytes over TLS with ourselves, both ways, and how they end. */
#include "tls.h"

#include "net/conn.h"
#include "net/tls/state.h"

#include <malloc.h>
#include <sys/stat.h>

/* The n-th byte of a stream. */
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
	size_t got, most; /* per read */
	int error;        /* 0: the end */
	char text[256];
};

static void *read_all(void *arg)
{
	struct reader *r = arg;
	char buf[5000];
	ssize_t n;

	for (;;) {
		n = ramet_conn_read(r->conn, buf,
				    r->most ? r->most : sizeof buf);
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != nth(r->got + (size_t)i))
				test_fail(__FILE__, __LINE__, "byte %zu",
					  r->got + (size_t)i);
		r->got += (size_t)n;
	}
	r->error = n < 0 ? errno : 0;
	snprintf(r->text, sizeof r->text, "%s", ramet_tls_error());
	return NULL;
}

static struct ramet *read_from(struct reader *r, struct ramet_conn *c)
{
	*r = (struct reader){.conn = c};
	return spawn(read_all, r);
}

/* ---- bytes -------------------------------------------------------------- */

TEST(sizes_around_those_of_records)
{
	static const size_t sizes[] = {0,     1,     100,   16383, 16384,
				       16385, 32768, 32769, 100000};
	size_t count = test_is_swept() ? 4 : countof(sizes);

	for (size_t i = 0; i < count; i++)
		for (int from = 0; from < 2; from++) {
			struct ramet_conn *c[2];
			struct reader r;
			struct ramet *reader;
			char *data = bytes(sizes[i]);

			tls_pair(c, &trusting, &serving);
			reader = read_from(&r, c[!from]);
			CHECK_EQ(ramet_conn_write(c[from], data, sizes[i]),
				 sizes[i]);
			CHECK_EQ(ramet_conn_shutdown(c[from]), 0);
			join(reader);
			CHECK_EQ(r.got, sizes[i]);
			CHECK_EQ(r.error, 0);
			free(data);
			close_conns(c);
		}
}

/* Pieces of any size, and none, cut from one stream. */
TEST(pieces_of_any_size)
{
	for (int round = 0; round < test_rounds(20); round++) {
		struct iovec iov[60];
		struct ramet_conn *c[2];
		struct reader r;
		struct ramet *reader;
		size_t size = 0;
		int count = (int)test_rand(countof(iov));
		char *data = bytes(countof(iov) * 20000);

		for (int i = 0; i < count; i++) {
			size_t some = test_rand(4) ? test_rand(300)
						   : test_rand(20000);

			iov[i] = (struct iovec){data + size, some};
			size += some;
		}
		tls_pair(c, &trusting, &serving);
		reader = read_from(&r, c[1]);
		r.most = 1 + test_rand(5000);
		CHECK_EQ(ramet_conn_writev(c[0], iov, count), size);
		ramet_conn_close(c[0]); /* says goodbye as well */
		join(reader);
		CHECK_EQ(r.got, size);
		CHECK_EQ(r.error, 0);
		ramet_conn_close(c[1]);
		free(data);
	}
}

/* Short pieces do not go out each by itself. */
TEST(pieces_share_records)
{
	struct ramet_conn *c[2];
	char head[] = "head: x\r\n\r\n", body[1000] = {0};
	struct iovec iov[3] = {{head, 11}, {body, 1000}, {body, 0}};
	char buf[2000];

	tls_pair(c, &trusting, &serving);
	CHECK_EQ(ramet_conn_writev(c[0], iov, 3), 1011);
	CHECK_EQ(ramet_conn_read(c[1], buf, sizeof buf), 1011);
	close_conns(c);
}

/* A response of two records, and a request. */
TEST(a_message_is_one_system_call)
{
	static char head[200], body[16384];
	struct iovec iov[2] = {{head, sizeof head}, {body, sizeof body}};
	struct ramet_conn *c[2];
	char buf[100];
	int64_t before;

	tls_pair(c, &trusting, &serving);
	CHECK_EQ(ramet_conn_write(c[0], "request", 7), 7);
	await_bytes(ramet_conn_fd(c[1]), 7 + 22);
	settle(); /* the loop hears of it */
	before = system_calls();
	CHECK_EQ(ramet_conn_read(c[1], buf, sizeof buf), 7);
	check_calls(before, 1);
	before = system_calls();
	CHECK_EQ(ramet_conn_writev(c[1], iov, 2), 16584);
	check_calls(before, 1);
	close_conns(c);
}

struct writer {
	struct ramet_conn *conn;
	const char *data;
	size_t size;
	ssize_t result;
	int error;
};

static void *write_all(void *arg)
{
	struct writer *w = arg;

	w->result = ramet_conn_write(w->conn, w->data, w->size);
	w->error = errno;
	return NULL;
}

/* One ramet reads and another writes, on either side. */
TEST(much_both_ways_at_once)
{
	size_t size = test_is_swept() ? 100000 : 8 << 20;
	char *data = bytes(size);
	struct ramet_conn *c[2];
	struct reader r[2];
	struct writer w[2];
	struct ramet *t[4];

	tls_pair(c, &trusting, &serving);
	for (int i = 0; i < 2; i++) {
		w[i] = (struct writer){c[i], data, size, 0, 0};
		t[i] = read_from(&r[i], c[i]);
		t[2 + i] = spawn(write_all, &w[i]);
	}
	for (int i = 0; i < 2; i++) {
		join(t[2 + i]);
		CHECK_EQ(w[i].result, size);
		CHECK_EQ(ramet_conn_shutdown(c[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		join(t[i]);
		CHECK_EQ(r[i].got, size);
		CHECK_EQ(r[i].error, 0);
	}
	free(data);
	close_conns(c);
}

TEST(byte_by_byte)
{
	size_t size = test_is_swept() ? 10 : 2000;
	struct ramet_conn *c[2];
	struct reader r;
	struct ramet *reader;

	tls_pair(c, &trusting, &serving);
	reader = read_from(&r, c[1]);
	for (size_t i = 0; i < size; i++) {
		char byte = nth(i);

		CHECK_EQ(ramet_conn_write(c[0], &byte, 1), 1);
	}
	CHECK_EQ(ramet_conn_shutdown(c[0]), 0);
	join(reader);
	CHECK_EQ(r.got, size);
	close_conns(c);
}

/* What has come without having been read. */
TEST(pending_is_what_needs_no_wait)
{
	struct ramet_conn *c[2];
	char buf[100];
	int half;

	tls_pair(c, &trusting, &serving_here);
	/* The tickets are no data. */
	await_bytes(ramet_conn_fd(c[0]), 1);
	CHECK(!ramet__conn_pending(c[0]));
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_conn_read(c[0], buf, 1), ETIMEDOUT);
	CHECK(!ramet__conn_pending(c[0]));

	CHECK_EQ(ramet_conn_write(c[1], "one", 3), 3);
	CHECK_EQ(ramet_conn_write(c[1], "two", 3), 3);
	await_bytes(ramet_conn_fd(c[0]), 2 * 25);
	CHECK_EQ(ramet_conn_read(c[0], buf, 1), 1);
	CHECK(ramet__conn_pending(c[0])); /* the rest of one record */
	CHECK_EQ(ramet_conn_read(c[0], buf, 10), 2);
	CHECK(ramet__conn_pending(c[0])); /* another, still encrypted */
	CHECK_EQ(ramet_conn_read(c[0], buf, 10), 3);
	CHECK(!ramet__conn_pending(c[0]));

	/* Half of one is none. */
	half = ramet_conn_fd(c[1]);
	CHECK_EQ(ramet_write(half, "\27\3\3\0\50abc", 8), 8);
	await_bytes(ramet_conn_fd(c[0]), 8);
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_conn_read(c[0], buf, 1), ETIMEDOUT);
	CHECK(!ramet__conn_pending(c[0]));
	close_conns(c);
}

/* ---- files -------------------------------------------------------------- */

TEST(files_are_sent)
{
	static const struct {
		size_t size, offset, count, want;
	} cases[] = {
		{10, 0, 10, 10},
		{10, 3, 100, 7},
		{10, 10, 1, 0},
		{0, 0, 1, 0},
		{100000, 0, 0, 0},
		{100000, 1, 50000, 50000},
		{100000, 7, 1 << 20, 99993},
	};
	char *data = bytes(100000);

	for (size_t i = 0; i < countof(cases); i++) {
		FILE *f = made(tmpfile());
		struct ramet_conn *c[2];
		struct reader r;
		struct ramet *reader;

		CHECK_EQ(fwrite(data, 1, cases[i].size, f), cases[i].size);
		CHECK_EQ(fflush(f), 0);
		tls_pair(c, &trusting, &serving);
		reader = read_from(&r, c[0]);
		r.got = cases[i].offset;
		CHECK_EQ(ramet_conn_sendfile(c[1], fileno(f),
					     (off_t)cases[i].offset,
					     cases[i].count),
			 cases[i].want);
		CHECK_EQ(ramet_conn_shutdown(c[1]), 0);
		join(reader);
		CHECK_EQ(r.got, cases[i].offset + cases[i].want);
		CHECK_ERR(ramet_conn_sendfile(c[0], fileno(f), -1, 1), EINVAL);
		CHECK_ERR(ramet_conn_sendfile(c[0], -1, 0, 1), EBADF);
		close_conns(c);
		CHECK_EQ(fclose(f), 0);
	}
	free(data);
}

/* ---- ends --------------------------------------------------------------- */

TEST(one_way_ends_before_the_other)
{
	struct ramet_conn *c[2];
	char buf[10];

	tls_pair(c, &trusting, &serving);
	CHECK_EQ(ramet_conn_write(c[0], "ask", 3), 3);
	CHECK_EQ(ramet_conn_shutdown(c[0]), 0);
	CHECK_ERR(ramet_conn_write(c[0], "x", 1), EPIPE);
	CHECK_EQ(ramet_conn_read(c[1], buf, sizeof buf), 3);
	LIVELY
		CHECK_EQ(ramet_conn_read(c[1], buf, sizeof buf), 0);
	CHECK_EQ(ramet_conn_read(c[1], buf, sizeof buf), 0);
	CHECK_EQ(ramet_conn_write(c[1], "answer", 6), 6);
	CHECK_EQ(ramet_conn_shutdown(c[1]), 0);
	CHECK_EQ(ramet_conn_read(c[0], buf, sizeof buf), 6);
	CHECK_EQ(ramet_conn_read(c[0], buf, sizeof buf), 0);
	close_conns(c);
}

TEST(an_end_that_was_not_said_is_an_error)
{
	struct ramet_conn *c[2];
	char buf[10];

	tls_pair(c, &trusting, &serving);
	CHECK_EQ(ramet_conn_write(c[0], "ask", 3), 3);
	CHECK_EQ(ramet_shutdown(ramet_conn_fd(c[0]), SHUT_WR), 0);
	CHECK_EQ(ramet_conn_read(c[1], buf, sizeof buf), 3);
	LIVELY
		CHECK_ERR(ramet_conn_read(c[1], buf, sizeof buf), ECONNABORTED);
	CHECK(strstr(ramet_tls_error(), "without saying") != NULL);
	CHECK_ERR(ramet_conn_read(c[1], buf, sizeof buf), ECONNABORTED);
	close_conns(c);
}

TEST(a_reset_is_a_reset)
{
	struct linger at_once = {1, 0};
	struct ramet_conn *c[2];
	char byte;
	int fd;

	tls_pair(c, &trusting, &serving);
	fd = ramet_conn_fd(c[0]);
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once,
			    sizeof at_once),
		 0);
	c[0]->tls->broken = -EIO; /* no goodbye */
	ramet_conn_close(c[0]);
	CHECK_ERR(ramet_conn_read(c[1], &byte, 1), ECONNRESET);
	CHECK(strstr(ramet_tls_error(), "reset") != NULL);
	ramet_conn_close(c[1]);
}

/* A record that is not the peer's. */
TEST(what_is_forged_is_refused)
{
	struct ramet_conn *c[2];
	static char record[45] = "\27\3\3\0\50";
	char buf[10];

	tls_pair(c, &trusting_here, &serving);
	CHECK_EQ(ramet_write(ramet_conn_fd(c[0]), record, 45), 45);
	LIVELY
		CHECK_ERR(ramet_conn_read(c[1], buf, sizeof buf), EPROTO);
	CHECK(*ramet_tls_error());
	LIVELY
		CHECK_ERR(ramet_conn_read(c[0], buf, sizeof buf), EPROTO);
	CHECK(strstr(ramet_tls_error(), "the peer refuses: ") != NULL);
	close_conns(c);
}

static void *fail_to_read(void *arg)
{
	char byte;

	CHECK_ERR(ramet_conn_read(arg, &byte, 1), ECONNABORTED);
	CHECK_EQ(ramet_yield(), 0);
	CHECK(strstr(ramet_tls_error(), "without saying") != NULL);
	return NULL;
}

/* OpenSSL notes errors for the OS thread, which many share. */
TEST(errors_are_of_those_who_made_them)
{
	struct ramet_conn *bad[2], *good[2];
	struct ramet *failing;
	char buf[10];

	tls_pair(bad, &trusting, &serving);
	tls_pair(good, &trusting, &serving);
	CHECK_EQ(ramet_shutdown(ramet_conn_fd(bad[0]), SHUT_WR), 0);
	failing = spawn(fail_to_read, bad[1]);
	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(ramet_conn_write(good[0], "fine", 4), 4);
	CHECK_EQ(ramet_conn_read(good[1], buf, sizeof buf), 4);
	CHECK_EQ(*ramet_tls_error(), 0);
	ERR_raise(ERR_LIB_SSL, SSL_R_HTTP_REQUEST); /* the program's own */
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_conn_read(good[1], buf, 1), ETIMEDOUT);
	CHECK_EQ(ramet_conn_write(good[0], "fine", 4), 4);
	CHECK_EQ(ramet_conn_read(good[1], buf, sizeof buf), 4);
	join(failing);
	close_conns(bad);
	close_conns(good);
}

/* ---- waits that end early ----------------------------------------------- */

TEST(reads_end_with_cancel_and_close)
{
	for (int how = 0; how < 3; how++) {
		struct ramet_conn *c[2];
		struct reader r;
		struct ramet *reader;
		char byte;

		tls_pair(c, &trusting, &serving);
		reader = read_from(&r, c[1]);
		settle();
		if (how == 0)
			ramet_conn_close(c[1]);
		else if (how == 1)
			CHECK_EQ(ramet_cancel(reader), 0);
		else
			CHECK_EQ(ramet_kill(reader), 0);
		if (how == 2)
			CHECK_ERR(ramet_join(reader, NULL), ECHILD);
		else
			join(reader);
		if (how == 0) {
			CHECK_EQ(r.error, EBADF);
			CHECK_EQ(ramet_conn_read(c[0], &byte, 1), 0);
		} else {
			CHECK(how == 2 || r.error == ECANCELED);
			CHECK_EQ(ramet_conn_write(c[0], "x", 1), 1);
			CHECK_EQ(ramet_conn_read(c[1], &byte, 1), 1);
			ramet_conn_close(c[1]);
		}
		ramet_conn_close(c[0]);
	}
}

static void *drain(void *conn)
{
	char buf[5000];
	ssize_t n;
	char last = 0;

	while ((n = ramet_conn_read(conn, buf, sizeof buf)) > 0)
		last = buf[n - 1];
	CHECK_EQ(n, 0);
	CHECK_EQ(last, '!');
	return NULL;
}

/* What was cut short in the middle of a record goes on there. */
TEST(after_a_write_that_was_cancelled_others_work)
{
	size_t size = 32 << 20;
	char *data = bytes(size);

	for (int kill = 0; kill < 2; kill++) {
		struct ramet_conn *c[2];
		struct writer w = {.data = data, .size = size};
		struct ramet *writer, *reader;

		tls_pair(c, &trusting, &serving);
		w.conn = c[0];
		writer = spawn(write_all, &w);
		settle();
		CHECK_EQ(kill ? ramet_kill(writer) : ramet_cancel(writer), 0);
		if (kill) {
			CHECK_ERR(ramet_join(writer, NULL), ECHILD);
		} else {
			join(writer);
			CHECK_EQ(w.result, -1);
			CHECK_EQ(w.error, ECANCELED);
		}
		reader = spawn(drain, c[1]);
		CHECK_EQ(ramet_conn_write(c[0], "!", 1), 1);
		CHECK_EQ(ramet_conn_shutdown(c[0]), 0);
		join(reader);
		close_conns(c);
	}
	free(data);
}

TEST(close_under_a_writer)
{
	size_t size = 32 << 20;
	char *data = bytes(size);
	struct ramet_conn *c[2];
	struct writer w = {.data = data, .size = size};
	struct ramet *writer;

	tls_pair(c, &trusting, &serving);
	w.conn = c[0];
	writer = spawn(write_all, &w);
	settle();
	ramet_conn_close(c[0]);
	join(writer);
	CHECK_EQ(w.result, -1);
	CHECK_EQ(w.error, EBADF);
	ramet_conn_close(c[1]);
	free(data);
}

TEST(two_write_at_once)
{
	struct ramet_conn *c[2];
	size_t size = 4 << 20;
	char *data = made(calloc(1, size + 1));
	struct writer w[2];
	struct ramet *t[2];
	size_t got = 0;
	char buf[5000];

	tls_pair(c, &trusting, &serving);
	for (int i = 0; i < 2; i++) {
		w[i] = (struct writer){c[0], data, size, 0, 0};
		t[i] = spawn(write_all, &w[i]);
	}
	while (got < 2 * size) {
		ssize_t n = ramet_conn_read(c[1], buf, sizeof buf);

		CHECK(n > 0);
		got += (size_t)n;
	}
	for (int i = 0; i < 2; i++) {
		join(t[i]);
		CHECK_EQ(w[i].result, size);
	}
	close_conns(c);
	free(data);
}

/* ---- what peers may ask for --------------------------------------------- */

static SSL *ssl_of(struct ramet_conn *c)
{
	return c->tls->ssl;
}

static void check_both_ways(struct ramet_conn *c[2])
{
	char buf[10];

	for (int from = 0; from < 2; from++) {
		CHECK_EQ(ramet_conn_write(c[from], "fine", 4), 4);
		LIVELY
			CHECK_EQ(ramet_conn_read(c[!from], buf, sizeof buf), 4);
	}
}

TEST(keys_are_changed)
{
	struct ramet_conn *c[2];

	tls_pair(c, &trusting_here, &serving_here);
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(SSL_key_update(ssl_of(c[i % 2]),
					SSL_KEY_UPDATE_REQUESTED),
			 1);
		check_both_ways(c);
	}
	close_conns(c);
}

/* While it cannot be answered, for what is sent is not read. */
TEST(keys_are_changed_while_a_write_waits)
{
	size_t size = test_is_swept() ? 200000 : 8 << 20;
	char *data = bytes(size);
	struct ramet_conn *c[2];
	struct writer w = {.data = data, .size = size};
	struct reader r, other;
	struct ramet *writer, *reader, *third;

	tls_pair(c, &trusting_here, &serving_here);
	w.conn = c[0];
	writer = spawn(write_all, &w);
	reader = read_from(&r, c[0]);
	settle();
	CHECK_EQ(SSL_key_update(ssl_of(c[1]), SSL_KEY_UPDATE_REQUESTED), 1);
	CHECK_EQ(ramet_conn_write(c[1], "", 0), 0);
	CHECK_EQ(ramet_conn_write(c[1], (char[]){nth(0)}, 1), 1);
	settle();
	CHECK_EQ(r.got, 1);
	third = read_from(&other, c[1]);
	join(writer);
	CHECK_EQ(w.result, size);
	CHECK_EQ(ramet_conn_shutdown(c[0]), 0);
	join(third);
	CHECK_EQ(other.got, size);
	CHECK_EQ(other.error, 0);
	CHECK_EQ(ramet_conn_shutdown(c[1]), 0);
	join(reader);
	CHECK_EQ(r.error, 0);
	free(data);
	close_conns(c);
}

/* Who asks for answers and reads none is not answered without end. */
TEST(who_asks_without_end_is_left)
{
	struct ramet_conn *c[2];
	struct reader r;
	struct ramet *reader;
	int i;

	tls_pair(c, &trusting_here, &serving_here);
	fill(ramet_conn_fd(c[1]));
	reader = read_from(&r, c[1]);
	for (i = 0; i < 100000 && !r.error; i++) {
		char byte = nth((size_t)i);

		SSL_key_update(ssl_of(c[0]), SSL_KEY_UPDATE_REQUESTED);
		if (ramet_conn_write(c[0], &byte, 1) < 0)
			break;
		if (i % 100 == 0)
			CHECK_EQ(ramet_yield(), 0);
	}
	LIVELY
		join(reader);
	CHECK_EQ(r.error, ENOBUFS);
	close_conns(c);
}

TEST(renegotiation_is_refused)
{
	struct ramet_tls *client = client_of(&trusting_here);
	struct ramet_tls *server = server_of(&serving);
	struct ramet_conn *c[2];

	SSL_CTX_set_max_proto_version(client->ctx, TLS1_2_VERSION);
	SSL_CTX_clear_options(client->ctx, SSL_OP_NO_RENEGOTIATION);
	tls_pair_of(c, client, server);
	CHECK(strcmp(ramet_conn_tls_version(c[0]), "TLSv1.2") == 0);
	check_both_ways(c);
	c[0]->tls->io = NULL;
	CHECK_EQ(SSL_renegotiate(ssl_of(c[0])), 1);
	CHECK(SSL_do_handshake(ssl_of(c[0])) <= 0);
	ramet_conn_close(c[0]); /* its hand-shake goes nowhere */
	{
		char byte;

		LIVELY
			CHECK(ramet_conn_read(c[1], &byte, 1) <= 0);
	}
	ramet_conn_close(c[1]);
	ramet_tls_free(client);
	ramet_tls_free(server);
}

/* ---- what it costs ------------------------------------------------------ */

/* A connection that waits keeps no buffers: those of one direction alone are
 * 16 KiB, where all of OpenSSL takes 18. */
TEST(idle_connections_are_small)
{
	enum { COUNT = 50 };
	struct ramet_tls *client = client_of(&trusting);
	struct ramet_tls *server = server_of(&serving);
	struct ramet_conn *c[COUNT][2];
	size_t before = 0, per;
	char byte;

	for (int i = 0; i < COUNT; i++) {
		if (i == 1)
			before = mallinfo2().uordblks;
		tls_pair_of(c[i], client, server);
		check_both_ways(c[i]); /* tickets are read, and then written */
		check_both_ways(c[i]);
		for (int side = 0; side < 2; side++)
			RAMET_WITHIN(RAMET_MS)
				CHECK_ERR(ramet_conn_read(c[i][side], &byte, 1),
					  ETIMEDOUT);
	}
	per = (mallinfo2().uordblks - before) / (COUNT - 1) / 2;
	if (!TEST_ASAN && per > 24576)
		test_fail(__FILE__, __LINE__, "%zu bytes each", per);
	for (int i = 0; i < COUNT; i++)
		close_conns(c[i]);
	ramet_tls_free(client);
	ramet_tls_free(server);
}
