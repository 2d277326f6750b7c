/* Connections without TLS: bytes, files, ends. */
#include "door.h"
#include "pair.h"

#include "base/base.h"

#include <sys/stat.h>
#include <sys/syscall.h>

/* The n-th byte of a stream. */
static char nth(size_t n)
{
	return (char)(n * 7 + n / 251);
}

static struct ramet_conn *conn_on(int fd)
{
	return made(ramet_conn_new(fd));
}

static void conn_pair(struct ramet_conn *c[2])
{
	int fds[2];

	tcp_pair(fds);
	c[0] = conn_on(fds[0]);
	c[1] = conn_on(fds[1]);
	CHECK_EQ(ramet_conn_fd(c[0]), fds[0]);
}

static void close_both(struct ramet_conn *c[2])
{
	ramet_conn_close(c[0]);
	ramet_conn_close(c[1]);
}

struct reader {
	struct ramet_conn *conn;
	size_t got, most; /* per read */
	int error;        /* 0: the end of the stream */
};

static void *read_all(void *arg)
{
	struct reader *r = arg;
	static char buf[65536];
	ssize_t n;

	for (;;) {
		n = ramet_conn_read(r->conn, buf,
				    r->most ? r->most : sizeof buf);
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			CHECK(buf[i] == nth(r->got + (size_t)i));
		r->got += (size_t)n;
	}
	r->error = n < 0 ? errno : 0;
	return NULL;
}

/* A file of that size under test_dir. */
static int file_of(size_t size)
{
	char path[256], buf[4096];
	int fd;

	snprintf(path, sizeof path, "%s/file", test_dir());
	fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
	CHECK(fd >= 0);
	for (size_t done = 0; done < size;) {
		size_t some =
			size - done < sizeof buf ? size - done : sizeof buf;

		for (size_t i = 0; i < some; i++)
			buf[i] = nth(done + i);
		CHECK_EQ(write(fd, buf, some), some);
		done += some;
	}
	CHECK_EQ(unlink(path), 0);
	return fd;
}

/* ---- bytes -------------------------------------------------------------- */

TEST(what_is_written_is_read)
{
	struct ramet_conn *c[2];
	char one[] = "one", two[] = " two";
	struct iovec iov[3] = {{one, 3}, {NULL, 0}, {two, 4}};
	char buf[16];

	conn_pair(c);
	CHECK_EQ(ramet_conn_write(c[0], "zero ", 5), 5);
	CHECK_EQ(ramet_conn_writev(c[0], iov, 3), 7);
	CHECK_EQ(iov[0].iov_len, 3);
	await_bytes(ramet_conn_fd(c[1]), 12);
	CHECK_EQ(ramet_conn_read(c[1], buf, sizeof buf), 12);
	CHECK_EQ(memcmp(buf, "zero one two", 12), 0);
	close_both(c);
}

TEST(everything_goes_out_whatever_the_room)
{
	size_t size = test_is_swept() ? 300000 : 8 << 20;
	struct ramet_conn *c[2];
	struct reader r = {0};
	struct ramet *reader;
	struct iovec iov[40];
	char *data = made(malloc(size));

	for (size_t i = 0; i < size; i++)
		data[i] = nth(i);
	for (size_t i = 0; i < countof(iov); i++)
		iov[i] = (struct iovec){data + i * (size / countof(iov)),
					size / countof(iov)};
	conn_pair(c);
	r.conn = c[1];
	reader = spawn(read_all, &r);
	LIVELY
		CHECK_EQ(ramet_conn_writev(c[0], iov, countof(iov)),
			 size / countof(iov) * countof(iov));
	CHECK_EQ(ramet_conn_shutdown(c[0]), 0);
	join(reader);
	CHECK_EQ(r.got, size / countof(iov) * countof(iov));
	CHECK_EQ(r.error, 0);
	free(data);
	close_both(c);
}

