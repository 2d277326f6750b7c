/* read, write and their kin on whatever can be read and written. */
#include "door.h"
#include "pair.h"
#include "ticker.h"

#include "base/base.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <termios.h>

/* ---- one way to move bytes after the other ------------------------------ */

static void make_fifo(int fds[2])
{
	char path[96];

	snprintf(path, sizeof path, "%s/fifo", test_dir());
	CHECK_EQ(mkfifo(path, 0600), 0);
	fds[0] = open(path, O_RDONLY | O_NONBLOCK);
	fds[1] = open(path, O_WRONLY);
	CHECK(fds[0] >= 0 && fds[1] >= 0);
	CHECK_EQ(fcntl(fds[0], F_SETFL, 0), 0); /* it blocks, from here on */
	CHECK_EQ(unlink(path), 0);
}

/* The writing end is the tty, the reading one its master. */
static void make_pty(int fds[2])
{
	struct termios t;
	int unlock = 0, number;
	char path[32];

	fds[0] = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (fds[0] < 0 || ioctl(fds[0], TIOCSPTLCK, &unlock) < 0 ||
	    ioctl(fds[0], TIOCGPTN, &number) < 0)
		test_skip("no ptys here");
	snprintf(path, sizeof path, "/dev/pts/%d", number);
	fds[1] = open(path, O_RDWR | O_NOCTTY);
	if (fds[1] < 0)
		test_skip("no ptys here");
	CHECK_EQ(tcgetattr(fds[1], &t), 0);
	cfmakeraw(&t);
	CHECK_EQ(tcsetattr(fds[1], TCSANOW, &t), 0);
}

static const struct way {
	const char *name;
	void (*make)(int fds[2]);
	bool ours;
} ways[] = {
	{"tcp", tcp_pair, true},
	{"unix", unix_pair, true},
	{"pipe", pipe_pair, true},
	{"foreign pipe", foreign_pipe, false},
	{"foreign socket", foreign_pair, false},
	{"fifo", make_fifo, false},
	{"pty", make_pty, false},
};

#define FOR_EACH_WAY(w)                                                        \
	for (const struct way *w = ways; w < ways + countof(ways); w++)

/* The n-th byte of a stream. */
static char nth(size_t n)
{
	return (char)(n * 7 + n / 251);
}

struct reader {
	int fd;
	size_t got, most; /* per read */
	size_t all;       /* somebody waits until it has them, or for room */
	int error;        /* how it ended: 0 is the end of the stream */
};

static void *read_to_the_end(void *p)
{
	struct reader *r = p;
	char buf[70000];
	ssize_t n;

	while ((n = ramet_read(r->fd, buf, r->most)) > 0)
		for (ssize_t i = 0; i < n; i++)
			CHECK(buf[i] == nth(r->got++));
	r->error = n < 0 ? errno : 0;
	if (r->got < r->all)
		test_fail(__FILE__, __LINE__, "%zu of %zu bytes, then %s",
			  r->got, r->all, strerror(r->error));
	return NULL;
}

static char *pattern(size_t size)
{
	char *buf = malloc(size);

	CHECK(buf);
	for (size_t i = 0; i < size; i++)
		buf[i] = nth(i);
	return buf;
}

TEST(a_reader_waits_for_the_writer)
{
	FOR_EACH_WAY(w)
	{
		int fds[2];
		struct reader r = {.most = 16, .all = 20};
		struct ramet *t;

		w->make(fds);
		r.fd = fds[0];
		t = spawn(read_to_the_end, &r);
		for (size_t i = 0; i < 20; i++) {
			char c = nth(i);

			CHECK_EQ(ramet_write(fds[1], &c, 1), 1);
			if (i % 2)
				settle();
		}
		while (r.got < 20)
			settle();
		CHECK_EQ(ramet_close(fds[1]), 0);
		join(t);
		CHECK_EQ(r.got, 20);
		/* A master whose tty is gone says EIO. */
		CHECK(r.error == 0 || (w->make == make_pty && r.error == EIO));
		CHECK_EQ(ramet_close(fds[0]), 0);
	}
}

