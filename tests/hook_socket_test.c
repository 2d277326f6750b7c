/* The socket group's replacements, called as a patched program calls them. */
#include "replaced.h"
#include "ticker.h"

#include <sys/wait.h>

TEST_SEES_EINTR;

/* ---- waiting ------------------------------------------------------------ */

TEST(a_read_that_blocks_blocks_only_its_ramet)
{
	struct ramet *ticker = start_ticker();

	FOR_EACH_MAKER(i)
	{
		struct call c = {0};
		struct ramet *t;
		int fds[2], before;

		makers[i](fds);
		c.fd = fds[0];
		before = ticks;
		t = spawn(read_call, &c);
		settle();
		settle();
		CHECK(ticks > before);
		CHECK_EQ(c.result, 0);
		CHECK_EQ(write(fds[1], "hello", 5), 5);
		join(t);
		CHECK_EQ(c.result, 5);
		CHECK_EQ(c.error, UNTOUCHED);
		CHECK(memcmp(c.few, "hello", 5) == 0);
		CHECK_EQ(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
		end_pair(fds);
	}
	stop_ticker(ticker);
}

TEST(O_NONBLOCK_of_the_program_is_obeyed)
{
	FOR_EACH_MAKER(i)
	for (int by_ioctl = 0; by_ioctl < 2; by_ioctl++) {
		int fds[2], on = 1, off = 0;
		char c;

		makers[i](fds);
		if (by_ioctl)
			CHECK_EQ(ioctl(fds[0], FIONBIO, &on), 0);
		else
			CHECK_EQ(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
		CHECK_ERR(read(fds[0], &c, 1), EAGAIN);
		CHECK_EQ(write(fds[1], "a", 1), 1);
		CHECK_EQ(read(fds[0], &c, 1), 1);
		CHECK_ERR(read(fds[0], &c, 1), EAGAIN);
		CHECK_ERR(read(fds[0], &c, 1), EAGAIN);
		CHECK(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
		CHECK_EQ(ioctl(fds[0], FIONBIO, &off), 0);
		RAMET_WITHIN(20 * RAMET_MS)
			CHECK_ERR(read(fds[0], &c, 1), ETIMEDOUT);
		end_pair(fds);
	}
}

/* ---- all of it ---------------------------------------------------------- */

enum { MUCH = 8 << 20 };

TEST(a_blocking_write_writes_all_of_it)
{
	static char buf[65536];

	FOR_EACH_STREAM(i)
	{
		struct call c = {.size = MUCH, .buf = made(malloc(MUCH))};
		size_t got = 0, wrong = 0;
		struct ramet *t;
		int fds[2];
		long n;

		makers[i](fds);
		for (size_t k = 0; k < MUCH; k++)
			c.buf[k] = (char)(k % 251);
		c.fd = fds[1];
		t = spawn(write_all_call, &c);
		while (got < MUCH && (n = read(fds[0], buf, sizeof buf)) > 0)
			for (long k = 0; k < n; k++)
				wrong += buf[k] != (char)(got++ % 251);
		CHECK_EQ(got, MUCH);
		join(t);
		CHECK_EQ(c.result, MUCH);
		CHECK_EQ(c.error, UNTOUCHED);
		CHECK_EQ(wrong, 0);
		free(c.buf);
		end_pair(fds);
	}
}

/* Write MUCH by a vector or a message while a slow reader takes it. */
static void *take_all(void *p)
{
	static char buf[65536];
	size_t got = 0;
	long n;

	while ((n = read(*(int *)p, buf, sizeof buf)) > 0)
		got += (size_t)n;
	CHECK(n == 0 || got >= MUCH); /* a tty may end with EIO */
	return (void *)got;
}

TEST(vectors_and_messages_go_out_whole)
{
	FOR_EACH_STREAM(i)
	for (int how = 0; how < (i < SOCKETS ? 3 : 1); how++) {
		char *buf = made(calloc(1, MUCH));
		struct iovec iov[3] = {{buf, 5},
				       {buf + 5, MUCH - 6},
				       {buf + MUCH - 1, 1}};
		struct mmsghdr msgs[2] = {{{.msg_iov = iov, .msg_iovlen = 3},
					   0},
					  {{.msg_iov = iov, .msg_iovlen = 1},
					   0}};
		struct ramet *t;
		int fds[2];
		size_t want = MUCH;

		makers[i](fds);
		t = spawn(take_all, &fds[0]);
		if (how == 0) {
			CHECK_EQ(writev(fds[1], iov, 3), MUCH);
		} else if (how == 1) {
			CHECK_EQ(sendmsg(fds[1], &msgs[0].msg_hdr, 0), MUCH);
		} else {
			CHECK_EQ(sendmmsg(fds[1], msgs, 2, 0), 2);
			CHECK_EQ(msgs[0].msg_len, MUCH);
			CHECK_EQ(msgs[1].msg_len, 5);
			want += 5;
		}
		CHECK_EQ(close(fds[1]), 0);
		CHECK_EQ((size_t)join(t), want);
		CHECK_EQ(close(fds[0]), 0);
		free(buf);
	}
}

TEST(what_need_not_wait_is_written_in_part)
{
	FOR_EACH_STREAM(i)
	{
		char *buf = made(calloc(1, MUCH));
		int fds[2];
		long n;

		makers[i](fds);
		CHECK_EQ(fcntl(fds[1], F_SETFL, O_RDWR | O_NONBLOCK), 0);
		n = write(fds[1], buf, MUCH);
		CHECK(n > 0 && n < MUCH);
		while ((n = write(fds[1], buf, MUCH)) > 0)
			;
		CHECK_EQ(n, -1);
		CHECK_EQ(errno, EAGAIN); /* a terminal may have room later */
		end_pair(fds);
		free(buf);
	}
}

TEST(MSG_WAITALL_waits_for_all)
{
	for (int i = 0; i < STREAMS; i++)
		for (int how = 0; how < 2; how++) {
			char buf[10] = {0};
			struct iovec iov[2] = {{buf, 4}, {buf + 4, 6}};
			struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
			struct call c = {.size = 5, .buf = (char[]){"67890"}};
			struct ramet *t;
			int fds[2];

			makers[i](fds);
			c.fd = fds[1];
			CHECK_EQ(send(fds[1], "12345", 5, 0), 5);
			t = spawn(write_all_call, &c);
			if (how == 0)
				CHECK_EQ(recv(fds[0], buf, 10, MSG_WAITALL),
					 10);
			else
				CHECK_EQ(recvmsg(fds[0], &msg, MSG_WAITALL),
					 10);
			CHECK(memcmp(buf, "1234567890", 10) == 0);
			join(t);
			CHECK_EQ(send(fds[1], "123", 3, 0), 3);
			CHECK_EQ(shutdown(fds[1], SHUT_WR), 0);
			CHECK_EQ(recv(fds[0], buf, 10, MSG_WAITALL), 3);
			CHECK_EQ(recv(fds[0], buf, 10, MSG_WAITALL), 0);
			end_pair(fds);
		}
}

TEST(flags_mean_what_they_mean)
{
	for (int i = 0; i < SOCKETS; i++) {
		char buf[4];
		int fds[2];

		makers[i](fds);
		CHECK_ERR(recv(fds[0], buf, 4, MSG_DONTWAIT), EAGAIN);
		CHECK_EQ(send(fds[1], "abc", 3, 0), 3);
		CHECK_EQ(recv(fds[0], buf, 4, MSG_PEEK), 3);
		CHECK_EQ(HOOK(__recv_chk)(fds[0], buf, 4, 4, 0), 3);
		CHECK_EQ(send(fds[1], "abc", 3, 0), 3);
		CHECK_EQ(HOOK(__read_chk)(fds[0], buf, 4, 4), 3);
		CHECK_ERR(recv(fds[0], buf, 4, MSG_DONTWAIT), EAGAIN);
		end_pair(fds);
	}
}

static void overflow(void)
{
	int fds[2];
	char buf[4];
	volatile size_t size = 8;

	stream(fds);
	HOOK(__recv_chk)(fds[0], buf, size, sizeof buf, 0);
}

TEST(an_overflow_is_caught_as_ever)
{
	char text[256];
	int status = test_stderr_of(overflow, text, sizeof text);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(strstr(text, "overflow"));
}

/* ---- bad arguments ------------------------------------------------------ */

TEST(nothing_can_be_read_and_written)
{
	FOR_EACH_MAKER(i)
	{
		struct iovec iov = {NULL, 0};
		int fds[2];

		makers[i](fds);
		CHECK_EQ(read(fds[0], NULL, 0), 0);
		CHECK_EQ(readv(fds[0], &iov, 1), 0);
		CHECK_EQ(readv(fds[0], &iov, 0), 0);
		CHECK_EQ(preadv2(fds[0], &iov, 1, -1, 0), 0);
		CHECK_ERR(readv(fds[0], &iov, -1), EINVAL);
		CHECK_ERR(readv(fds[0], &iov, IOV_MAX + 1), EINVAL);
		CHECK_ERR(writev(fds[1], &iov, IOV_MAX + 1), EINVAL);
		CHECK_EQ(write(fds[1], NULL, 0), 0);
		CHECK_EQ(writev(fds[1], &iov, 1), 0);
		end_pair(fds);
	}
}

TEST(a_bad_pointer_is_EFAULT)
{
	char *bad = (char *)16; /* the first page is never mapped */
	struct iovec iov = {bad, 8};

	FOR_EACH_MAKER(i)
	{
		int fds[2];

		makers[i](fds);
		CHECK_ERR(write(fds[1], bad, 8), EFAULT);
		CHECK_ERR(writev(fds[1], &iov, 1), EFAULT);
		CHECK_ERR(writev(fds[1], (void *)bad, 2), EFAULT);
		CHECK_EQ(write(fds[1], "12345678", 8), 8);
		CHECK_ERR(readv(fds[0], (void *)bad, 2), EFAULT);
		CHECK_ERR(read(fds[0], bad, 8), EFAULT);
		end_pair(fds);
	}
}

TEST(a_bad_pointer_is_EFAULT_to_sockets)
{
	char *bad = (char *)16, buf[8];

	for (int i = 0; i < SOCKETS; i++) {
		int fds[2];

		makers[i](fds);
		CHECK_ERR(send(fds[1], bad, 8, 0), EFAULT);
		CHECK_ERR(sendto(fds[1], buf, 8, 0, (void *)bad, 16), EFAULT);
		CHECK_ERR(sendmsg(fds[1], (void *)bad, 0), EFAULT);
		CHECK_ERR(sendmmsg(fds[1], (void *)bad, 2, 0), EFAULT);
		CHECK_ERR(recvmsg(fds[0], (void *)bad, 0), EFAULT);
		CHECK_ERR(recvmsg(fds[0], (void *)bad, MSG_WAITALL), EFAULT);
		CHECK_ERR(recvmmsg(fds[0], (void *)bad, 2, 0, NULL), EFAULT);
		CHECK_ERR(recvmmsg(fds[0], NULL, 2, 0, (void *)bad), EFAULT);
		CHECK_EQ(send(fds[1], buf, 8, 0), 8);
		CHECK_ERR(recv(fds[0], bad, 8, 0), EFAULT);
		CHECK_ERR(connect(fds[0], (void *)bad, 16), EFAULT);
		end_pair(fds);
	}
}

TEST(numbers_that_mean_nothing_are_EBADF)
{
	int numbers[] = {-1, INT_MIN, 5000, INT_MAX};
	char c;

	for (size_t i = 0; i < countof(numbers); i++) {
		int fd = numbers[i];

		CHECK_ERR(read(fd, &c, 1), EBADF);
		CHECK_ERR(write(fd, &c, 1), EBADF);
		CHECK_ERR(recv(fd, &c, 1, 0), EBADF);
		CHECK_ERR(send(fd, &c, 1, 0), EBADF);
		CHECK_ERR(accept(fd, NULL, NULL), EBADF);
		CHECK_ERR(connect(fd, NULL, 0), EBADF);
		CHECK_ERR(close(fd), EBADF);
		CHECK_ERR(dup(fd), EBADF);
		CHECK_ERR(dup2(fd, 7), EBADF);
		CHECK_ERR(fcntl(fd, F_SETFL, 0), EBADF);
		CHECK_ERR(sendfile(fd, fd, NULL, 1), EBADF);
		CHECK_ERR(splice(fd, NULL, fd, NULL, 1, 0), EBADF);
	}
}

/* ---- SIGPIPE ------------------------------------------------------------ */

static volatile sig_atomic_t pipes;

static void on_pipe(int sig)
{
	(void)sig;
	pipes++;
}

TEST(writing_to_nobody_raises_SIGPIPE)
{
	struct iovec iov = {(char[]){"x"}, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	signal(SIGPIPE, on_pipe);
	for (int i = 0; i < MAKERS - 1; i++) { /* a pty's end is an error */
		int fds[2];

		if (i >= STREAMS && i < SOCKETS)
			continue; /* UNIX packets raise nothing */
		makers[i](fds);
		CHECK_EQ(close(fds[0]), 0);
		pipes = 0;
		if (i == 0) { /* the first is answered by a reset */
			write(fds[1], "x", 1);
			settle();
			write(fds[1], "x", 1);
			pipes = 0;
		}
		CHECK_ERR(write(fds[1], "x", 1), EPIPE);
		CHECK_EQ(pipes, 1);
		CHECK_ERR(writev(fds[1], &iov, 1), EPIPE);
		CHECK_EQ(pipes, 2);
		if (i < SOCKETS) {
			CHECK_ERR(send(fds[1], "x", 1, 0), EPIPE);
			CHECK_ERR(sendmsg(fds[1], &msg, 0), EPIPE);
			CHECK_EQ(pipes, 4);
			CHECK_ERR(send(fds[1], "x", 1, MSG_NOSIGNAL), EPIPE);
			CHECK_ERR(sendmsg(fds[1], &msg, MSG_NOSIGNAL), EPIPE);
			CHECK_EQ(pipes, 4);
		}
		CHECK_EQ(close(fds[1]), 0);
	}
}

TEST(a_part_that_went_out_is_told_of_before_EPIPE)
{
	for (int i = 0; i < STREAMS; i++) {
		struct call c = {.size = MUCH, .buf = made(calloc(1, MUCH))};
		struct ramet *t;
		int fds[2];

		signal(SIGPIPE, on_pipe);
		pipes = 0;
		makers[i](fds);
		c.fd = fds[1];
		t = spawn(write_call, &c);
		settle();
		CHECK_EQ(close(fds[0]), 0);
		join(t);
		CHECK(c.result > 0 && c.result < MUCH);
		CHECK_EQ(pipes, 0);
		CHECK_EQ(close(fds[1]), 0);
		free(c.buf);
	}
}

/* ---- several messages --------------------------------------------------- */

TEST(recvmmsg_waits_for_all_or_its_time)
{
	for (int i = 2; i < SOCKETS; i++) {
		char bufs[3][8];
		struct iovec iov[3];
		struct mmsghdr msgs[3] = {0};
		struct timespec limit = {0, 30000000};
		int fds[2];

		for (int k = 0; k < 3; k++) {
			iov[k] = (struct iovec){bufs[k], 8};
			msgs[k].msg_hdr.msg_iov = &iov[k];
			msgs[k].msg_hdr.msg_iovlen = 1;
		}
		makers[i](fds);
		CHECK_EQ(sendmmsg(fds[1], msgs, 3, 0), 3);
		CHECK_EQ(recvmmsg(fds[0], msgs, 3, 0, NULL), 3);
		CHECK_EQ(msgs[2].msg_len, 8);
		CHECK_EQ(send(fds[1], "a", 1, 0), 1);
		CHECK_EQ(recvmmsg(fds[0], msgs, 3, MSG_WAITFORONE, NULL), 1);
		CHECK_EQ(send(fds[1], "a", 1, 0), 1);
		CHECK_EQ(recvmmsg(fds[0], msgs, 3, 0, &limit), 1);
		CHECK_EQ(limit.tv_sec, 0);
		CHECK_EQ(limit.tv_nsec, 0);
		CHECK_ERR(recvmmsg(fds[0], msgs, 3, MSG_DONTWAIT, NULL),
			  EAGAIN);
		limit.tv_nsec = RAMET_SEC;
		CHECK_ERR(recvmmsg(fds[0], msgs, 3, 0, &limit), EINVAL);
		end_pair(fds);
	}
}
