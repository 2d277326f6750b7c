/* The socket calls, and the drained hint that saves one of them in three. */
#include "door.h"
#include "fds.h"
#include "pair.h"
#include "ticker.h"

#include "arch/sanitizer.h"
#include "base/base.h"

#include <netinet/tcp.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void udp_pair(int fds[2])
{
	struct sockaddr_in addr;

	fds[0] = ramet_listen("udp://127.0.0.1:0");
	CHECK(fds[0] >= 0);
	addr = loopback(ramet_port(fds[0]));
	fds[1] = ramet_socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_EQ(ramet_connect(fds[1], (void *)&addr, sizeof addr), 0);
}

/* Connections that nobody has accepted yet, and whether there may be more. */
static int backlog(int listener, bool *full)
{
	struct tcp_info info;
	socklen_t size = sizeof info;

	CHECK_EQ(getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	*full = info.tcpi_unacked > info.tcpi_sacked;
	return (int)info.tcpi_unacked;
}

/* A listener that takes no more connections, and its address.  The last filler
 * is still under way. */
static int full_listener(struct sockaddr_in *addr, int fillers[8])
{
	int fd = bound_socket(addr), n = 0;
	bool full = false;

	CHECK_EQ(listen(fd, 0), 0);
	memset(fillers, -1, 8 * sizeof *fillers);
	while (!full) {
		CHECK(n < 7);
		fillers[n] = ramet_socket(AF_INET, SOCK_STREAM, 0);
		CHECK_EQ(ramet_connect(fillers[n++], (void *)addr,
				       sizeof *addr),
			 0);
		while (backlog(fd, &full) < n)
			CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	}
	fillers[n] = ramet_socket(AF_INET, SOCK_STREAM, 0);
	RAMET_WITHIN(20 * RAMET_MS)
		CHECK_ERR(ramet_connect(fillers[n], (void *)addr, sizeof *addr),
			  ETIMEDOUT);
	return fd;
}

static void close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		if (fds[i] >= 0)
			CHECK_EQ(ramet_close(fds[i]), 0);
}

/* ---- datagrams ---------------------------------------------------------- */

static void *recv_three(void *fd)
{
	char buf[16];

	CHECK_EQ(ramet_recv(*(int *)fd, buf, sizeof buf, 0), 3);
	CHECK_EQ(ramet_recv(*(int *)fd, buf, sizeof buf, 0), 0);
	CHECK_EQ(ramet_read(*(int *)fd, buf, sizeof buf), 5);
	return NULL;
}

static void check_datagrams(int fds[2])
{
	struct ramet *t = spawn(recv_three, &fds[0]);

	settle();
	CHECK_EQ(ramet_send(fds[1], "abc", 3, 0), 3);
	CHECK_EQ(ramet_send(fds[1], "", 0, 0), 0);
	CHECK_EQ(ramet_write(fds[1], "defgh", 5), 5);
	join(t);
	close_pair(fds);
}

TEST(datagrams_keep_their_bounds_and_may_be_empty)
{
	static const int types[] = {SOCK_DGRAM, SOCK_SEQPACKET};
	int fds[2];

	udp_pair(fds);
	check_datagrams(fds);
	for (size_t i = 0; i < countof(types); i++) {
		CHECK_EQ(ramet_socketpair(AF_UNIX, types[i], 0, fds), 0);
		check_datagrams(fds);
	}
}

TEST(udp_tells_who_sent)
{
	int a = ramet_listen("udp://127.0.0.1:0");
	int b = ramet_listen("udp://127.0.0.1:0");
	struct sockaddr_storage to, from;
	socklen_t size = sizeof from, to_size;
	char buf[8], text[64];

	snprintf(text, sizeof text, "udp://127.0.0.1:%d", ramet_port(a));
	CHECK_EQ(ramet_address(text, &to, &to_size), SOCK_DGRAM);
	CHECK_EQ(ramet_sendto(b, "hi", 2, 0, (void *)&to, to_size), 2);
	CHECK_EQ(ramet_recvfrom(a, buf, sizeof buf, 0, (void *)&from, &size),
		 2);
	CHECK_EQ(ntohs(((struct sockaddr_in *)&from)->sin_port), ramet_port(b));
	CHECK_EQ(ramet_sendto(a, "lo", 2, 0, (void *)&from, size), 2);
	CHECK_EQ(ramet_recv(b, buf, sizeof buf, 0), 2);
	CHECK_EQ(ramet_close(a), 0);
	CHECK_EQ(ramet_close(b), 0);
}

static void *recv_one(void *fd)
{
	char c;
	ssize_t n = ramet_recv(*(int *)fd, &c, 1, 0);

	return (void *)(intptr_t)(n < 0 ? -errno : n);
}

TEST(udp_to_a_closed_port_is_refused)
{
	struct ramet *t;
	int fds[2];

	udp_pair(fds);
	CHECK_EQ(ramet_close(fds[0]), 0);
	t = spawn(recv_one, &fds[1]);
	settle();
	CHECK_EQ(ramet_send(fds[1], "x", 1, 0), 1);
	CHECK_EQ((intptr_t)join(t), -ECONNREFUSED);
	CHECK_EQ(ramet_close(fds[1]), 0);
}

static void *take_datagrams(void *fd)
{
	char buf[8];

	for (int i = 0; i < 100; i++) {
		if (i % 10 == 0)
			settle();
		CHECK_EQ(ramet_recv(*(int *)fd, buf, sizeof buf, 0), 4);
		CHECK(memcmp(buf, &i, 4) == 0);
	}
	return NULL;
}

/* No event tells a sender that is not connected of room again. */
TEST(a_unix_datagram_waits_for_room_at_the_peer)
{
	struct sockaddr_storage addr;
	socklen_t size;
	char text[64];
	int server, client;

	snprintf(text, sizeof text, "unix-dgram://@ramet-%d", getpid());
	CHECK_EQ(ramet_address(text, &addr, &size), SOCK_DGRAM);
	for (int kind = 0; kind < 3; kind++) {
		struct ramet *t;

		server = ramet_listen(text);
		client = kind ? ramet_socket(AF_UNIX, SOCK_DGRAM, 0)
			      : dial(text);
		t = spawn(take_datagrams, &server);
		for (int i = 0; i < 100; i++) {
			struct iovec iov = {&i, 4};
			struct msghdr msg = {.msg_name = &addr,
					     .msg_namelen = size,
					     .msg_iov = &iov,
					     .msg_iovlen = 1};

			if (kind == 0)
				CHECK_EQ(ramet_send(client, &i, 4, 0), 4);
			else if (kind == 1)
				CHECK_EQ(ramet_sendto(client, &i, 4, 0,
						      (void *)&addr, size),
					 4);
			else
				CHECK_EQ(ramet_sendmsg(client, &msg, 0), 4);
		}
		join(t);
		for (int i = 0; i < 1000; i++)
			if (ramet_sendto(client, "full", 4, MSG_DONTWAIT,
					 (void *)&addr, size) < 0)
				break;
		CHECK_EQ(errno, EAGAIN);
		RAMET_WITHIN(10 * RAMET_MS)
			CHECK_ERR(ramet_sendto(client, "full", 4, 0,
					       (void *)&addr, size),
				  ETIMEDOUT);
		CHECK_EQ(ramet_close(client), 0);
		CHECK_EQ(ramet_close(server), 0);
	}
}

/* ---- flags -------------------------------------------------------------- */