TEST(wrong_calls)
{
	struct ramet_conn *c[2];

	conn_pair(c);
	CHECK_ERR(ramet_conn_writev(c[0], NULL, -1), EINVAL);
	CHECK_EQ(ramet_conn_write(c[0], "", 0), 0);
	CHECK_NULL(ramet_conn_dial(NULL, NULL), EINVAL);
	CHECK_NULL(ramet_conn_dial("tls://:1", NULL), EINVAL);
	CHECK_NULL(ramet_conn_dial("tls://nowhere", NULL), EINVAL);
	CHECK_NULL(ramet_conn_dial("http://127.0.0.1:1", NULL), EINVAL);
	CHECK(!ramet_conn_tls_version(c[0]));
	CHECK_EQ(*ramet_conn_alpn(c[0]), 0);
	CHECK_EQ(*ramet_conn_name(c[0]), 0);
	CHECK_EQ(*ramet_conn_peer(c[0]), 0);
	CHECK_EQ(ramet_conn_resumed(c[0]), 0);
	CHECK_EQ(ramet_conn_kernel(c[0]), 0);
	close_both(c);
	errno = 7;
	ramet_conn_close(NULL);
	CHECK_EQ(errno, 7);
}

TEST(dials_by_address)
{
	int listener = ramet_listen("tcp://127.0.0.1:0"), fd;
	struct ramet_conn *c;
	char byte;

	CHECK(listener >= 0);
	c = made(ramet_conn_dial(address_of("127.0.0.1", listener), NULL));
	fd = ramet_accept(listener, NULL, NULL);
	CHECK(fd >= 0);
	CHECK_EQ(ramet_conn_write(c, "x", 1), 1);
	LIVELY
		CHECK_EQ(ramet_read(fd, &byte, 1), 1);
	CHECK_EQ(ramet_close(fd), 0);
	LIVELY
		CHECK_EQ(ramet_conn_read(c, &byte, 1), 0);
	ramet_conn_close(c);
	CHECK_EQ(ramet_close(listener), 0);
}

TEST(nobody_there)
{
	struct sockaddr_in addr;
	int fd = bound_socket(&addr);

	CHECK_NULL(ramet_conn_dial(address_of("127.0.0.1", fd), NULL),
		   ECONNREFUSED);
	CHECK_EQ(ramet_close(fd), 0);
}

static void *use_elsewhere(void *conn)
{
	struct ramet_conn *c = conn;
	char byte = 0;

	CHECK_ERR(ramet_conn_read(c, &byte, 1), EPERM);
	CHECK_ERR(ramet_conn_write(c, &byte, 1), EPERM);
	CHECK_ERR(ramet_conn_sendfile(c, 0, 0, 1), EPERM);
	CHECK_ERR(ramet_conn_shutdown(c), EPERM);
	CHECK_ERR(ramet_conn_start_tls(c, NULL, "x"), EPERM);
	ramet_conn_close(c);
	return NULL;
}

TEST(another_loop_may_not_use_it)
{
	struct ramet_conn *c[2];
	struct ramet_future *f;
	char byte;

	CHECK_EQ(ramet_loops_start(2), 2);
	conn_pair(c);
	f = made(ramet_loop_call(ramet_loop_at(1), use_elsewhere, c[0]));
	CHECK_EQ(ramet_future_get(f, NULL), 0);
	ramet_future_release(f);
	CHECK_EQ(ramet_conn_write(c[0], "x", 1), 1);
	LIVELY
		CHECK_EQ(ramet_conn_read(c[1], &byte, 1), 1);
	close_both(c);
	CHECK_EQ(ramet_loops_stop(), 0);
}

/* ---- ends --------------------------------------------------------------- */

TEST(close_ends_waits_with_ebadf)
{
	struct ramet_conn *c[2];
	struct reader r = {0};
	struct ramet *reader;

	conn_pair(c);
	r.conn = c[0];
	reader = spawn(read_all, &r);
	let_run();
	errno = 7;
	ramet_conn_close(c[0]);
	CHECK_EQ(errno, 7);
	join(reader);
	CHECK_EQ(r.error, EBADF);
	ramet_conn_close(c[1]);
}

TEST(a_scope_bounds_reads_and_writes)
{
	struct ramet_conn *c[2];
	static char zeros[1 << 20];
	char byte;

	conn_pair(c);
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_conn_read(c[0], &byte, 1), ETIMEDOUT);
	fill(ramet_conn_fd(c[0]));
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_conn_write(c[0], zeros, sizeof zeros),
			  ETIMEDOUT);
	close_both(c);
}

/* ---- files -------------------------------------------------------------- */