/* Larger than any buffer in between: the writer waits, the loop does not. */
TEST(a_large_write_completes)
{
	enum { SIZE = 3000000 };
	char *buf = pattern(SIZE);

	FOR_EACH_WAY(w)
	{
		size_t size = w->make == make_pty ? SIZE / 10 : SIZE;
		struct reader r = {.most = 70000, .all = size};
		struct ramet *t;
		int fds[2];

		w->make(fds);
		r.fd = fds[0];
		t = spawn(read_to_the_end, &r);
		CHECK_EQ(ramet_write(fds[1], buf, size), size);
		while (r.got < size)
			settle();
		CHECK_EQ(ramet_close(fds[1]), 0);
		join(t);
		CHECK_EQ(ramet_close(fds[0]), 0);
	}
	free(buf);
}

/* How many bytes come before an end mark; some may be left from before. */
static size_t count_until(char end, int fd)
{
	char buf[4096];
	size_t count = 0;

	for (;;) {
		ssize_t n = read(fd, buf, sizeof buf);

		if (n <= 0)
			return 0;
		if (buf[n - 1] == end)
			return count + (size_t)n - 1;
		count += (size_t)n;
	}
}

/* A tty that has to make two bytes of each. */
TEST(a_tty_that_is_full_blocks_only_the_writer)
{
	enum { SIZE = 100000 };
	static char lines[SIZE];
	char buf[4096];
	struct termios t;
	size_t got = 0;
	int fds[2], status;
	pid_t child;

	make_pty(fds);
	CHECK_EQ(tcgetattr(fds[1], &t), 0);
	t.c_oflag |= OPOST | ONLCR;
	CHECK_EQ(tcsetattr(fds[1], TCSANOW, &t), 0);
	memset(lines, '\n', SIZE);
	RAMET_WITHIN(test_pause(200 * RAMET_MS)) /* nobody reads */
		CHECK(ramet_write(fds[1], lines, SIZE) < SIZE);
	for (ssize_t n = 1; n > 0; got += (size_t)n)
		RAMET_WITHIN(test_pause(100 * RAMET_MS))
			if ((n = ramet_read(fds[0], buf, sizeof buf)) < 0)
				n = 0;
	CHECK(got > 0);
	/* Another process that reads it is no different. */
	child = fork();
	if (child == 0) {
		close(fds[1]);
		_exit(count_until('!', fds[0]) >= 2 * SIZE ? 0 : 1);
	}
	CHECK_EQ(ramet_write_all(fds[1], lines, SIZE), SIZE);
	CHECK_EQ(ramet_write(fds[1], "!", 1), 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	close_pair(fds);
}

/* ---- the ends of streams ------------------------------------------------ */

static void *read_one(void *fd)
{
	char c;
	ssize_t n = ramet_read(*(int *)fd, &c, 1);

	return (void *)(intptr_t)(n < 0 ? -errno : n);
}

TEST(a_reader_wakes_when_the_writer_closes)
{
	FOR_EACH_WAY(w)
	{
		int fds[2], want = w->make == make_pty ? -EIO : 0;
		struct ramet *t;

		w->make(fds);
		t = spawn(read_one, &fds[0]);
		settle();
		CHECK_EQ(close(fds[1]), 0); /* as another process would */
		CHECK_EQ((intptr_t)join(t), want);
		CHECK_EQ(ramet_close(fds[0]), 0);
		CHECK_EQ(ramet_close(fds[1]), -1);
	}
}

static void *write_much(void *fd)
{
	static char zeros[3000000];
	ssize_t n;

	do
		n = ramet_write(*(int *)fd, zeros, sizeof zeros);
	while (n > 0);
	return (void *)(intptr_t)errno;
}

TEST(a_writer_wakes_when_the_reader_closes)
{
	signal(SIGPIPE, SIG_IGN); /* which pipes raise, as ever */
	FOR_EACH_WAY(w)
	{
		int fds[2], err;
		struct ramet *t;

		w->make(fds);
		t = spawn(write_much, &fds[1]);
		settle();
		CHECK(!ramet_ended(t));
		CHECK_EQ(ramet_close(fds[0]), 0);
		err = (int)(intptr_t)join(t);
		CHECK(err == EPIPE || err == ECONNRESET ||
		      (w->make == make_pty && err == EIO));
		CHECK_EQ(ramet_close(fds[1]), 0);
	}
}

static void on_sigpipe(int sig)
{
	test_fail(__FILE__, __LINE__, "signal %d", sig);
}

TEST(a_broken_socket_raises_no_signal)
{
	char c = 0;
	struct iovec two[2] = {{&c, 1}, {&c, 1}};
	struct msghdr msg = {.msg_iov = two, .msg_iovlen = 2};

	signal(SIGPIPE, on_sigpipe);
	for (int foreign = 0; foreign < 2; foreign++) {
		int fds[2];

		(foreign ? foreign_pair : unix_pair)(fds);
		CHECK_EQ(ramet_close(fds[0]), 0);
		CHECK_ERR(ramet_write(fds[1], &c, 1), EPIPE);
		CHECK_ERR(ramet_writev(fds[1], two, 2), EPIPE);
		CHECK_ERR(ramet_write_all(fds[1], &c, 1), EPIPE);
		CHECK_ERR(ramet_send(fds[1], &c, 1, 0), EPIPE);
		CHECK_ERR(ramet_sendmsg(fds[1], &msg, 0), EPIPE);
		CHECK_EQ(ramet_close(fds[1]), 0);
	}
}

/* ---- time limits -------------------------------------------------------- */

TEST(a_write_cut_short_tells_how_much_went_out_and_then_why)
{
	enum { SIZE = 8000000 };
	char *buf = pattern(SIZE);

	FOR_EACH_WAY(w)
	{
		struct reader r = {.most = 70000};
		ssize_t n = 0;
		int fds[2];

		w->make(fds);
		RAMET_WITHIN(20 * RAMET_MS) {
			n = ramet_write(fds[1], buf, SIZE);
			CHECK(n > 0 && n < SIZE);
			CHECK_ERR(ramet_write(fds[1], buf, SIZE), ETIMEDOUT);
		}
		keep_full(fds[1]);
		RAMET_WITHIN(20 * RAMET_MS)
			CHECK_ERR(ramet_write_all(fds[1], buf, SIZE),
				  ETIMEDOUT);
		r.fd = fds[0];
		if (w->make ==
		    make_pty) { /* it loses what it holds at its end */
			close_pair(fds);
			continue;
		}
		CHECK_EQ(ramet_close(fds[1]), 0);
		read_to_the_end(&r);
		CHECK_EQ(r.error, 0);
		CHECK_EQ(r.got, n); /* the others could not send a byte */
		CHECK_EQ(ramet_close(fds[0]), 0);
	}
	free(buf);
}

static void *write_in_pieces(void *fd)
{
	char buf[100];

	for (size_t i = 0; i < sizeof buf; i++)
		buf[i] = nth(i);
	for (size_t i = 0; i < sizeof buf; i += 10) {
		CHECK_EQ(ramet_write(*(int *)fd, buf + i, 10), 10);
		CHECK_EQ(ramet_yield(), 0);
		settle();
	}
	return NULL;
}

TEST(read_all_reads_all)
{
	char want[100], buf[100];

	for (size_t i = 0; i < sizeof want; i++)
		want[i] = nth(i);
	FOR_EACH_WAY(w)
	{
		struct ramet *t;
		int fds[2];

		w->make(fds);
		t = spawn(write_in_pieces, &fds[1]);
		CHECK_EQ(ramet_read_all(fds[0], buf, 95), 95);
		CHECK_EQ(ramet_read_all(fds[0], buf + 95, 0), 0);
		/* Half of it, then nothing more. */
		RAMET_WITHIN(test_pause(200 * RAMET_MS)) {
			CHECK_EQ(ramet_read_all(fds[0], buf + 95, 50), 5);
			CHECK_ERR(ramet_read_all(fds[0], buf, 1), ETIMEDOUT);
		}
		CHECK(memcmp(buf, want, sizeof want) == 0);
		join(t);
		if (w->make != make_pty) {
			CHECK_EQ(ramet_write(fds[1], "end", 3), 3);
			CHECK_EQ(ramet_close(fds[1]), 0);
			CHECK_EQ(ramet_read_all(fds[0], buf, 50), 3);
			CHECK_EQ(ramet_read_all(fds[0], buf, 50), 0);
		} else {
			CHECK_EQ(ramet_close(fds[1]), 0);
		}
		CHECK_EQ(ramet_close(fds[0]), 0);
	}
}

/* ---- many pieces -------------------------------------------------------- */

enum { PIECES = 40 };

/* Cut size bytes of buf at random places; some pieces are empty. */
static int cut(struct iovec *iov, char *buf, size_t size)
{
	int count = 1 + (int)test_rand(PIECES - 1);

	for (int i = 0; i < count; i++) {
		size_t n = i == count - 1 ? size
					  : test_rand((uint32_t)size + 1) /
						    (1 + test_rand(8));

		if (!test_rand(5) && i < count - 1)
			n = 0;
		iov[i] = (struct iovec){buf, n};
		buf += n;
		size -= n;
	}
	return count;
}

struct scatter {
	int fd;
	size_t size, got;
};

static void *read_scattered(void *p)
{
	struct scatter *s = p;
	struct iovec iov[PIECES];
	char buf[50000];

	while (s->got < s->size) {
		int count = cut(iov, buf, 1 + test_rand(sizeof buf));
		ssize_t n = ramet_readv(s->fd, iov, count);

		if (n == 0) /* all the pieces may be empty but for the last */
			break;
		CHECK(n > 0);
		for (ssize_t i = 0; i < n; i++)
			CHECK(buf[i] == nth(s->got + (size_t)i));
		s->got += (size_t)n;
	}
	return NULL;
}

TEST(vectors_are_cut_anywhere)
{
	enum { SIZE = 600000 };
	char *buf = pattern(SIZE);

	FOR_EACH_WAY(w)
	{
		size_t size = w->make == make_pty ? SIZE / 10 : SIZE;
		struct scatter s = {.size = size};
		struct iovec iov[PIECES];
		struct ramet *t;
		int fds[2];

		w->make(fds);
		s.fd = fds[0];
		t = spawn(read_scattered, &s);
		for (size_t done = 0; done < size;) {
			size_t n = 1 + test_rand(100000);

			if (n > size - done)
				n = size - done;
			CHECK_EQ(ramet_writev(fds[1], iov,
					      cut(iov, buf + done, n)),
				 n);
			done += n;
		}
		join(t);
		CHECK_EQ(s.got, size);
		close_pair(fds);
	}
	free(buf);
}

TEST(vectors_that_are_none)
{
	struct iovec iov = {NULL, 0};
	int fds[2];

	unix_pair(fds);
	CHECK_ERR(ramet_readv(fds[0], &iov, 0), EINVAL);
	CHECK_ERR(ramet_readv(fds[0], &iov, -1), EINVAL);
	CHECK_ERR(ramet_readv(fds[0], &iov, 1025), EINVAL);
	CHECK_ERR(ramet_readv(fds[0], NULL, 1), EINVAL);
	CHECK_ERR(ramet_writev(fds[0], &iov, 0), EINVAL);
	CHECK_ERR(ramet_writev(fds[0], &iov, -1), EINVAL);
	CHECK_ERR(ramet_writev(fds[0], &iov, 1025), EINVAL);
	CHECK_ERR(ramet_writev(fds[0], NULL, 1), EINVAL);
	close_pair(fds);
}

/* As read(2) and write(2) have it, also where there is nothing and no room. */
TEST(nothing_is_read_and_written_at_once)
{
	FOR_EACH_WAY(w)
	{
		struct iovec none[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
		char c;
		int fds[2];

		w->make(fds);
		CHECK_EQ(ramet_read(fds[0], &c, 0), 0);
		CHECK_EQ(ramet_readv(fds[0], none, 3), 0);
		CHECK_EQ(ramet_read_all(fds[0], &c, 0), 0);
		CHECK_EQ(ramet_write(fds[1], &c, 0), 0);
		RAMET_WITHIN(20 * RAMET_MS) {
			static char much[8000000];

			ramet_write(fds[1], much, sizeof much);
		}
		CHECK_EQ(ramet_write(fds[1], &c, 0), 0);
		CHECK_EQ(ramet_writev(fds[1], none, 3), 0);
		CHECK_EQ(ramet_write_all(fds[1], &c, 0), 0);
		close_pair(fds);
	}
}

/* ---- what others made --------------------------------------------------- */

TEST(descriptors_of_others_block_the_ramet_alone_and_stay_as_they_are)
{
	static char much[8000000];
	struct ramet *ticker = start_ticker();
	char c;

	FOR_EACH_WAY(w)
	{
		int fds[2], flags[2], before;

		if (w->ours)
			continue;
		w->make(fds);
		for (int i = 0; i < 2; i++)
			flags[i] = fcntl(fds[i], F_GETFL);
		CHECK(!(flags[0] & O_NONBLOCK));
		before = ticks;
		RAMET_WITHIN(50 * RAMET_MS)
			CHECK_ERR(ramet_read(fds[0], &c, 1), ETIMEDOUT);
		CHECK(ticks > before);
		before = ticks;
		RAMET_WITHIN(50 * RAMET_MS)
			CHECK_ERR(ramet_write_all(fds[1], much, sizeof much),
				  ETIMEDOUT);
		CHECK(ticks > before);
		for (int i = 0; i < 2; i++)
			CHECK_EQ(fcntl(fds[i], F_GETFL), flags[i]);
		close_pair(fds);
	}
	stop_ticker(ticker);
}

static void *write_byte_later(void *fd)
{
	settle();
	CHECK_EQ(ramet_write(*(int *)fd, "x", 1), 1);
	return NULL;
}

static void check_exchange(int fds[2])
{
	struct ramet *t = spawn(write_byte_later, &fds[1]);
	char c = 0;

	CHECK_EQ(ramet_read(fds[0], &c, 1), 1);
	CHECK_EQ(c, 'x');
	join(t);
	RAMET_WITHIN(5 * RAMET_MS)
		CHECK_ERR(ramet_read(fds[0], &c, 1), ETIMEDOUT);
}

/* We cannot see it, but the number still gets the new file's events. */
TEST(a_number_closed_and_opened_behind_our_back)
{
	for (int round = 0; round < 2; round++)
		FOR_EACH_WAY(before)
	FOR_EACH_WAY(after)
	{
		int fds[2], again[2];

		if (before->ours || after->ours)
			continue;
		before->make(fds);
		check_exchange(fds);
		close(fds[0]);
		close(fds[1]);
		after->make(again);
		check_exchange(again);
		close(again[0]);
		close(again[1]);
	}
}

static int temporary_file(void)
{
	char path[96];
	int fd;

	snprintf(path, sizeof path, "%s/file", test_dir());
	fd = open(path, O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(unlink(path), 0);
	return fd;
}

TEST(a_socket_that_others_replace_by_a_file)
{
	char buf[8];
	int fds[2], file;

	foreign_pair(fds);
	check_exchange(fds);
	close(fds[0]);
	file = temporary_file();
	CHECK_EQ(file, fds[0]);
	CHECK_EQ(ramet_write(file, "words", 5), 5);
	CHECK_EQ(lseek(file, 0, SEEK_SET), 0);
	CHECK_EQ(ramet_read(file, buf, sizeof buf), 5);
	CHECK_EQ(ramet_read(file, buf, sizeof buf), 0);
	close(file);
	close(fds[1]);
}

TEST(a_file_that_others_replace_by_a_socket)
{
	char buf[8];
	int fds[2], file = temporary_file();

	CHECK_EQ(ramet_write(file, "words", 5), 5);
	CHECK_EQ(ramet_read(file, buf, sizeof buf), 0);
	close(file);
	signal(SIGPIPE, on_sigpipe);
	foreign_pair(fds);
	CHECK_EQ(fds[0], file);
	check_exchange(fds);
	close(fds[1]);
	CHECK_ERR(ramet_write(fds[0], "x", 1), EPIPE);
	close(fds[0]);
}

/* ---- other files -------------------------------------------------------- */

static void *add_two(void *fd)
{
	uint64_t two = 2;

	settle();
	CHECK_EQ(ramet_write(*(int *)fd, &two, sizeof two), 8);
	return NULL;
}

TEST(an_eventfd_counts)
{
	int fd = eventfd(0, 0);
	struct ramet *t = spawn(add_two, &fd);
	uint64_t n = 0, most = UINT64_MAX - 1;

	CHECK_EQ(ramet_read(fd, &n, sizeof n), 8);
	CHECK_EQ(n, 2);
	join(t);
	CHECK_ERR(ramet_read(fd, &n, 4), EINVAL);
	CHECK_EQ(ramet_write(fd, &most, sizeof most), 8);
	RAMET_WITHIN(5 * RAMET_MS) /* full */
		CHECK_ERR(ramet_write(fd, &n, sizeof n), ETIMEDOUT);
	CHECK(!(fcntl(fd, F_GETFL) & O_NONBLOCK));
	CHECK_EQ(ramet_close(fd), 0);
}

TEST(a_timerfd_expires)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	struct itimerspec when = {{0, 0}, {0, 3000000}};
	uint64_t n = 0;

	CHECK_EQ(timerfd_settime(fd, 0, &when, NULL), 0);
	CHECK_EQ(ramet_read(fd, &n, sizeof n), 8);
	CHECK_EQ(n, 1);
	RAMET_WITHIN(5 * RAMET_MS)
		CHECK_ERR(ramet_read(fd, &n, sizeof n), ETIMEDOUT);
	CHECK_EQ(ramet_close(fd), 0);
}

TEST(devices_that_are_always_ready)
{
	static char buf[300000];
	int zero = open("/dev/zero", O_RDWR), null = open("/dev/null", O_RDWR);
	int64_t calls = system_calls();

	CHECK(zero >= 0 && null >= 0);
	CHECK_EQ(ramet_read(null, buf, sizeof buf), 0);
	CHECK_EQ(ramet_read(zero, buf, 1), 1);
	CHECK_EQ(ramet_write(null, buf, sizeof buf), sizeof buf);
	CHECK(system_calls() - calls < 20); /* in one piece */
	CHECK_EQ(ramet_close(null), 0);
	CHECK_EQ(ramet_close(zero), 0);
}

/* What is short is the packet; more may wait. */
TEST(a_pipe_of_packets_gives_one_at_a_time)
{
	for (int ours = 0; ours < 2; ours++) {
		struct reader r;
		struct ramet *t;
		char buf[64];
		int fds[2];

		if (ours)
			CHECK_EQ(ramet_pipe(fds, O_DIRECT), 0);
		else if (pipe2(fds, O_DIRECT) < 0)
			test_skip("no pipes of packets here");
		r = (struct reader){.fd = fds[0], .most = 64};
		t = spawn(read_to_the_end, &r);
		settle();
		for (size_t i = 0; i < 9; i++) {
			char c = nth(i);

			CHECK_EQ(ramet_write(fds[1], &c, 1), 1);
		}
		settle();
		CHECK_EQ(r.got, 9);
		ramet_cancel(t);
		join(t);
		CHECK_EQ(ramet_write(fds[1], "one", 3), 3);
		CHECK_EQ(ramet_write(fds[1], "more", 4), 4);
		CHECK_EQ(ramet_read(fds[0], buf, sizeof buf), 3);
		CHECK_EQ(ramet_read(fds[0], buf, sizeof buf), 4);
		close_pair(fds);
	}
}

static void *write_lines(void *fd)
{
	settle();
	CHECK_EQ(ramet_write(*(int *)fd, "first\nsecond\n", 13), 13);
	return NULL;
}

/* The other direction of a pty: the terminal's own reads, line by line. */
TEST(a_tty_gives_a_line_at_a_time)
{
	struct ramet *writer;
	struct termios t;
	char buf[64];
	int fds[2];

	make_pty(fds);
	CHECK_EQ(tcgetattr(fds[1], &t), 0);
	t.c_lflag |= ICANON;
	CHECK_EQ(tcsetattr(fds[1], TCSANOW, &t), 0);
	writer = spawn(write_lines, &fds[0]);
	CHECK_EQ(ramet_read(fds[1], buf, sizeof buf), 6);
	CHECK(memcmp(buf, "first\n", 6) == 0);
	CHECK_EQ(ramet_read(fds[1], buf, sizeof buf), 7);
	RAMET_WITHIN(5 * RAMET_MS)
		CHECK_ERR(ramet_read(fds[1], buf, 1), ETIMEDOUT);
	join(writer);
	close_pair(fds);
}

TEST(what_cannot_be_read_or_written)
{
	int fds[2], dir = open("/tmp", O_RDONLY | O_DIRECTORY);
	static const int bad[] = {-1, INT32_MIN, INT32_MAX, 1 << 22, 1000000};
	char c = 0;

	CHECK_ERR(ramet_read(dir, &c, 1), EISDIR);
	CHECK_ERR(ramet_write(dir, &c, 1), EBADF);
	CHECK_EQ(ramet_close(dir), 0);
	for (size_t i = 0; i < countof(bad); i++) {
		CHECK_ERR(ramet_read(bad[i], &c, 1), EBADF);
		CHECK_ERR(ramet_write(bad[i], &c, 1), EBADF);
		CHECK_ERR(ramet_read_all(bad[i], &c, 1), EBADF);
		CHECK_ERR(ramet_write_all(bad[i], &c, 1), EBADF);
	}
	foreign_pipe(fds);
	CHECK_ERR(ramet_read(fds[1], &c, 1), EBADF);
	CHECK_ERR(ramet_write(fds[0], &c, 1), EBADF);
	close_pair(fds);
	CHECK_ERR(ramet_read(fds[0], &c, 1), EBADF);
	pipe_pair(fds);
	CHECK_ERR(ramet_read(fds[1], &c, 1), EBADF);
	CHECK_ERR(ramet_write(fds[0], &c, 1), EBADF);
	close_pair(fds);
}

TEST(memory_that_is_none)
{
	int fds[2];

	if (test_slow())
		test_skip("valgrind would complain, rightly");
	FOR_EACH_WAY(w)
	{
		w->make(fds);
		CHECK_EQ(ramet_write(fds[1], "x", 1), 1);
		CHECK_ERR(ramet_read(fds[0], NULL, 1), EFAULT);
		CHECK_ERR(ramet_write(fds[1], NULL, 1), EFAULT);
		close_pair(fds);
	}
}

/* ---- signals ------------------------------------------------------------ */

static volatile int signals;

static void on_alarm(int sig)
{
	(void)sig;
	signals++;
}

static void *write_slowly(void *fd)
{
	for (size_t i = 0; i < 20; i++) {
		char c = nth(i);

		CHECK_EQ(ramet_sleep(3 * RAMET_MS), 0);
		CHECK_EQ(ramet_write(*(int *)fd, &c, 1), 1);
	}
	CHECK_EQ(ramet_close(*(int *)fd), 0);
	return NULL;
}

TEST(signals_do_not_end_a_wait)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval often = {{0, 700}, {0, 700}}, never = {{0, 0}, {0, 0}};

	sigaction(SIGALRM, &action, NULL); /* no SA_RESTART */
	setitimer(ITIMER_REAL, &often, NULL);
	FOR_EACH_WAY(w)
	{
		struct reader r = {.most = 3};
		struct ramet *t;
		int fds[2];

		if (w->make == make_pty)
			continue;
		w->make(fds);
		r.fd = fds[0];
		t = spawn(write_slowly, &fds[1]);
		read_to_the_end(&r);
		CHECK_EQ(r.error, 0);
		CHECK_EQ(r.got, 20);
		join(t);
		CHECK_EQ(ramet_close(fds[0]), 0);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	CHECK(signals > 0);
}

TEST(signals_do_not_end_a_call_that_moves_nothing)
{
	interrupt_calls(SYS_readv, SYS_writev);
	FOR_EACH_WAY(w)
	{
		struct iovec none[2] = {{NULL, 0}, {NULL, 0}};
		char c;
		int fds[2];

		w->make(fds);
		CHECK_EQ(ramet_read(fds[0], &c, 0), 0);
		CHECK_EQ(ramet_readv(fds[0], none, 2), 0);
		CHECK_EQ(ramet_write(fds[1], &c, 0), 0);
		CHECK_EQ(ramet_writev(fds[1], none, 2), 0);
		close_pair(fds);
	}
}

/* ---- a number that changes under a call --------------------------------- */

struct transfer {
	int fd;
	size_t size;
	bool all, write;
	ssize_t result;
	int error;
};

static void *transfer(void *p)
{
	static char buf[8000000];
	struct transfer *x = p;

	errno = 0;
	if (x->write)
		x->result = (x->all ? ramet_write_all : ramet_write)(x->fd, buf,
								     x->size);
	else
		x->result = ramet_read_all(x->fd, buf, x->size);
	x->error = errno;
	return NULL;
}

/* Neither the rest of a write nor that of a read ends up in the new file. */
TEST(a_call_half_done_does_not_go_on_with_a_new_file)
{
	for (int kind = 0; kind < 3; kind++) {
		struct transfer x = {.size = 8000000,
				     .write = kind < 2,
				     .all = kind == 1};
		int fds[2], again[2];
		struct ramet *t;
		char c;

		tcp_pair(fds);
		unix_pair(again);
		x.fd = fds[1];
		if (!x.write) {
			CHECK_EQ(ramet_write(fds[0], "half", 4), 4);
			await_bytes(fds[1], 4);
		}
		t = spawn(transfer, &x);
		settle();
		CHECK_EQ(ramet_close(fds[1]), 0);
		CHECK_EQ(ramet_dup2(again[0], fds[1]), fds[1]);
		CHECK_EQ(ramet_write(again[1], "mine", 4), 4);
		join(t);
		if (kind == 0)
			CHECK(x.result > 0 && x.result < 8000000);
		if (kind == 1)
			CHECK(x.result == -1 && x.error == EBADF);
		if (kind == 2)
			CHECK_EQ(x.result, 4);
		CHECK_ERR(ramet_recv(again[1], &c, 1, MSG_DONTWAIT), EAGAIN);
		CHECK_EQ(ramet_recv(fds[1], &c, 1, MSG_DONTWAIT), 1);
		CHECK_EQ(c, 'm');
		close_pair(again);
		close_pair(fds);
	}
}