TEST(dontwait_does_not_wait)
{
	struct iovec iov = {(char[1]){0}, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	char buf[8];
	int fds[2];

	for (int tcp = 0; tcp < 2; tcp++) {
		(tcp ? tcp_pair : unix_pair)(fds);
		CHECK_ERR(ramet_recv(fds[0], buf, 1, MSG_DONTWAIT), EAGAIN);
		CHECK_ERR(ramet_recv(fds[0], buf, 1,
				     MSG_DONTWAIT | MSG_WAITALL),
			  EAGAIN);
		CHECK_ERR(ramet_recvmsg(fds[0], &msg, MSG_DONTWAIT), EAGAIN);
		fill(fds[0]);
		CHECK_ERR(ramet_sendmsg(fds[0], &msg, MSG_DONTWAIT), EAGAIN);
		await_bytes(fds[1], 16);
		RAMET_WITHIN(0) { /* it is no blocking call */
			CHECK_EQ(ramet_recv(fds[1], buf, 8, MSG_DONTWAIT), 8);
			CHECK_ERR(ramet_recv(fds[1], buf, 8, 0), ETIMEDOUT);
		}
		CHECK_EQ(ramet_recv(fds[1], buf, 8, MSG_DONTWAIT | MSG_WAITALL),
			 8);
		close_pair(fds);
	}
}

/* What does not wait does not end with its scope, then either. */
TEST(a_signal_does_not_end_a_call_that_does_not_wait)
{
	char c;
	int fds[2];

	unix_pair(fds);
	interrupt_calls(SYS_recvfrom, SYS_sendto);
	RAMET_WITHIN(0) {
		CHECK_EQ(ramet_send(fds[1], "x", 1, MSG_DONTWAIT), 1);
		CHECK_EQ(ramet_recv(fds[0], &c, 1, MSG_DONTWAIT), 1);
	}
	close_pair(fds);
}

/* A ramet that asks all the time lets others run, too. */
static void *say_hello(void *fd)
{
	CHECK_EQ(ramet_sleep(2 * RAMET_MS), 0);
	CHECK_EQ(ramet_send(*(int *)fd, "hello", 5, 0), 5);
	return NULL;
}

TEST(asking_again_and_again_starves_nobody)
{
	struct ramet *t;
	char buf[8];
	int fds[2];

	unix_pair(fds);
	t = spawn(say_hello, &fds[1]);
	while (ramet_recv(fds[0], buf, sizeof buf, MSG_DONTWAIT) < 0)
		CHECK_EQ(errno, EAGAIN);
	join(t);
	close_pair(fds);
}

TEST(peeking_takes_nothing)
{
	struct ramet *t;
	char buf[8];
	int fds[2];

	tcp_pair(fds);
	for (int i = 0; i < 3; i++) {
		t = spawn(say_hello, &fds[1]);
		CHECK_EQ(ramet_recv(fds[0], buf, sizeof buf, MSG_PEEK), 5);
		CHECK_EQ(ramet_recv(fds[0], buf, 2, MSG_PEEK), 2);
		CHECK_EQ(ramet_recv(fds[0], buf, sizeof buf, MSG_PEEK), 5);
		CHECK_EQ(ramet_recv(fds[0], buf, sizeof buf, 0), 5);
		join(t);
	}
	close_pair(fds);
}

/* The second one when the first has been read, but long before a scope ends. */
static void *say_hello_twice(void *fd)
{
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(ramet_sleep(1), 0);
		CHECK_EQ(ramet_send(*(int *)fd, "hello", 5, 0), 5);
	}
	return NULL;
}

TEST(waitall_waits_for_all)
{
	static void (*const pairs[])(int fds[2]) = {tcp_pair, unix_pair,
						    foreign_pair};
	char buf[16];
	int fds[2];

	for (int kind = 0; kind < 3; kind++) {
		struct iovec iov[3] = {{buf, 1}, {buf + 1, 0}, {buf + 1, 9}};
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 3};
		struct ramet *t;

		pairs[kind](fds);
		t = spawn(say_hello_twice, &fds[1]);
		CHECK_EQ(ramet_recv(fds[0], buf, 10, MSG_WAITALL), 10);
		join(t);
		CHECK(memcmp(buf, "hellohello", 10) == 0);
		memset(buf, 0, sizeof buf);
		t = spawn(say_hello_twice, &fds[1]);
		CHECK_EQ(ramet_recvmsg(fds[0], &msg, MSG_WAITALL), 10);
		join(t);
		CHECK(memcmp(buf, "hellohello", 10) == 0);
		CHECK_EQ(iov[2].iov_len, 9); /* the caller's is left alone */
		t = spawn(say_hello_twice, &fds[1]);
		RAMET_WITHIN(100 * RAMET_MS) {
			CHECK_EQ(ramet_recv(fds[0], buf, 16, MSG_WAITALL), 10);
			CHECK_ERR(ramet_recv(fds[0], buf, 16, MSG_WAITALL),
				  ETIMEDOUT);
		}
		join(t);
		CHECK_EQ(ramet_send(fds[1], "end", 3, 0), 3);
		CHECK_EQ(ramet_close(fds[1]), 0);
		CHECK_EQ(ramet_recv(fds[0], buf, 16, MSG_WAITALL), 3);
		CHECK_EQ(ramet_recv(fds[0], buf, 16, MSG_WAITALL), 0);
		CHECK_EQ(ramet_close(fds[0]), 0);
	}
}

TEST(waitall_of_a_datagram_is_one)
{
	char buf[16];
	int fds[2];

	for (int kind = 0; kind < 3; kind++) {
		struct iovec iov = {buf, sizeof buf};
		struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

		if (kind == 0)
			udp_pair(fds);
		else if (kind == 1)
			CHECK_EQ(ramet_socketpair(AF_UNIX, SOCK_SEQPACKET, 0,
						  fds),
				 0);
		else
			CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
		for (int i = 0; i < 2; i++)
			CHECK_EQ(ramet_send(fds[1], "hello", 5, 0), 5);
		CHECK_EQ(ramet_recv(fds[0], buf, 16, MSG_WAITALL), 5);
		CHECK_EQ(ramet_recvmsg(fds[0], &msg, MSG_WAITALL), 5);
		close_pair(fds);
	}
}

/* ---- messages with descriptors ------------------------------------------ */

/* Send bytes, and with them a descriptor if there is one. */
static ssize_t send_with(int to, int fd, const void *buf, size_t size)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} c = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec iov = {(void *)(uintptr_t)buf, size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		memcpy(CMSG_DATA(&c.header), &fd, sizeof fd);
		msg.msg_control = &c;
		msg.msg_controllen = sizeof c;
	}
	return ramet_sendmsg(to, &msg, 0);
}

/* Receive at most size bytes; *fd is -1 if no descriptor came. */
static ssize_t recv_with(int from, int *fd, void *buf, size_t size, int flags)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} c;
	struct iovec iov = {buf, size};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &c,
			     .msg_controllen = sizeof c};
	ssize_t n = ramet_recvmsg(from, &msg, flags);
	struct cmsghdr *header = n >= 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	*fd = -1;
	CHECK(n < 0 || !(msg.msg_flags & MSG_CTRUNC));
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(header), sizeof *fd);
	return n;
}

