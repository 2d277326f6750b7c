/* Numbers under the socket group: closed, reused, duplicated, and the runtime's
 * own among them. */
#include "fds.h"
#include "replaced.h"

#include <sys/syscall.h>

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
		CHECK_ERR(ioctl(number, FIONCLEX), EBADF);
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
