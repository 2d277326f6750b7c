/* What ends a call of the socket group: time limits, scopes, signals. */
#include "replaced.h"
#include "ticker.h"

#include "patch/thread/thread.h"

TEST_SEES_EINTR;

enum { MUCH = 8 << 20 };

/* ---- SO_RCVTIMEO, SO_SNDTIMEO ------------------------------------------- */

static void set_limit(int fd, int name, int ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	CHECK_EQ(setsockopt(fd, SOL_SOCKET, name, &tv, sizeof tv), 0);
}

TEST(SO_RCVTIMEO_ends_a_read)
{
	struct ramet *ticker = start_ticker();

	for (int i = 0; i < SOCKETS; i++) {
		int fds[2], copy, before = ticks;
		int64_t start = ramet_now();
		char c;

		makers[i](fds);
		copy = dup(fds[0]);
		set_limit(fds[0], SO_RCVTIMEO, 30);
		LIVELY
			CHECK_ERR(recv(fds[0], &c, 1, 0), EAGAIN);
		CHECK(ramet_now() - start >= 30 * RAMET_MS);
		CHECK(ticks > before);
		LIVELY
			CHECK_ERR(read(copy, &c, 1), EAGAIN);
		CHECK(ramet_now() - start >= 60 * RAMET_MS);
		CHECK_EQ(send(fds[1], "x", 1, 0), 1);
		CHECK_EQ(recv(fds[0], &c, 1, 0), 1);
		RAMET_WITHIN(5 * RAMET_MS)
			CHECK_ERR(recv(fds[0], &c, 1, MSG_PEEK), ETIMEDOUT);
		CHECK_EQ(close(copy), 0);
		end_pair(fds);
	}
	stop_ticker(ticker);
}

TEST(an_accepted_socket_has_the_limits_of_its_listener)
{
	struct sockaddr_in addr;
	int listener = new_listener(&addr), fds[2];
	char c;

	set_limit(listener, SO_RCVTIMEO, 20);
	LIVELY
		CHECK_ERR(accept(listener, NULL, NULL), EAGAIN);
	fds[0] = connected_to(&addr);
	fds[1] = accept(listener, NULL, NULL);
	LIVELY
		CHECK_ERR(recv(fds[1], &c, 1, 0), EAGAIN);
	set_limit(fds[1], SO_RCVTIMEO, 0);
	RAMET_WITHIN(40 * RAMET_MS)
		CHECK_ERR(recv(fds[1], &c, 1, 0), ETIMEDOUT);
	end_pair(fds);
	CHECK_EQ(close(listener), 0);
}

TEST(SO_SNDTIMEO_ends_a_write_with_what_went_out)
{
	for (int i = 0; i < STREAMS; i++) {
		char *buf = made(calloc(1, MUCH));
		int fds[2];
		long n;

		makers[i](fds);
		set_limit(fds[1], SO_SNDTIMEO, 30);
		n = write(fds[1], buf, MUCH);
		CHECK(n > 0 && n < MUCH);
		keep_full(fds[1]);
		while (send(fds[1], buf, MUCH, MSG_DONTWAIT) > 0)
			;
		CHECK_ERR(write(fds[1], buf, MUCH), EAGAIN);
		end_pair(fds);
		free(buf);
	}
}

/* ---- scopes and cancel -------------------------------------------------- */

/* What is left of a stream is of no use; a packet is whole or not there. */
TEST(a_scope_that_ends_a_call_ends_the_stream)
{
	for (int i = 0; i < SOCKETS; i++) {
		int fds[2];
		char c;

		makers[i](fds);
		RAMET_WITHIN(10 * RAMET_MS) {
			CHECK_ERR(recv(fds[0], &c, 1, 0), ETIMEDOUT);
			CHECK_ERR(recv(fds[0], &c, 1, 0), ETIMEDOUT);
		}
		if (i < STREAMS) {
			CHECK_EQ(recv(fds[0], &c, 1, 0), 0);
			CHECK_EQ(recv(fds[1], &c, 1, 0), 0);
			CHECK_ERR(send(fds[0], &c, 1, MSG_NOSIGNAL), EPIPE);
		} else {
			CHECK_EQ(send(fds[1], "x", 1, 0), 1);
			CHECK_EQ(recv(fds[0], &c, 1, 0), 1);
		}
		end_pair(fds);
	}
}

TEST(cancel_ends_a_call_and_the_stream)
{
	FOR_EACH_MAKER(i)
	{
		struct call c = {0};
		struct ramet *t;
		int fds[2];

		makers[i](fds);
		c.fd = fds[0];
		t = spawn(read_call, &c);
		settle();
		CHECK_EQ(ramet_cancel(t), 0);
		check_failed(t, &c, ECANCELED);
		if (i < STREAMS)
			LIVELY
				CHECK_EQ(read(fds[1], c.few, 1), 0);
		end_pair(fds);
	}
}

/* A scope around a peer that never stops talking ends it too; but standard
 * error is heard of. */
TEST(an_expired_scope_ends_calls_that_need_not_wait_on_sockets_only)
{
	FOR_EACH_MAKER(i)
	{
		int fds[2];
		char c;

		makers[i](fds);
		CHECK_EQ(write(fds[1], "xyz", 3), 3);
		RAMET_WITHIN(0) {
			if (i < SOCKETS) {
				CHECK_ERR(read(fds[0], &c, 1), ETIMEDOUT);
			} else {
				CHECK_EQ(read(fds[0], &c, 1), 1);
				CHECK_EQ(write(fds[1], "x", 1), 1);
			}
			CHECK_EQ(close(fds[0]), 0);
		}
		CHECK_EQ(close(fds[1]), 0);
	}
}