TEST(descriptors_are_passed_once_and_work)
{
	static char much[2000000];
	int fds[2], passed[2], got;
	size_t done;
	char c;

	CHECK_EQ(ramet_pipe(passed, 0), 0);
	for (int foreign = 0; foreign < 2; foreign++) {
		struct ramet *t;

		(foreign ? foreign_pair : unix_pair)(fds);
		CHECK_EQ(send_with(fds[1], passed[1], "x", 1), 1);
		CHECK_EQ(recv_with(fds[0], &got, &c, 1, 0), 1);
		CHECK(got >= 0);
		CHECK_EQ(ramet_write(got, "y", 1), 1);
		CHECK_EQ(ramet_read(passed[0], &c, 1), 1);
		CHECK_EQ(c, 'y');
		CHECK_EQ(ramet_close(got), 0);
		/* In parts: only the first has it. */
		t = spawn(recv_one, &fds[0]);
		ramet_cancel(t);
		join(t);
		RAMET_WITHIN(10 * RAMET_MS)
			CHECK(send_with(fds[1], passed[1], much, sizeof much) <
			      (ssize_t)sizeof much);
		done = 0;
		for (ssize_t n = 1; n > 0; done += (size_t)n) {
			n = recv_with(fds[0], &got, much, sizeof much,
				      MSG_DONTWAIT);
			CHECK_EQ(got >= 0, done == 0);
			if (got >= 0)
				CHECK_EQ(ramet_close(got), 0);
			if (n < 0)
				break;
		}
		CHECK(done > 0);
		close_pair(fds);
	}
	close_pair(passed);
}

static void *send_much_with_fd(void *fds)
{
	static char much[2000000];
	int *f = fds;

	for (size_t i = 0; i < sizeof much; i++)
		much[i] = (char)(i % 251);
	CHECK_EQ(send_with(f[0], f[1], much, sizeof much), sizeof much);
	return NULL;
}

TEST(a_large_message_with_a_descriptor_completes)
{
	enum { SIZE = 2000000 };
	char *buf = malloc(SIZE);
	int fds[2], send[2], got;
	struct ramet *t;

	unix_pair(fds);
	send[0] = fds[1];
	send[1] = fds[0];
	t = spawn(send_much_with_fd, send);
	settle();
	CHECK(recv_with(fds[0], &got, buf, 1, 0) == 1 && got >= 0);
	CHECK_EQ(ramet_close(got), 0);
	CHECK_EQ(recv_with(fds[0], &got, buf + 1, SIZE - 1, MSG_WAITALL),
		 SIZE - 1);
	CHECK_EQ(got, -1);
	for (size_t i = 1; i < SIZE; i++)
		CHECK_EQ(buf[i], (char)(i % 251));
	join(t);
	close_pair(fds);
	free(buf);
}

/* What is before them and what is after are not one read; neither is lost. */
TEST(reads_end_at_a_descriptor_and_go_on_after_it)
{
	int fds[2], got;
	char buf[64];

	unix_pair(fds);
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(send_with(fds[1], -1, "aa", 2), 2);
		CHECK_EQ(send_with(fds[1], fds[0], "bbb", 3), 3);
		CHECK_EQ(send_with(fds[1], -1, "cccc", 4), 4);
		if (i % 2) { /* the control message is dropped */
			CHECK_EQ(ramet_recv(fds[0], buf, sizeof buf, 0), 5);
		} else {
			int flags = i % 4 ? MSG_WAITALL : 0;

			CHECK_EQ(recv_with(fds[0], &got, buf, sizeof buf,
					   flags),
				 5);
			CHECK(got >= 0);
			CHECK_EQ(ramet_close(got), 0);
		}
		CHECK_EQ(ramet_recv(fds[0], buf, sizeof buf, 0), 4);
	}
	close_pair(fds);
}

/* A waiting WAITALL, too, hands over what comes later. */
static void *send_three(void *fd)
{
	int to = *(int *)fd;

	settle();
	CHECK_EQ(send_with(to, -1, "aa", 2), 2);
	settle();
	CHECK_EQ(send_with(to, to, "bbb", 3), 3);
	settle();
	CHECK_EQ(send_with(to, -1, "cccc", 4), 4);
	return NULL;
}

TEST(waitall_loses_no_descriptor)
{
	int fds[2], got;
	struct ramet *t;
	char buf[64];

	unix_pair(fds);
	t = spawn(send_three, &fds[1]);
	CHECK_EQ(recv_with(fds[0], &got, buf, sizeof buf, MSG_WAITALL), 5);
	CHECK(got >= 0);
	CHECK_EQ(ramet_close(got), 0);
	CHECK_EQ(ramet_recv(fds[0], buf, 4, MSG_WAITALL), 4);
	join(t);
	close_pair(fds);
}

/* With credentials, the bytes of two writers are never one read. */
TEST(two_writers_with_credentials)
{
	int fds[2], on = 1, status;
	size_t got = 0;
	char buf[64];
	pid_t child;

	unix_pair(fds);
	CHECK_EQ(setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on),
		 0);
	child = fork();
	if (child == 0)
		_exit(send(fds[1], "child", 5, 0) == 5 ? 0 : 1);
	while (waitpid(child, &status, WNOHANG) != child)
		settle();
	CHECK_EQ(status, 0);
	CHECK_EQ(ramet_send(fds[1], "parent", 6, 0), 6);
	while (got < 11) {
		ssize_t n = ramet_recv(fds[0], buf, sizeof buf, 0);

		CHECK(n > 0);
		got += (size_t)n;
	}
	close_pair(fds);
}

/* ---- urgent data -------------------------------------------------------- */

struct sink {
	int fd;
	size_t got;
	int error;
};

static void *drain(void *p)
{
	struct sink *s = p;
	char buf[256];
	ssize_t n;

	while ((n = ramet_recv(s->fd, buf, sizeof buf, 0)) > 0)
		s->got += (size_t)n;
	s->error = n < 0 ? errno : 0;
	return NULL;
}

TEST(a_read_stops_at_the_urgent_mark_and_goes_on)
{
	struct sink s = {0};
	struct ramet *t;
	int fds[2];

	for (int waits = 0; waits < 2; waits++) {
		size_t want = 0;

		tcp_pair(fds);
		s = (struct sink){.fd = fds[0]};
		t = spawn(drain, &s);
		if (waits)
			settle();
		for (int i = 0; i < 20; i++) {
			CHECK_EQ(ramet_send(fds[1], "before", 6, 0), 6);
			CHECK_EQ(ramet_send(fds[1], "!", 1, MSG_OOB), 1);
			CHECK_EQ(ramet_send(fds[1], "after", 5, 0), 5);
			want += 11;
			if (i % 3 == 0)
				settle();
		}
		CHECK_EQ(ramet_shutdown(fds[1], SHUT_WR), 0);
		join(t);
		CHECK_EQ(s.error, 0);
		CHECK(s.got >= want); /* a mark not read becomes data */
		close_pair(fds);
	}
}

/* Whatever the hint says of the stream. */
TEST(urgent_data_is_never_waited_for)
{
	struct pollfd urgent = {.events = POLLPRI};
	char buf[8];
	int fds[2];

	tcp_pair(fds);
	CHECK_ERR(ramet_recv(fds[0], buf, 1, MSG_OOB), EINVAL);
	for (int i = 0; i < 3; i++) {
		struct ramet *t = spawn(say_hello, &fds[1]);

		CHECK_EQ(ramet_recv(fds[0], buf, sizeof buf, 0), 5);
		join(t);
		CHECK_ERR(ramet_recv(fds[0], buf, 1, MSG_OOB), EINVAL);
		CHECK_ERR(ramet_recv(fds[0], buf, 1, MSG_ERRQUEUE), EAGAIN);
	}
	CHECK_EQ(ramet_send(fds[1], "!", 1, MSG_OOB), 1);
	urgent.fd = fds[0];
	CHECK_EQ(poll(&urgent, 1, -1), 1);
	CHECK_EQ(ramet_recv(fds[0], buf, 1, MSG_OOB), 1);
	CHECK_EQ(buf[0], '!');
	close_pair(fds);
}