static void send_files(bool foreign)
{
	static const struct {
		size_t size, offset, count, want;
	} cases[] = {
		{10, 0, 10, 10},
		{10, 3, 4, 4},
		{10, 3, 100, 7},
		{10, 10, 1, 0},
		{10, 20, 1, 0},
		{0, 0, 1, 0},
		{10, 0, 0, 0},
		{5000, 1, 4999, 4999},
		{300000, 100, 299900, 299900},
	};

	for (size_t i = 0; i < countof(cases); i++) {
		int file = file_of(cases[i].size), fds[2];
		struct ramet_conn *c[2];
		struct ramet *reader;
		struct reader r = {.got = cases[i].offset};
		ssize_t n = -1;

		(foreign ? foreign_pair : tcp_pair)(fds);
		c[0] = conn_on(fds[0]);
		c[1] = conn_on(fds[1]);
		r.conn = c[1];
		reader = spawn(read_all, &r);
		LIVELY /* the reader may have failed */
			n = ramet_conn_sendfile(c[0], file,
						(off_t)cases[i].offset,
						cases[i].count);
		if (n != (ssize_t)cases[i].want)
			test_fail(__FILE__, __LINE__, "case %zu: %zd, %d", i, n,
				  errno);
		CHECK_EQ(ramet_conn_shutdown(c[0]), 0);
		join(reader);
		CHECK_EQ(r.got, cases[i].offset + cases[i].want);
		CHECK_EQ(lseek(file, 0, SEEK_CUR), cases[i].size);
		close_both(c);
		CHECK_EQ(close(file), 0);
	}
}

TEST(parts_of_files_are_sent)
{
	send_files(false);
}

/* A socket that may block is not given to sendfile(2). */
TEST(parts_of_files_are_sent_to_sockets_of_others)
{
	send_files(true);
}

TEST(what_is_no_file_is_not_sent)
{
	struct ramet_conn *c[2];
	int fds[2];

	conn_pair(c);
	pipe_pair(fds);
	CHECK_ERR(ramet_conn_sendfile(c[0], -1, 0, 1), EBADF);
	CHECK_ERR(ramet_conn_sendfile(c[0], fds[0], 0, 1), ESPIPE);
	CHECK_ERR(ramet_conn_sendfile(c[0], fds[0], -1, 1), EINVAL);
	close_pair(fds);
	close_both(c);
}

/* As far as the kernel obeys.  The loop keeps what it first asks the kernel to
 * do by itself with. */
static void drop_from_memory(int file)
{
	CHECK_EQ(ramet_fsync(file), 0);
	CHECK_EQ(ramet_fsync(file), 0);
	test_fds_are_kept();
	CHECK_EQ(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED), 0);
}

TEST(a_file_on_disk_is_fetched_first)
{
	size_t size = 1 << 20;
	int file = file_of(size);
	struct ramet_conn *c[2];
	struct reader r = {0};
	struct ramet *reader;

	drop_from_memory(file);
	conn_pair(c);
	r.conn = c[1];
	reader = spawn(read_all, &r);
	LIVELY
		CHECK_EQ(ramet_conn_sendfile(c[0], file, 0, size), size);
	ramet_conn_close(c[0]);
	join(reader);
	CHECK_EQ(r.got, size);
	ramet_conn_close(c[1]);
	CHECK_EQ(close(file), 0);
}

struct sender {
	struct ramet_conn *conn;
	int file, error;
};

static void *send_much(void *arg)
{
	struct sender *s = arg;
	ssize_t n = 1;

	while (n > 0)
		n = ramet_conn_sendfile(s->conn, s->file, 0, 1 << 20);
	s->error = errno;
	return NULL;
}

TEST(sendfile_waits_for_room_until_closed_or_cancelled)
{
	for (int cancel = 0; cancel < 2; cancel++) {
		struct ramet_conn *c[2];
		struct sender s = {.file = file_of(1 << 20)};
		struct ramet *sender;

		conn_pair(c);
		s.conn = c[0];
		sender = spawn(send_much, &s);
		settle();
		if (cancel)
			CHECK_EQ(ramet_cancel(sender), 0);
		else
			ramet_conn_close(c[0]);
		join(sender);
		CHECK_EQ(s.error, cancel ? ECANCELED : EBADF);
		if (cancel)
			ramet_conn_close(c[0]);
		ramet_conn_close(c[1]);
		CHECK_EQ(close(s.file), 0);
	}
}
