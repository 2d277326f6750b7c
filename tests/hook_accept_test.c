/* Connections under the socket group: accepted and made. */
#include "fds.h"
#include "replaced.h"
#include "rings.h"
#include "ticker.h"

#include <sys/prctl.h>
#include <sys/wait.h>

TEST_SEES_EINTR;

/* ---- accept ------------------------------------------------------------- */

static void *connect_call(void *p)
{
	int *fd = p;

	*fd = connected_to((struct sockaddr_in *)(fd + 1));
	return NULL;
}

TEST(an_accept_waits_for_a_connection)
{
	struct ramet *ticker = start_ticker();

	for (int shared = 0; shared < 2; shared++) {
		struct {
			int fd;
			struct sockaddr_in addr;
		} to;
		struct call c = {.fd = (shared ? new_shared_listener
					       : new_listener)(&to.addr)};
		struct ramet *t, *u;
		int before = ticks;
		char byte;

		for (int k = 0; k < 3; k++) {
			t = spawn(accept_call, &c);
			settle();
			CHECK(ticks > before);
			u = spawn(connect_call, &to);
			join(t);
			join(u);
			CHECK(c.result >= 0);
			CHECK_EQ(c.error, UNTOUCHED);
			CHECK_EQ(send(to.fd, "x", 1, 0), 1);
			CHECK_EQ(recv((int)c.result, &byte, 1, 0), 1);
			CHECK_EQ(close((int)c.result), 0);
			CHECK_EQ(close(to.fd), 0);
		}
		CHECK_EQ(close(c.fd), 0);
	}
	stop_ticker(ticker);
}