/* ---- the ends of connections -------------------------------------------- */

static void reset(int fd)
{
	struct linger none = {1, 0};

	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
	CHECK_EQ(ramet_close(fd), 0);
}

TEST(data_and_the_end_come_before_the_first_wait)
{
	int fds[2];

	for (int foreign = 0; foreign < 2; foreign++) {
		struct sink s = {0};
		int copy;

		tcp_pair(fds);
		copy = foreign ? dup(fds[0]) : ramet_dup(fds[0]);
		s.fd = copy;
		CHECK_EQ(ramet_send(fds[1], "hello", 5, 0), 5);
		CHECK_EQ(ramet_shutdown(fds[1], SHUT_WR), 0);
		drain(&s);
		CHECK_EQ(s.got, 5);
		CHECK_EQ(s.error, 0);
		CHECK_EQ(ramet_close(copy), 0);
		close_pair(fds);
	}
}

/* All orders of data, end, event and read. */
TEST(data_and_the_end_come_while_a_reader_waits)
{
	for (int i = 0; i < 16; i++) {
		struct sink s = {0};
		struct ramet *t;
		int fds[2];

		tcp_pair(fds);
		s.fd = fds[0];
		t = spawn(drain, &s);
		settle(); /* it is registered now */
		CHECK_EQ(ramet_send(fds[1], "hello", 5, 0), 5);
		if (i & 1)
			settle();
		CHECK_EQ(ramet_send(fds[1], "again", 5, 0), 5);
		if (i & 2)
			settle();
		if (i & 4)
			CHECK_EQ(ramet_shutdown(fds[1], SHUT_WR), 0);
		else
			CHECK_EQ(ramet_close(fds[1]), 0);
		join(t);
		CHECK_EQ(s.got, 10);
		CHECK_EQ(s.error, 0);
		CHECK_EQ(ramet_close(fds[0]), 0);
		if (i & 4)
			CHECK_EQ(ramet_close(fds[1]), 0);
	}
}

TEST(half_closed_connections_work_the_other_way)
{
	struct sink s = {0};
	struct ramet *t;
	int fds[2];
	char c;

	for (int tcp = 0; tcp < 2; tcp++) {
		(tcp ? tcp_pair : unix_pair)(fds);
		s = (struct sink){.fd = fds[0]};
		t = spawn(drain, &s);
		CHECK_EQ(ramet_shutdown(fds[0], SHUT_WR), 0);
		CHECK_EQ(ramet_read(fds[1], &c, 1), 0);
		CHECK_EQ(ramet_read(fds[1], &c, 1), 0);
		for (int i = 0; i < 10; i++) {
			settle();
			CHECK_EQ(ramet_send(fds[1], "hello", 5, 0), 5);
		}
		CHECK_EQ(ramet_close(fds[1]), 0);
		join(t);
		CHECK_EQ(s.got, 50);
		CHECK_EQ(s.error, 0);
		CHECK_ERR(ramet_send(fds[0], "x", 1, 0), EPIPE);
		CHECK_EQ(ramet_close(fds[0]), 0);
	}
}

TEST(a_reset_wakes_reader_and_writer)
{
	static char much[8000000];
	struct ramet *t;
	int fds[2];

	tcp_pair(fds);
	t = spawn(recv_one, &fds[0]);
	settle();
	reset(fds[1]);
	CHECK_EQ((intptr_t)join(t), -ECONNRESET);
	CHECK_EQ(ramet_close(fds[0]), 0);
	tcp_pair(fds);
	t = spawn(say_hello, &fds[1]);
	fill(fds[0]);
	settle();
	join(t);
	RAMET_WITHIN(5 * RAMET_MS)
		CHECK_ERR(ramet_write_all(fds[0], much, sizeof much),
			  ETIMEDOUT);
	reset(fds[1]);
	CHECK_EQ(ramet_write(fds[0], much, sizeof much), -1);
	CHECK(errno == ECONNRESET || errno == EPIPE);
	CHECK_EQ(ramet_close(fds[0]), 0);
}

TEST(a_shutdown_here_wakes_whoever_waits)
{
	static const int hows[] = {SHUT_RD, SHUT_RDWR};
	int fds[2];

	for (int tcp = 0; tcp < 2; tcp++)
		for (size_t i = 0; i < countof(hows); i++) {
			struct sink s = {0};
			struct ramet *t;

			(tcp ? tcp_pair : unix_pair)(fds);
			s.fd = fds[0];
			t = spawn(drain, &s);
			CHECK_EQ(ramet_send(fds[1], "hello", 5, 0), 5);
			settle(); /* now it has a hint */
			CHECK_EQ(ramet_shutdown(fds[0], hows[i]), 0);
			join(t);
			CHECK_EQ(s.error, 0);
			close_pair(fds);
		}
	tcp_pair(fds);
	fill(fds[0]);
	RAMET_WITHIN(5 * RAMET_MS)
		CHECK_ERR(ramet_send(fds[0], "x", 1, 0), ETIMEDOUT);
	CHECK_EQ(ramet_shutdown(fds[0], SHUT_WR), 0);
	CHECK_ERR(ramet_send(fds[0], "x", 1, 0), EPIPE);
	close_pair(fds);
}

/* ---- the drained hint --------------------------------------------------- */

static void *echo(void *fd)
{
	char buf[4096];
	ssize_t n;

	while ((n = ramet_recv(*(int *)fd, buf, sizeof buf, 0)) > 0)
		CHECK_EQ(ramet_send(*(int *)fd, buf, (size_t)n, 0), n);
	CHECK_EQ(n, 0);
	return NULL;
}

/* The calls that 2 * ROUNDS messages take, both sides in one loop. */
static int64_t calls_of_echo(int client, int server)
{
	enum { ROUNDS = 1000 };
	struct ramet *t = spawn(echo, &server);
	struct ramet_stats before, after;
	char buf[4096] = {0};

	for (int i = 0; i < ROUNDS + 10; i++) {
		if (i == 10)
			ramet_get_stats(&before);
		CHECK_EQ(ramet_send(client, buf, 64, 0), 64);
		CHECK_EQ(ramet_recv(client, buf, sizeof buf, 0), 64);
	}
	ramet_get_stats(&after);
	CHECK_EQ(ramet_shutdown(client, SHUT_WR), 0);
	join(t);
	CHECK(after.kernel_waits - before.kernel_waits <= 2 * ROUNDS + 10);
	return (int64_t)(after.system_calls - before.system_calls -
			 (after.kernel_waits - before.kernel_waits)) /
	       (2 * ROUNDS);
}

/* With each event io_uring says that there may be urgent data, so a short read
 * proves nothing, and a futile one follows. */
static int calls_of_message(void)
{
	return strcmp(ramet_kernel_name(), "uring") == 0 ? 3 : 2;
}