/* ---- signals ------------------------------------------------------------ */

TEST(a_signal_ends_a_wait_with_EINTR)
{
	FOR_EACH_MAKER(i)
	{
		struct call c = {0};
		struct ramet *t;
		int fds[2];

		makers[i](fds);
		c.fd = fds[0];
		t = spawn(read_call, &c);
		settle();
		CHECK(ramet__interrupt(t));
		check_failed(t, &c, EINTR);
		CHECK(!ramet__interrupt(t));
		CHECK_EQ(write(fds[1], "x", 1), 1);
		CHECK_EQ(read(fds[0], c.few, 1), 1);
		end_pair(fds);
	}
}

/* A thread whose handler was installed with SA_RESTART, or was not. */
static void restart(bool restarts, bool limited)
{
	struct call c = {0};
	struct thread thread = {.handled_fails = !restarts};
	struct ramet *t;
	int fds[2];

	tcp(fds);
	if (limited)
		set_limit(fds[0], SO_RCVTIMEO, 5000);
	c.fd = fds[0];
	t = spawn(read_call, &c);
	thread.ramet = t;
	t->cold->thread = &thread;
	settle();
	CHECK(ramet__interrupt(t));
	settle();
	if (restarts && !limited) {
		CHECK_EQ(c.error, 0);       /* not back */
		CHECK(ramet__interrupt(t)); /* once more */
		settle();
		CHECK_EQ(write(fds[1], "x", 1), 1);
		while (c.result == 0)
			settle();
		CHECK_EQ(c.result, 1);
	} else {
		CHECK_EQ(c.result, -1);
		CHECK_EQ(c.error, EINTR);
	}
	t->cold->thread = NULL;
	join(t);
	end_pair(fds);
}

TEST(a_call_goes_on_after_SA_RESTART_unless_it_has_a_limit)
{
	restart(false, false);
	restart(true, false);
	restart(true, true);
}

TEST(an_interrupted_write_says_how_much_went_out)
{
	FOR_EACH_STREAM(i)
	{
		struct call c = {.size = MUCH, .buf = made(calloc(1, MUCH))};
		struct ramet *t;
		int fds[2];

		makers[i](fds);
		c.fd = fds[1];
		t = spawn(write_call, &c);
		settle();
		CHECK(ramet__interrupt(t));
		join(t);
		CHECK(c.result > 0 && c.result < MUCH);
		end_pair(fds);
		free(c.buf);
	}
}

TEST(accept_and_connect_end_with_EINTR)
{
	for (int shared = 0; shared < 2; shared++) {
		struct sockaddr_in addr;
		struct call c = {.fd = (shared ? new_shared_listener
					       : new_listener)(&addr)};
		struct ramet *t;
		int fds[2];

		t = spawn(accept_call, &c);
		settle();
		CHECK(ramet__interrupt(t));
		check_failed(t, &c, EINTR);
		fds[0] = connected_to(&addr);
		fds[1] = accept(c.fd, NULL, NULL);
		CHECK(fds[1] >= 0);
		end_pair(fds);
		CHECK_EQ(close(c.fd), 0);
	}
}

/* The native calls never end so. */
static void *native_read(void *p)
{
	struct call *c = p;

	c->result = ramet_read(c->fd, c->few, 1);
	return NULL;
}

TEST(a_signal_does_not_end_a_native_call)
{
	struct call c = {0};
	struct ramet *t;
	int fds[2];

	tcp(fds);
	c.fd = fds[0];
	t = spawn(native_read, &c);
	settle();
	CHECK(!ramet__interrupt(t));
	CHECK_EQ(write(fds[1], "x", 1), 1);
	join(t);
	CHECK_EQ(c.result, 1);
	end_pair(fds);
}

/* ---- events ------------------------------------------------------------- */

TEST(eventfd_and_timerfd_wait)
{
	struct itimerspec soon = {.it_value = {0, 20000000}};
	struct call c = {.fd = eventfd(0, 0)};
	struct ramet *t = spawn(read_call, &c);
	uint64_t n[1] = {5};
	int timer;

	settle();
	CHECK_EQ(write(c.fd, n, sizeof n), 8);
	join(t);
	CHECK_EQ(c.result, 8);
	memcpy(n, c.few, 8);
	CHECK_EQ(n[0], 5);
	CHECK_EQ(close(c.fd), 0);
	c.fd = eventfd(0, EFD_NONBLOCK);
	CHECK_ERR(read(c.fd, n, 8), EAGAIN);
	CHECK_EQ(close(c.fd), 0);
	timer = timerfd_create(CLOCK_MONOTONIC, 0);
	CHECK_EQ(timerfd_settime(timer, 0, &soon, NULL), 0);
	CHECK_EQ(read(timer, n, 8), 8);
	CHECK_EQ(close(timer), 0);
}

TEST(a_close_that_lingers_lets_others_run)
{
	struct ramet *ticker = start_ticker();
	struct linger linger = {1, 1};
	int fds[2], before = ticks;

	tcp(fds);
	fill(fds[0]);
	CHECK_EQ(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &linger,
			    sizeof linger),
		 0);
	close(fds[0]);
	CHECK(ticks > before + 100);
	CHECK_EQ(close(fds[1]), 0);
	stop_ticker(ticker);
}