TEST(accept_obeys_O_NONBLOCK_and_flags)
{
	for (int shared = 0; shared < 2; shared++) {
		struct sockaddr_in addr;
		socklen_t size = sizeof addr;
		int listener = (shared ? new_shared_listener
				       : new_listener)(&addr),
		    fds[2];

		CHECK_EQ(fcntl(listener, F_SETFL, O_RDWR | O_NONBLOCK), 0);
		CHECK_ERR(accept(listener, NULL, NULL), EAGAIN);
		CHECK_EQ(fcntl(listener, F_SETFL, O_RDWR), 0);
		fds[0] = connected_to(&addr);
		fds[1] = accept4(listener, (void *)&addr, &size,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		CHECK(fds[1] >= 0);
		CHECK_EQ(size, sizeof addr);
		CHECK_EQ(addr.sin_family, AF_INET);
		CHECK_ERR(recv(fds[1], &addr, 1, 0), EAGAIN);
		CHECK(fcntl(fds[1], F_GETFD) & FD_CLOEXEC);
		end_pair(fds);
		CHECK_ERR(accept4(listener, NULL, NULL, 1), EINVAL);
		CHECK_EQ(close(listener), 0);
	}
}

/* A scope ends the call, and not the listener; no connection is lost. */
TEST(an_accept_that_ends_early_loses_nothing)
{
	for (int shared = 0; shared < 2; shared++) {
		struct sockaddr_in addr;
		struct call c = {.fd = (shared ? new_shared_listener
					       : new_listener)(&addr)};
		struct ramet *t;
		int fds[2];

		for (int k = 0; k < 3; k++)
			RAMET_WITHIN(5 * RAMET_MS)
				CHECK_ERR(accept(c.fd, NULL, NULL), ETIMEDOUT);
		t = spawn(accept_call, &c);
		settle();
		CHECK_EQ(ramet_cancel(t), 0);
		check_failed(t, &c, ECANCELED);
		fds[0] = connected_to(&addr);
		fds[1] = accept(c.fd, NULL, NULL);
		CHECK(fds[1] >= 0);
		end_pair(fds);
		t = spawn(accept_call, &c);
		settle();
		CHECK_EQ(close(c.fd), 0);
		check_failed(t, &c, EBADF);
	}
}

/* Each takes what it can get; neither waits with all its ramets for what the
 * other took. */
TEST(two_processes_share_a_listener)
{
	enum { N = 40 };
	struct sockaddr_in addr;
	int listener, fd, status;
	pid_t child;

	listener = new_shared_listener(&addr);
	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		for (prctl(PR_SET_PDEATHSIG, SIGKILL);;) {
			fd = accept(listener, NULL, NULL);
			if (fd < 0 || send(fd, "c", 1, 0) != 1)
				_exit(1);
			close(fd);
		}
	for (int i = 0; i < N; i++) {
		struct call c = {.fd = listener};
		struct ramet *t = spawn(accept_call, &c);
		char who;

		ramet_yield();
		fd = connected_to(&addr);
		while (c.error == 0 &&
		       recv(fd, &who, 1, MSG_DONTWAIT | MSG_PEEK) < 0)
			settle();
		if (!c.error) {
			CHECK_EQ(recv(fd, &who, 1, 0), 1);
			CHECK_EQ(who, 'c');
			CHECK_EQ(ramet_cancel(t), 0);
		}
		join(t);
		if (c.result >= 0)
			CHECK_EQ(close((int)c.result), 0);
		CHECK_EQ(close(fd), 0);
	}
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(close(listener), 0);
}

/* As in many containers. */
TEST(without_a_ring_a_helper_accepts)
{
	struct sockaddr_in addr;
	struct call c = {0};
	struct ramet *t;
	int fd;

	if (!refuse_rings())
		test_skip("system calls cannot be refused here");
	c.fd = new_shared_listener(&addr);
	for (int i = 0; i < 3; i++) {
		RAMET_WITHIN(5 * RAMET_MS)
			CHECK_ERR(accept(c.fd, NULL, NULL), ETIMEDOUT);
		t = spawn(accept_call, &c);
		settle();
		fd = connected_to(&addr);
		join(t);
		CHECK(c.result >= 0);
		CHECK_EQ(close((int)c.result), 0);
		CHECK_EQ(close(fd), 0);
	}
	CHECK_EQ(close(c.fd), 0);
}

static struct kernel thief;
static const struct kernel *real;
static int stolen = -1; /* atomic: a connection */

/* The first that a helper would accept another process takes. */
static long steal(long nr, long a, long b, long c, long d, long e, long f)
{
	if (nr == SYS_accept4 && !ramet__this_loop)
		while (__atomic_load_n(&stolen, __ATOMIC_SEQ_CST) < 0)
			__atomic_store_n(&stolen,
					 (int)real->call(nr, a, 0, 0, 0, 0, 0),
					 __ATOMIC_SEQ_CST);
	return real->call(nr, a, b, c, d, e, f);
}

static void let_steal(void)
{
	kernel_choose();
	real = ramet__kernel;
	thief = *real;
	thief.call = steal;
	thief.submit = NULL;
	ramet__kernel = &thief;
}

static void give_up_by_scope(struct ramet *t, const struct call *c)
{
	CHECK_EQ(ramet_cancel(t), 0);
	check_failed(t, c, ECANCELED);
}

static void give_up_by_signal(struct ramet *t, const struct call *c)
{
	CHECK(ramet__interrupt(t));
	check_failed(t, c, EINTR);
}

static void give_up_by_close(struct ramet *t, const struct call *c)
{
	CHECK_EQ(close(c->fd), 0);
	check_failed(t, c, EBADF);
}

/* It waits for the next connection then, and can be called back. */
TEST(a_helper_that_comes_too_late_is_called_back)
{
	static void (*const ends[])(struct ramet *,
				    const struct call *) = {give_up_by_scope,
							    give_up_by_signal,
							    give_up_by_close};
	struct sockaddr_in addr;
	struct call c = {0};

	let_steal();
	c.fd = new_shared_listener(&addr);
	for (size_t i = 0; i < countof(ends); i++) {
		int fd = connected_to(&addr);
		struct ramet *t;

		stolen = -1;
		t = spawn(accept_call, &c);
		while (__atomic_load_n(&stolen, __ATOMIC_SEQ_CST) < 0) {
			CHECK_EQ(ramet_ended(t), 0);
			settle();
		}
		settle();
		ends[i](t, &c);
		CHECK_EQ(close(stolen), 0);
		CHECK_EQ(close(fd), 0);
	}
}

/* ---- connect ------------------------------------------------------------ */

TEST(a_refused_connection_is_refused)
{
	for (int copied = 0; copied < 2; copied++) {
		struct sockaddr_in addr;
		int fd, copy = -1;

		CHECK_EQ(close(bound_socket(&addr)), 0);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (copied)
			copy = dup(fd);
		CHECK_ERR(connect(fd, (void *)&addr, sizeof addr),
			  ECONNREFUSED);
		CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
		CHECK_ERR(connect(fd, (void *)16, sizeof addr), EFAULT);
		CHECK_EQ(close(fd), 0);
		if (copied)
			CHECK_EQ(close(copy), 0);
	}
}

/* A listener that takes no more connections: connecting to it takes long. */
static int busy_listener(struct sockaddr_in *addr, int fillers[4])
{
	int fd = new_listener(addr);

	CHECK_EQ(listen(fd, 0), 0);
	for (int i = 0; i < 4; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fillers[i], (void *)addr, sizeof *addr);
	}
	settle();
	return fd;
}