TEST(a_message_costs_a_send_and_a_receive)
{
	int fds[2], listener, out, in;

	tcp_pair(fds);
	CHECK_EQ(calls_of_echo(fds[0], fds[1]), calls_of_message());
	close_pair(fds);
	/* Also where others made the listener. */
	listener = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(listen(listener, 5), 0);
	out = dial(address_of("127.0.0.1", listener));
	in = ramet_accept(listener, NULL, NULL);
	CHECK(in >= 0);
	CHECK_EQ(calls_of_echo(out, in), calls_of_message());
	CHECK_EQ(ramet_close(out), 0);
	CHECK_EQ(ramet_close(in), 0);
	CHECK_EQ(ramet_close(listener), 0);
}

enum { STREAM = 200000 };

struct producer {
	int fd;
	size_t sent;
};

static char byte_at(size_t n)
{
	return (char)(n * 31 + n / 253);
}

static void *produce(void *p)
{
	struct producer *s = p;
	char buf[5000];

	while (s->sent < STREAM) {
		size_t n = 1 + test_rand(test_rand(4) ? 100 : sizeof buf);

		if (n > STREAM - s->sent)
			n = STREAM - s->sent;
		for (size_t i = 0; i < n; i++)
			buf[i] = byte_at(s->sent + i);
		CHECK_EQ(ramet_send(s->fd, buf, n, 0), n);
		s->sent += n;
		if (!test_rand(3))
			CHECK_EQ(ramet_yield(), 0);
		if (!test_rand(50))
			CHECK_EQ(ramet_sleep((int)test_rand(300000)), 0);
	}
	if (test_rand(2))
		CHECK_EQ(ramet_shutdown(s->fd, SHUT_WR), 0);
	else
		CHECK_EQ(ramet_close(s->fd), 0), s->fd = -1;
	return NULL;
}

