/* Numbers under the socket group: closed, reused, duplicated, accepted,
 * connected, and the runtime's own among them. */
#include "fds.h"
#include "replaced.h"
#include "rings.h"
#include "ticker.h"

#include <sys/prctl.h>
#include <sys/wait.h>

/* ---- close and duplicate under a waiter --------------------------------- */

TEST(a_close_wakes_whoever_waits)
{
	FOR_EACH_MAKER(i)
	{
		struct call c[2] = {0};
		struct ramet *ts[2];
		int fds[2];

		makers[i](fds);
		for (int k = 0; k < 2; k++) {
			c[k].fd = fds[0];
			ts[k] = spawn(read_call, &c[k]);
		}
		settle();
		CHECK_EQ(close(fds[0]), 0);
		for (int k = 0; k < 2; k++)
			check_failed(ts[k], &c[k], EBADF);
		CHECK_ERR(close(fds[0]), EBADF);
		CHECK_EQ(close(fds[1]), 0);
	}
}

TEST(a_close_wakes_an_accept)
{
	struct sockaddr_in addr;
	struct call c = {.fd = new_listener(&addr)};
	struct ramet *t = spawn(accept_call, &c);

	settle();
	CHECK_EQ(close(c.fd), 0);
	check_failed(t, &c, EBADF);
}

/* In every way a number can come to mean something else: the old waiter hears
 * of it and the new one gets its bytes. */
TEST(a_number_reused_never_reaches_the_old_waiter)
{
	FOR_EACH_MAKER(i)
	for (int how = 0; how < 3; how++) {
		struct call old = {0}, new = {0};
		struct ramet *t, *u;
		int fds[2], again[2];

		makers[i](fds);
		makers[(i + 1) % MAKERS](again);
		old.fd = new.fd = fds[0];
		t = spawn(read_call, &old);
		settle();
		if (how == 0) {
			CHECK_EQ(dup2(again[0], fds[0]), fds[0]);
		} else if (how == 1) {
			CHECK_EQ(dup3(again[0], fds[0], O_CLOEXEC), fds[0]);
		} else {
			CHECK_EQ(close(fds[0]), 0);
			CHECK_EQ(fcntl(again[0], F_DUPFD, fds[0]), fds[0]);
		}
		u = spawn(read_call, &new);
		CHECK_EQ(write(again[1], "mine", 4), 4);
		check_failed(t, &old, EBADF);
		join(u);
		CHECK_EQ(new.result, 4);
		end_pair(fds);
		end_pair(again);
	}
}

/* Not every close can be seen; but what comes anew is. */
TEST(a_number_closed_behind_our_back_is_known_anew)
{
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < STREAMS; i++) {
			struct call c = {0};
			struct ramet *t;
			int fds[2];

			makers[i](fds);
			c.fd = fds[0];
			t = spawn(read_call, &c);
			settle();
			CHECK_EQ(write(fds[1], "x", 1), 1);
			join(t);
			CHECK_EQ(c.result, 1);
			CHECK_EQ(syscall(SYS_close, fds[0]), 0);
			CHECK_EQ(syscall(SYS_close, fds[1]), 0);
		}
}

TEST(without_every_close_seen_registrations_are_renewed)
{
	ramet__closes_seen = kernel_guards = false;
	for (int round = 0; round < 3; round++)
		FOR_EACH_MAKER(i)
		{
			struct call c = {0};
			struct ramet *t;
			int fds[2];

			makers[i](fds);
			c.fd = fds[0];
			for (int k = 0; k < 2; k++) {
				t = spawn(read_call, &c);
				settle();
				CHECK_EQ(write(fds[1], "x", 1), 1);
				join(t);
				CHECK_EQ(c.result, 1);
			}
			CHECK_EQ(syscall(SYS_close, fds[0]), 0);
			CHECK_EQ(syscall(SYS_close, fds[1]), 0);
		}
}

TEST(a_duplicate_shares_flags_and_limits)
{
	FOR_EACH_MAKER(i)
	{
		int fds[2], copy;
		char c;

		makers[i](fds);
		copy = dup(fds[0]);
		CHECK_EQ(fcntl(copy, F_SETFL, O_RDWR | O_NONBLOCK), 0);
		CHECK_ERR(read(fds[0], &c, 1), EAGAIN);
		CHECK_ERR(read(copy, &c, 1), EAGAIN);
		CHECK_EQ(fcntl(fds[0], F_SETFL, O_RDWR), 0);
		RAMET_WITHIN(10 * RAMET_MS)
			CHECK_ERR(read(copy, &c, 1), ETIMEDOUT);
		CHECK_EQ(close(copy), 0);
		end_pair(fds);
	}
}