TEST(a_connect_that_takes_long_ends_with_its_scope)
{
	for (int copied = 0; copied < 2; copied++) {
		struct ramet *ticker = start_ticker();
		struct timeval limit = {0, 20000};
		struct sockaddr_in addr;
		int open_before = open_fds();
		int fillers[4], listener = busy_listener(&addr, fillers);
		int fd = socket(AF_INET, SOCK_STREAM, 0), copy = -1;
		int before = ticks;

		if (copied)
			copy = dup(fd);
		RAMET_WITHIN(30 * RAMET_MS)
			CHECK_ERR(connect(fd, (void *)&addr, sizeof addr),
				  ETIMEDOUT);
		CHECK(ticks > before);
		CHECK_EQ(close(fd), 0);
		if (copied)
			CHECK_EQ(close(copy), 0);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
				    sizeof limit),
			 0);
		LIVELY
			CHECK_ERR(connect(fd, (void *)&addr, sizeof addr),
				  EINPROGRESS);
		CHECK_EQ(close(fd), 0);
		for (int i = 0; i < 4; i++)
			CHECK_EQ(close(fillers[i]), 0);
		CHECK_EQ(close(listener), 0);
		while (open_fds() > open_before) /* a helper's duplicate */
			settle();
		stop_ticker(ticker);
	}
}

TEST(connect_obeys_O_NONBLOCK)
{
	struct sockaddr_in addr;
	int fillers[4], listener = busy_listener(&addr, fillers);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	CHECK_ERR(connect(fd, (void *)&addr, sizeof addr), EINPROGRESS);
	CHECK_ERR(connect(fd, (void *)&addr, sizeof addr), EALREADY);
	CHECK_EQ(close(fd), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(close(fillers[i]), 0);
	CHECK_EQ(close(listener), 0);
}

TEST(a_full_unix_listener_is_waited_for)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fds[3];
	struct call c = {.fd = listener};
	struct ramet *t;

	snprintf(addr.sun_path, sizeof addr.sun_path, "%s/s", test_dir());
	CHECK_EQ(bind(listener, (void *)&addr, sizeof addr), 0);
	CHECK_EQ(listen(listener, 0), 0);
	for (int i = 0; i < 3; i++)
		fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(connect(fds[0], (void *)&addr, sizeof addr), 0);
	RAMET_WITHIN(30 * RAMET_MS)
		CHECK_ERR(connect(fds[1], (void *)&addr, sizeof addr),
			  ETIMEDOUT);
	t = spawn(accept_call, &c);
	LIVELY
		CHECK_EQ(connect(fds[2], (void *)&addr, sizeof addr), 0);
	join(t);
	CHECK_EQ(close((int)c.result), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(close(fds[i]), 0);
	CHECK_EQ(close(listener), 0);
}