/* One read of at most size bytes, in one of the ways there are. */
static ssize_t read_somehow(int fd, char *buf, size_t size)
{
	struct iovec iov[2] = {{buf, size / 2},
			       {buf + size / 2, size - size / 2}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	switch (test_rand(6)) {
	case 0:
		return ramet_recv(fd, buf, size, 0);
	case 1:
		return ramet_readv(fd, iov, 2);
	case 2:
		return ramet_recvmsg(fd, &msg, 0);
	case 3:
		if (ramet_recv(fd, buf, size, MSG_PEEK) < 0)
			return -1;
		return ramet_read(fd, buf, size);
	case 4:
		return ramet_recv(fd, buf, size, MSG_WAITALL);
	}
	return ramet_read(fd, buf, size);
}

TEST(the_hint_loses_nothing)
{
	for (int round = 0; round < test_rounds(40); round++) {
		struct producer s = {0};
		struct ramet *t;
		char buf[6000];
		size_t got = 0;
		ssize_t n;
		int fds[2];

		if (test_rand(4))
			tcp_pair(fds);
		else
			unix_pair(fds);
		s.fd = fds[1];
		t = spawn(produce, &s);
		while ((n = read_somehow(fds[0], buf,
					 1 + test_rand(sizeof buf))) > 0) {
			for (ssize_t i = 0; i < n; i++)
				CHECK(buf[i] == byte_at(got + (size_t)i));
			got += (size_t)n;
			if (!test_rand(4))
				CHECK_EQ(ramet_yield(), 0);
			if (!test_rand(100))
				CHECK_EQ(ramet_sleep((int)test_rand(200000)),
					 0);
		}
		CHECK_EQ(n, 0);
		CHECK_EQ(got, STREAM);
		join(t);
		CHECK_EQ(ramet_close(fds[0]), 0);
		if (s.fd >= 0)
			CHECK_EQ(ramet_close(s.fd), 0);
	}
}

static void burn(int64_t ns)
{
	int64_t end = ramet_now() + ns;

	while (ramet_now() < end)
		;
}

static size_t sent, messages, wanted;

/* One message whenever it is wanted, and so long between switches that events
 * are looked for soon. */
static void *send_what_is_wanted(void *fd)
{
	static char buf[100];

	while (messages < 40) {
		if (messages < wanted) {
			size_t n = 50 + messages++;

			sent += n;
			CHECK_EQ(ramet_send(*(int *)fd, buf, n, 0), n);
		}
		burn(300 * RAMET_US);
		CHECK_EQ(ramet_yield(), 0);
	}
	return NULL;
}

static void *switch_often(void *unused)
{
	while (messages < 40)
		CHECK_EQ(ramet_yield(), 0);
	return unused;
}

/* A short read may be the last before others have their turn: what they send
 * then must not be forgotten. */
TEST(the_hint_is_set_before_others_run)
{
	struct ramet *ts[4], *idle;
	char buf[100];
	size_t got = 0;
	int fds[2], other[2];

	tcp_pair(fds);
	unix_pair(other);
	idle = spawn(recv_one, &other[0]); /* or nobody looks for events */
	ts[0] = spawn(send_what_is_wanted, &fds[1]);
	for (int i = 1; i < 4; i++)
		ts[i] = spawn(switch_often, NULL);
	while (messages < 40) {
		bool rest = got + 1 == sent;
		ssize_t n;

		if (rest || got == sent)
			wanted = messages + 1;
		n = ramet_recv(fds[0], buf, rest ? sizeof buf : 1, 0);
		CHECK(n > 0);
		got += (size_t)n;
	}
	for (int i = 0; i < 4; i++)
		join(ts[i]);
	close_pair(other);
	join(idle);
	close_pair(fds);
}

/* ---- connect ------------------------------------------------------------ */

TEST(a_connection_that_does_not_come_about)
{
	struct sockaddr_in addr;
	struct ramet *t;
	int fillers[8], fd, listener = full_listener(&addr, fillers);

	/* The last filler is still under way: room lets it through. */
	for (fd = 0; fillers[fd + 1] >= 0; fd++)
		;
	fd = fillers[fd];
	RAMET_WITHIN(20 * RAMET_MS)
		CHECK_ERR(ramet_connect(fd, (void *)&addr, sizeof addr),
			  ETIMEDOUT);
	RAMET_WITHIN(0)
		CHECK_ERR(ramet_connect(fd, (void *)&addr, sizeof addr),
			  ETIMEDOUT);
	t = spawn(recv_one, &fd);
	ramet_cancel(t);
	CHECK_EQ((intptr_t)join(t), -ECANCELED);
	for (int i = 0; fillers[i] != fd; i++)
		CHECK_EQ(ramet_close(ramet_accept(listener, NULL, NULL)), 0);
	CHECK_EQ(ramet_connect(fd, (void *)&addr, sizeof addr), 0);
	CHECK_ERR(ramet_connect(fd, (void *)&addr, sizeof addr), EISCONN);
	close_all(fillers, 8);
	CHECK_EQ(ramet_close(listener), 0);
}

/* connect(2) on it blocks, and its flags are not ours. */
TEST(a_blocking_socket_of_others_connects_without_blocking_the_loop)
{
	struct sockaddr_in addr;
	struct ramet *ticker = start_ticker();
	int fds_before = open_fds(), fillers[8], in;
	int listener = full_listener(&addr, fillers);
	int fd = socket(AF_INET, SOCK_STREAM, 0), before = ticks;
	char c;

	RAMET_WITHIN(50 * RAMET_MS)
		CHECK_ERR(ramet_connect(fd, (void *)&addr, sizeof addr),
			  ETIMEDOUT);
	CHECK(ticks > before);
	CHECK_EQ(ramet_close(fd), 0);
	close_all(fillers, 8);
	CHECK_EQ(ramet_close(listener), 0);

	listener = ramet_listen("tcp://127.0.0.1:0");
	addr = loopback(ramet_port(listener));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(ramet_connect(fd, (void *)&addr, sizeof addr), 0);
	CHECK(!(fcntl(fd, F_GETFL) & O_NONBLOCK));
	in = ramet_accept(listener, NULL, NULL);
	CHECK_EQ(ramet_write(fd, "x", 1), 1);
	CHECK_EQ(ramet_read(in, &c, 1), 1);
	CHECK_ERR(ramet_connect(fd, (void *)&addr, sizeof addr), EISCONN);
	CHECK_EQ(ramet_close(in), 0);
	CHECK_EQ(ramet_close(fd), 0);
	CHECK_EQ(ramet_close(listener), 0);
	in = bound_socket(&addr);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERR(ramet_connect(fd, (void *)&addr, sizeof addr), ECONNREFUSED);
	CHECK_ERR(ramet_connect(fd, (void *)&addr, 1), EINVAL);
	CHECK_ERR(ramet_connect(fd, (void *)&addr, 1 << 20), EINVAL);
	CHECK_EQ(ramet_close(fd), 0);
	CHECK_EQ(ramet_close(in), 0);
	while (open_fds() > fds_before) /* a helper may still connect */
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	stop_ticker(ticker);
}

struct unix_client {
	const char *address;
	int fd;
};

static void *dial_unix(void *p)
{
	struct unix_client *c = p;

	c->fd = dial(c->address);
	return NULL;
}

TEST(a_unix_connection_waits_for_the_backlog)
{
	struct unix_client clients[20];
	struct ramet *ts[20];
	struct sockaddr_storage addr;
	socklen_t size;
	char text[64];
	int listener = ramet_socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(text, sizeof text, "unix://@ramet-%d", getpid());
	CHECK_EQ(ramet_address(text, &addr, &size), SOCK_STREAM);
	CHECK_EQ(bind(listener, (void *)&addr, size), 0);
	CHECK_EQ(listen(listener, 2), 0);
	for (int i = 0; i < 20; i++) {
		clients[i].address = text;
		ts[i] = spawn(dial_unix, &clients[i]);
	}
	settle();
	RAMET_WITHIN(30 * RAMET_MS)
		CHECK_ERR(ramet_dial(text), ETIMEDOUT);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(ramet_close(ramet_accept(listener, NULL, NULL)), 0);
	for (int i = 0; i < 20; i++) {
		join(ts[i]);
		CHECK_EQ(ramet_close(clients[i].fd), 0);
	}
	CHECK_EQ(ramet_close(listener), 0);
}

/* Who waits to send when the connection comes is woken as well. */
struct late {
	int fd;
	struct sockaddr_in *addr;
};

static void *connect_late(void *p)
{
	struct late *l = p;

	CHECK_EQ(ramet_connect(l->fd, (void *)l->addr, sizeof *l->addr), 0);
	return NULL;
}

static void *send_late(void *p)
{
	struct late *l = p;

	CHECK_EQ(ramet_send(l->fd, "x", 1, 0), 1);
	return NULL;
}

TEST(a_sender_waits_for_the_connection)
{
	struct sockaddr_in addr;
	int fillers[8], listener = full_listener(&addr, fillers);
	int in[16], accepted = 0;
	struct ramet *ts[3];
	struct late late = {.addr = &addr};

	late.fd = ramet_socket(AF_INET, SOCK_STREAM, 0);
	ts[0] = spawn(connect_late, &late);
	ts[1] = spawn(send_late, &late);
	ts[2] = spawn(send_late, &late);
	settle();
	CHECK(!ramet_ended(ts[0]) && !ramet_ended(ts[1]));
	close_all(fillers, 8);
	for (int i = 0; i < 3; i++)
		while (!ramet_ended(ts[i]))
			RAMET_WITHIN(10 * RAMET_MS) {
				in[accepted] =
					ramet_accept(listener, NULL, NULL);
				accepted += in[accepted] >= 0;
			}
	for (int i = 0; i < 3; i++)
		join(ts[i]);
	close_all(in, accepted);
	CHECK_EQ(ramet_close(late.fd), 0);
	CHECK_EQ(ramet_close(listener), 0);
}

/* ---- accept ------------------------------------------------------------- */

struct server {
	int listener, accepted;
	int fds[64];
};

static void *serve(void *p)
{
	struct server *s = p;
	int fd;

	while ((fd = ramet_accept(s->listener, NULL, NULL)) >= 0)
		s->fds[s->accepted++] = fd;
	CHECK_EQ(errno, EBADF); /* it is closed */
	return NULL;
}

TEST(accept_tells_who_connects)
{
	struct sockaddr_in from;
	socklen_t size = sizeof from;
	int listener = ramet_listen("tcp://127.0.0.1:0");
	int out = dial(address_of("127.0.0.1", listener));
	int in = ramet_accept4(listener, (void *)&from, &size, SOCK_CLOEXEC);

	CHECK(in >= 0);
	CHECK_EQ(size, sizeof from);
	CHECK_EQ(ntohs(from.sin_port), ramet_port(out));
	CHECK_ERR(ramet_accept(out, NULL, NULL), EINVAL);
	CHECK_ERR(ramet_accept4(listener, NULL, NULL, 1 << 30), EINVAL);
	CHECK_EQ(ramet_close(out), 0);
	CHECK_EQ(ramet_close(in), 0);
	CHECK_EQ(ramet_close(listener), 0);
}

/* A burst while descriptors are short: none is lost, nobody spins. */
TEST(accept_waits_while_descriptors_are_short)
{
	enum { CLIENTS = 20 };
	struct server s = {.listener = ramet_listen("tcp://127.0.0.1:0")};
	int clients[CLIENTS], last;
	struct ramet *t;
	int64_t calls;
	rlim_t before;

	if (ramet__on_valgrind)
		test_skip("valgrind accepts and closes what is not allowed");
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = dial(address_of("127.0.0.1", s.listener));
	last = dup(0);
	CHECK_EQ(close(last), 0);
	before = allow_fds((rlim_t)last + 3); /* three more */
	t = spawn(serve, &s);
	while (s.accepted < 3 && !ramet_ended(t))
		settle();
	CHECK_EQ(s.accepted, 3);
	calls = system_calls();
	CHECK_EQ(ramet_sleep(50 * RAMET_MS), 0);
	CHECK(system_calls() - calls < 50);
	CHECK_EQ(s.accepted, 3);
	for (int i = 0; s.accepted < CLIENTS; i++) {
		CHECK_EQ(ramet_close(s.fds[i]), 0);
		s.fds[i] = -1;
		while (s.accepted < i + 4 && s.accepted < CLIENTS)
			settle();
	}
	CHECK(!ramet_ended(t));
	allow_fds(before);
	CHECK_EQ(ramet_close(s.listener), 0);
	join(t);
	close_all(s.fds, s.accepted);
	close_all(clients, CLIENTS);
}

TEST(a_listener_may_be_closed_while_accept_waits_for_descriptors)
{
	struct server s = {.listener = ramet_listen("tcp://127.0.0.1:0")};
	int client = dial(address_of("127.0.0.1", s.listener)), again;
	struct ramet *t;

	for (int reused = 0; reused < 2; reused++) {
		rlim_t before = allow_fds(0);

		t = spawn(serve, &s);
		settle();
		CHECK(!ramet_ended(t));
		allow_fds(before);
		again = ramet_listen("tcp://127.0.0.1:0");
		if (reused)
			CHECK_EQ(ramet_dup2(again, s.listener), s.listener);
		else
			CHECK_EQ(ramet_close(s.listener), 0);
		join(t);
		CHECK_EQ(s.accepted, 0);
		CHECK_EQ(ramet_close(client), 0);
		client = dial(address_of("127.0.0.1", again));
		if (reused)
			CHECK_EQ(ramet_close(s.listener), 0);
		s.listener = again;
	}
	CHECK_EQ(ramet_close(client), 0);
	CHECK_EQ(ramet_close(again), 0);
}

TEST(accept_survives_clients_that_are_gone)
{
	struct server s = {.listener = ramet_listen("tcp://127.0.0.1:0")};
	struct ramet *t;
	int fd;

	for (int i = 0; i < 10; i++) {
		fd = dial(address_of("127.0.0.1", s.listener));
		if (i % 2)
			reset(fd);
		else
			CHECK_EQ(ramet_close(fd), 0);
	}
	t = spawn(serve, &s);
	settle();
	fd = dial(address_of("127.0.0.1", s.listener));
	while (s.accepted < 6)
		settle();
	settle();
	CHECK(!ramet_ended(t));
	CHECK_EQ(ramet_close(s.listener), 0);
	join(t);
	close_all(s.fds, s.accepted);
	CHECK_EQ(ramet_close(fd), 0);
}

static int accepted_by_all(const struct server *servers, int count)
{
	int sum = 0;

	for (int i = 0; i < count; i++)
		sum += servers[i].accepted;
	return sum;
}

TEST(several_accept_on_one_listener)
{
	struct server servers[5];
	struct ramet *ts[5];
	int listener = ramet_listen("tcp://127.0.0.1:0");
	int clients[40];

	for (int i = 0; i < 5; i++) {
		servers[i] = (struct server){.listener = listener};
		ts[i] = spawn(serve, &servers[i]);
	}
	settle();
	for (int i = 0; i < 40; i++)
		clients[i] = dial(address_of("127.0.0.1", listener));
	while (accepted_by_all(servers, 5) < 40)
		settle();
	CHECK_EQ(ramet_close(listener), 0);
	for (int i = 0; i < 5; i++) {
		join(ts[i]);
		close_all(servers[i].fds, servers[i].accepted);
	}
	CHECK_EQ(accepted_by_all(servers, 5), 40);
	close_all(clients, 40);
}

TEST(a_listener_of_others_accepts_and_stays_as_it_is)
{
	struct server s = {.listener = socket(AF_INET, SOCK_STREAM, 0)};
	struct ramet *ticker = start_ticker(), *t;
	int before, out[2];

	CHECK_EQ(listen(s.listener, 5), 0);
	t = spawn(serve, &s);
	before = ticks;
	while (ticks < before + 3)
		settle();
	for (int i = 0; i < 2; i++)
		out[i] = dial(address_of("127.0.0.1", s.listener));
	while (s.accepted < 2)
		settle();
	CHECK(!(fcntl(s.listener, F_GETFL) & O_NONBLOCK));
	CHECK(fcntl(s.fds[0], F_GETFL) & O_NONBLOCK);
	CHECK_EQ(ramet_close(s.listener), 0);
	join(t);
	close_all(out, 2);
	close_all(s.fds, 2);
	stop_ticker(ticker);
}

/* ---- many at once ------------------------------------------------------- */

static int echo_port;

static void *echo_and_close(void *p)
{
	int fd = (int)(intptr_t)p;

	echo(&fd);
	CHECK_EQ(ramet_close(fd), 0);
	return NULL;
}

static void *accept_for_ever(void *p)
{
	int fd, listener = *(int *)p;

	while ((fd = ramet_accept(listener, NULL, NULL)) >= 0)
		CHECK_EQ(ramet_detach(
				 spawn(echo_and_close, (void *)(intptr_t)fd)),
			 0);
	CHECK_EQ(errno, EBADF);
	return NULL;
}

static void *talk(void *unused)
{
	char address[64], out[64], in[64];
	int fd;

	snprintf(address, sizeof address, "tcp://127.0.0.1:%d", echo_port);
	fd = dial(address);
	for (int i = 0; i < 20; i++) {
		size_t n = 1 + test_rand(sizeof out);

		memset(out, (int)test_rand(256), sizeof out);
		CHECK_EQ(ramet_write_all(fd, out, n), n);
		CHECK_EQ(ramet_read_all(fd, in, n), n);
		CHECK(memcmp(in, out, n) == 0);
	}
	CHECK_EQ(ramet_close(fd), 0);
	return unused;
}

TEST(a_hundred_clients_of_an_echo_server)
{
	int before = open_fds(), listener = ramet_listen("tcp://127.0.0.1:0");
	struct ramet *server, *clients[100];

	echo_port = ramet_port(listener);
	server = spawn(accept_for_ever, &listener);
	for (int i = 0; i < 100; i++)
		clients[i] = spawn(talk, NULL);
	for (int i = 0; i < 100; i++)
		join(clients[i]);
	while (open_fds() > before + 1) /* the server's ends */
		settle();
	CHECK_EQ(ramet_close(listener), 0);
	join(server);
}

/* A reader whose data is always there does not keep the loop. */
static void *read_for_ever(void *fd)
{
	char buf[16];

	while (ramet_read(*(int *)fd, buf, sizeof buf) > 0)
		;
	return NULL;
}

TEST(a_busy_reader_lets_others_run)
{
	int zero = open("/dev/zero", O_RDONLY), fds[2];
	struct ramet *reader = spawn(read_for_ever, &zero), *ticker;

	ticker = start_ticker();
	while (ticks < 5)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	tcp_pair(fds); /* and events come through */
	close_pair(fds);
	ramet_cancel(reader);
	join(reader);
	stop_ticker(ticker);
	CHECK_EQ(close(zero), 0);
}

/* ---- errors ------------------------------------------------------------- */

static ssize_t do_recv(int fd)
{
	char c;

	return ramet_recv(fd, &c, 1, 0);
}

static ssize_t do_recvfrom(int fd)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof from;
	char c;

	return ramet_recvfrom(fd, &c, 1, 0, (void *)&from, &size);
}