TEST(a_failed_dup2_leaves_the_target_alone)
{
	struct call c = {0};
	struct ramet *t;
	int fds[2];

	tcp(fds);
	c.fd = fds[0];
	t = spawn(read_call, &c);
	settle();
	CHECK_ERR(dup2(5000, fds[0]), EBADF);
	CHECK_ERR(dup3(fds[0], fds[0], 0), EINVAL);
	CHECK_EQ(dup2(fds[0], fds[0]), fds[0]);
	settle();
	CHECK_EQ(write(fds[1], "x", 1), 1);
	join(t);
	CHECK_EQ(c.result, 1);
	end_pair(fds);
}

/* ---- ranges, and our own ------------------------------------------------ */

static void start_waiting(struct call *c, struct ramet **t, int fd)
{
	*c = (struct call){.fd = fd};
	*t = spawn(read_call, c);
	settle();
}

static void check_works(void)
{
	struct call c;
	struct ramet *t;
	int fds[2];

	tcp(fds);
	start_waiting(&c, &t, fds[0]);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	join(t);
	CHECK_EQ(c.result, 1);
	end_pair(fds);
}

TEST(a_program_that_closes_everything_goes_on)
{
	for (int how = 0; how < 3; how++) {
		struct call c;
		struct ramet *t;
		int fds[2];

		check_works();
		tcp(fds);
		start_waiting(&c, &t, fds[0]);
		CHECK(kernel_guarded_from(0) >= 200);
		if (how == 0)
			CHECK_EQ(close_range(3, UINT_MAX, 0), 0);
		else if (how == 1)
			closefrom(3);
		else
			for (int fd = 3; fd < 2000; fd++)
				close(fd);
		check_failed(t, &c, EBADF);
		CHECK_ERR(close(fds[1]), EBADF);
		check_works();
	}
}

TEST(our_own_cannot_be_closed_and_move_when_asked_for)
{
	for (int round = 0; round < 2; round++) {
		int number, fds[2], moved = 0;
		struct call c;
		struct ramet *t;

		check_works();
		tcp(fds);
		start_waiting(&c, &t, fds[0]);
		while ((number = kernel_guarded_from(moved)) >= 0 &&
		       moved < 1000) {
			CHECK_ERR(close(number), EBADF);
			CHECK_EQ(dup2(fds[1], number), number);
			CHECK(!kernel_is_guarded(number));
			CHECK_EQ(close(number), 0);
			moved = number + 1;
		}
		CHECK(moved);
		CHECK_EQ(write(fds[1], "x", 1), 1);
		join(t);
		CHECK_EQ(c.result, 1);
		end_pair(fds);
		check_works();
	}
}

/* Shells ask whether a number is in use before they redirect to it, and put
 * what was there back later. */
TEST(our_own_are_free_numbers_to_the_program)
{
	int moved = 0, number, free_one = dup(0);

	check_works();
	CHECK_EQ(close(free_one), 0);
	while ((number = kernel_guarded_from(moved)) >= 0) {
		CHECK_ERR(fcntl(number, F_GETFD), EBADF);
		CHECK_ERR(fcntl(number, F_SETFD, 0), EBADF);
		CHECK_ERR(fcntl(number, F_DUPFD, 10), EBADF);
		CHECK_ERR(dup(number), EBADF);
		CHECK_ERR(dup2(number, free_one), EBADF);
		CHECK_ERR(dup2(number, number), EBADF);
		CHECK_ERR(dup3(number, free_one, O_CLOEXEC), EBADF);
		CHECK_ERR(dup3(number, number, 0), EINVAL);
		moved = number + 1;
	}
	CHECK(moved);
	CHECK_ERR(syscall(SYS_fcntl, free_one, F_GETFD), EBADF);
	check_works();
}

TEST(ranges_that_are_none)
{
	CHECK_ERR(close_range(5, 4, 0), EINVAL);
	CHECK_ERR(close_range(3, 4, 1 << 20), EINVAL);
	CHECK_EQ(close_range(5000, UINT_MAX, 0), 0);
	check_works();
}

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

/* Where the kernel cannot be asked to complete a call, a helper that another
 * process was faster than waits for the next connection, and its ramet with it.
 */
static void need_a_ring(void)
{
#ifndef RAMET_URING
	test_skip("built without liburing");
#endif
}

/* Each takes what it can get; neither waits with all its ramets for what the
 * other took. */
TEST(two_processes_share_a_listener)
{
	enum { N = 40 };
	struct sockaddr_in addr;
	int listener, fd, status;
	pid_t child;

	need_a_ring();
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
		CHECK_ERR(connect(fd, (void *)&addr, sizeof addr), EINPROGRESS);
		CHECK_EQ(close(fd), 0);
		for (int i = 0; i < 4; i++)
			CHECK_EQ(close(fillers[i]), 0);
		CHECK_EQ(close(listener), 0);
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
	CHECK_EQ(connect(fds[2], (void *)&addr, sizeof addr), 0);
	join(t);
	CHECK_EQ(close((int)c.result), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(close(fds[i]), 0);
	CHECK_EQ(close(listener), 0);
}