static ssize_t do_recvmsg(int fd)
{
	char c;
	struct iovec iov = {&c, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	return ramet_recvmsg(fd, &msg, 0);
}

static ssize_t do_read(int fd)
{
	char c;

	return ramet_read(fd, &c, 1);
}

static ssize_t do_readv(int fd)
{
	char c[2];
	struct iovec iov[2] = {{c, 1}, {c + 1, 1}};

	return ramet_readv(fd, iov, 2);
}

static ssize_t do_read_all(int fd)
{
	char c;

	return ramet_read_all(fd, &c, 1);
}

static ssize_t do_poll_in(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	return ramet_poll(&p, 1);
}

static ssize_t do_send(int fd)
{
	return ramet_send(fd, "x", 1, 0);
}

static ssize_t do_sendto(int fd)
{
	return ramet_sendto(fd, "x", 1, 0, NULL, 0);
}

static ssize_t do_sendmsg(int fd)
{
	struct iovec iov = {(char[1]){0}, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	return ramet_sendmsg(fd, &msg, 0);
}

static ssize_t do_write(int fd)
{
	return ramet_write(fd, "x", 1);
}

static ssize_t do_writev(int fd)
{
	char c[2] = "x";
	struct iovec iov[2] = {{c, 1}, {c, 1}};

	return ramet_writev(fd, iov, 2);
}

static ssize_t do_write_all(int fd)
{
	return ramet_write_all(fd, "x", 1);
}

static ssize_t do_poll_out(int fd)
{
	struct pollfd p = {fd, POLLOUT, 0};

	return ramet_poll(&p, 1);
}

static ssize_t do_accept(int fd)
{
	return ramet_accept(fd, NULL, NULL);
}

static struct sockaddr_in full_addr;

static ssize_t do_connect(int fd)
{
	return ramet_connect(fd, (void *)&full_addr, sizeof full_addr);
}

enum need { SOMETHING, ROOM, CLIENT, BACKLOG };

static const struct call {
	const char *name;
	ssize_t (*make)(int fd);
	enum need waits_for;
	bool sockets_only;
} calls[] = {
	{"recv", do_recv, SOMETHING, true},
	{"recvfrom", do_recvfrom, SOMETHING, true},
	{"recvmsg", do_recvmsg, SOMETHING, true},
	{"read", do_read, SOMETHING, false},
	{"readv", do_readv, SOMETHING, false},
	{"read_all", do_read_all, SOMETHING, false},
	{"poll in", do_poll_in, SOMETHING, false},
	{"send", do_send, ROOM, true},
	{"sendto", do_sendto, ROOM, true},
	{"sendmsg", do_sendmsg, ROOM, true},
	{"write", do_write, ROOM, false},
	{"writev", do_writev, ROOM, false},
	{"write_all", do_write_all, ROOM, false},
	{"poll out", do_poll_out, ROOM, false},
	{"accept", do_accept, CLIENT, true},
	{"connect", do_connect, BACKLOG, true},
};

TEST(what_is_no_descriptor_or_no_socket)
{
	static const int none[] = {-1, INT32_MIN, INT32_MAX, 1 << 22, 100000};
	int fds[2];

	full_addr.sin_family = AF_INET;
	CHECK_EQ(ramet_pipe(fds, 0), 0);
	for (size_t i = 0; i < countof(calls); i++) {
		if (calls[i].make == do_poll_in || calls[i].make == do_poll_out)
			continue; /* which report it in revents */
		for (size_t k = 0; k < countof(none); k++)
			CHECK_ERR(calls[i].make(none[k]), EBADF);
		if (calls[i].sockets_only)
			CHECK_ERR(calls[i].make(fds[0]), ENOTSOCK);
	}
	CHECK_ERR(ramet_shutdown(fds[0], SHUT_RD), ENOTSOCK);
	CHECK_ERR(ramet_shutdown(-1, SHUT_RD), EBADF);
	close_pair(fds);
	CHECK_ERR(ramet_shutdown(fds[0], SHUT_RD), EBADF);
	CHECK_ERR(ramet_recv(fds[0], (char[1]){0}, 1, 0), EBADF);
	CHECK_ERR(ramet_socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERR(ramet_socketpair(AF_INET, SOCK_STREAM, 0, fds), EOPNOTSUPP);
	CHECK_ERR(ramet_pipe(fds, 1 << 30), EINVAL);
}

/* A call, and descriptors on which it waits; the first is the call's. */
struct scene {
	const struct call *call;
	int fds[2], fillers[8], fds_before;
};

enum { SCENES = 2 * countof(calls) };

/* Each call on a socket of others, and on one of ours. */
static struct scene scene(size_t number)
{
	bool ours = number % 2;
	int (*make_socket)(int, int, int) = ours ? ramet_socket : socket;
	struct scene s;

	memset(&s, -1, sizeof s);
	s.call = &calls[number / 2];
	s.fds_before = open_fds();
	switch (s.call->waits_for) {
	case SOMETHING:
	case ROOM:
		(ours ? tcp_pair : foreign_pair)(s.fds);
		if (s.call->waits_for == ROOM)
			fill(s.fds[0]);
		break;
	case CLIENT:
		s.fds[0] = make_socket(AF_INET, SOCK_STREAM, 0);
		CHECK_EQ(listen(s.fds[0], 5), 0);
		break;
	case BACKLOG:
		s.fds[1] = full_listener(&full_addr, s.fillers);
		s.fds[0] = make_socket(AF_INET, SOCK_STREAM, 0);
		break;
	}
	return s;
}

/* A helper may still be connecting. */
static void clear_scene(const struct scene *s)
{
	close_all(s->fds, 2);
	close_all(s->fillers, 8);
	while (open_fds() > s->fds_before)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
}

struct caller {
	const struct call *call;
	int fd, errors[2];
};

static void *call_twice(void *p)
{
	struct caller *c = p;

	for (int i = 0; i < 2; i++)
		c->errors[i] = c->call->make(c->fd) < 0 ? errno : 0;
	return NULL;
}

TEST(every_call_can_be_cancelled_and_the_next_one_fails_at_once)
{
	for (size_t i = 0; i < SCENES; i++) {
		struct scene s = scene(i);
		struct caller c = {.call = s.call, .fd = s.fds[0]};
		struct ramet *t;

		for (int parked = 0; parked < 2; parked++) {
			t = spawn(call_twice, &c);
			if (parked)
				settle();
			CHECK(!ramet_ended(t));
			ramet_cancel(t);
			join(t);
			CHECK_EQ(c.errors[0], ECANCELED);
			CHECK_EQ(c.errors[1], ECANCELED);
		}
		clear_scene(&s);
	}
}

TEST(every_call_ends_with_its_scope)
{
	for (size_t i = 0; i < SCENES; i++) {
		struct scene s = scene(i);
		ssize_t (*make)(int fd) = s.call->make;

		RAMET_WITHIN(0)
			CHECK_ERR(make(s.fds[0]), ETIMEDOUT);
		RAMET_WITHIN(-RAMET_SEC)
			CHECK_ERR(make(s.fds[0]), ETIMEDOUT);
		RAMET_WITHIN(INT64_MIN)
			CHECK_ERR(make(s.fds[0]), ETIMEDOUT);
		RAMET_WITHIN(3 * RAMET_MS) {
			CHECK_ERR(make(s.fds[0]), ETIMEDOUT);
			CHECK_ERR(make(s.fds[0]), ETIMEDOUT);
		}
		clear_scene(&s);
	}
}

TEST(a_close_ends_every_call)
{
	for (size_t i = 0; i < SCENES; i++) {
		struct scene s = scene(i);
		struct caller c = {.call = s.call, .fd = s.fds[0]};
		bool poll = c.call->make == do_poll_in ||
			    c.call->make == do_poll_out;
		struct ramet *t;

		t = spawn(call_twice, &c);
		settle();
		CHECK_EQ(ramet_close(s.fds[0]), 0);
		s.fds[0] = -1;
		join(t);
		CHECK_EQ(c.errors[0], EBADF);
		CHECK_EQ(c.errors[1], poll ? 0 : EBADF); /* 0: POLLNVAL */
		clear_scene(&s);
	}
}

static void *kill_me(void *p)
{
	struct caller *c = p;

	c->call->make(c->fd);
	test_fail(__FILE__, __LINE__, "%s returned", c->call->name);
}

TEST(every_call_can_be_killed)
{
	for (size_t i = 0; i < SCENES; i++) {
		struct scene s = scene(i);
		struct caller c = {.call = s.call, .fd = s.fds[0]};
		struct ramet *t;

		t = spawn(kill_me, &c);
		settle();
		if (ramet_kill(t) < 0)
			test_skip("stacks cannot be unwound here");
		CHECK_ERR(ramet_join(t, NULL), ECHILD);
		clear_scene(&s);
	}
}
