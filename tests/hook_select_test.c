/* poll, select and epoll_wait under the patch. */
#include "hooked.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct pollfd in(int fd)
{
	return (struct pollfd){fd, POLLIN, 0};
}

static int64_t now(void)
{
	return kernel_now();
}

static struct ramet *write_byte_later(struct byte_later *b)
{
	return spawn(write_later, b);
}

/* ---- poll --------------------------------------------------------------- */

TEST(what_is_ready_costs_one_system_call)
{
	struct pollfd p;
	int fds[2];
	int64_t calls;

	find_libc();
	foreign_pair(fds);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	p = in(fds[0]);
	calls = system_calls();
	for (int i = 0; i < 10; i++)
		CHECK_EQ(HOOK(poll)(&p, 1, -1), 1);
	check_calls(calls, 10);
	CHECK_EQ(p.revents, POLLIN);
	close_pair(fds);
}

TEST(poll_waits_for_one_of_many)
{
	enum { PAIRS = 20 };
	struct pollfd p[PAIRS];
	int fds[PAIRS][2];
	char c;

	find_libc();
	for (int i = 0; i < PAIRS; i++) {
		(i % 2 ? foreign_pair : foreign_pipe)(fds[i]);
		p[i] = in(fds[i][0]);
	}
	for (int count = 1; count <= PAIRS; count++) {
		int last = count - 1;
		struct byte_later b = {fds[last][1], RAMET_MS};
		struct ramet *t = write_byte_later(&b);

		CHECK_EQ(HOOK(poll)(p, (nfds_t)count, -1), 1);
		for (int i = 0; i < count; i++)
			CHECK_EQ(p[i].revents, i == last ? POLLIN : 0);
		CHECK_EQ(read(fds[last][0], &c, 1), 1);
		join(t);
	}
	for (int i = 0; i < PAIRS; i++)
		close_pair(fds[i]);
}

TEST(poll_ends_after_its_time)
{
	struct timespec t = ns_to_timespec(5 * RAMET_MS), negative = {-1, 0};
	struct pollfd p;
	int64_t start;
	int fds[2];

	find_libc();
	foreign_pair(fds);
	p = in(fds[0]);
	p.revents = 77;
	start = now();
	CHECK_EQ(HOOK(poll)(&p, 1, 5), 0);
	CHECK(now() - start >= 5 * RAMET_MS);
	CHECK_EQ(p.revents, 0);
	start = now();
	CHECK_EQ(HOOK(ppoll)(&p, 1, &t, NULL), 0);
	CHECK(now() - start >= 5 * RAMET_MS);
	CHECK_EQ(t.tv_nsec, 5 * RAMET_MS);
	start = now();
	CHECK_EQ(HOOK(poll)(NULL, 0, 5), 0); /* a sleep */
	CHECK(now() - start >= 5 * RAMET_MS);
	CHECK_EQ(HOOK(poll)(&p, 1, 0), 0);
	CHECK_ERR(HOOK(ppoll)(&p, 1, &negative, NULL), EINVAL);
	t = (struct timespec){0, 1000000000};
	CHECK_ERR(HOOK(ppoll)(&p, 1, &t, NULL), EINVAL);
	close_pair(fds);
}

TEST(a_number_may_come_twice_or_not_be_open)
{
	struct pollfd p[4];
	struct byte_later b;
	struct ramet *t;
	int fds[2];

	find_libc();
	foreign_pair(fds);
	p[0] = in(fds[0]);
	p[1] = (struct pollfd){fds[0], POLLIN | POLLOUT, 0};
	p[2] = in(fds[0]);
	p[3] = in(-5);
	p[3].revents = 77;
	CHECK_EQ(HOOK(poll)(p, 4, -1), 1);
	CHECK_EQ(p[1].revents, POLLOUT);
	CHECK_EQ(p[3].revents, 0);
	p[1] = in(fds[0]);
	b = (struct byte_later){fds[1], RAMET_MS};
	t = write_byte_later(&b);
	CHECK_EQ(HOOK(poll)(p, 4, -1), 3);
	join(t);
	p[0].fd = 999;
	p[1].fd = INT32_MAX;
	CHECK_EQ(HOOK(poll)(p, 2, -1), 2);
	CHECK_EQ(p[0].revents, POLLNVAL);
	CHECK_EQ(p[1].revents, POLLNVAL);
	close_pair(fds);
}

TEST(more_than_a_thousand_descriptors)
{
	enum { COUNT = 3000 };
	struct pollfd *p = made(calloc(COUNT, sizeof *p));
	struct byte_later b;
	struct ramet *t;
	int fds[2];

	find_libc();
	foreign_pair(fds);
	for (int i = 0; i < COUNT; i++)
		p[i] = in(i % 2 ? fds[0] : -1);
	b = (struct byte_later){fds[1], RAMET_MS};
	t = write_byte_later(&b);
	CHECK_EQ(HOOK(poll)(p, COUNT, -1), COUNT / 2);
	join(t);
	close_pair(fds);
	CHECK_ERR(HOOK(poll)(p, UINT32_MAX, -1), EINVAL);
	free(p);
}

TEST(the_peers_half_close_and_urgent_data)
{
	struct pollfd p;
	int fds[2];

	find_libc();
	tcp_pair(fds);
	p = (struct pollfd){fds[0], POLLPRI | POLLRDHUP, 0};
	CHECK_EQ(HOOK(poll)(&p, 1, 2), 0);
	CHECK_EQ(send(fds[1], "!", 1, MSG_OOB), 1);
	CHECK_EQ(HOOK(poll)(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLPRI);
	p.events = POLLRDHUP;
	CHECK_EQ(HOOK(poll)(&p, 1, 2), 0);
	CHECK_EQ(shutdown(fds[1], SHUT_WR), 0);
	CHECK_EQ(HOOK(poll)(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLRDHUP);
	close_pair(fds);
}

TEST(files_are_always_ready)
{
	struct pollfd p;

	find_libc();
	p = in(open("/etc/passwd", O_RDONLY));
	CHECK(p.fd >= 0);
	CHECK_EQ(HOOK(poll)(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLIN);
	p.events = 0; /* nothing was asked */
	CHECK_EQ(HOOK(poll)(&p, 1, 2), 0);
	close(p.fd);
}

/* What one does not ask for neither ends the wait nor keeps the loop busy. */
TEST(data_is_no_room)
{
	struct timespec t0, t1;
	struct pollfd p;
	int fds[2];

	find_libc();
	foreign_pair(fds);
	fill(fds[0]);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	p = (struct pollfd){fds[0], POLLOUT, 0};
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	CHECK_EQ(HOOK(poll)(&p, 1, 300), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	CHECK((t1.tv_sec - t0.tv_sec) * RAMET_SEC + t1.tv_nsec - t0.tv_nsec <
	      150 * RAMET_MS);
	close_pair(fds);
}

static void *drain(void *fd)
{
	static char buf[65536];

	settle();
	while (recv(*(int *)fd, buf, sizeof buf, MSG_DONTWAIT) > 0)
		;
	return NULL;
}

TEST(poll_waits_for_room)
{
	struct pollfd p;
	struct ramet *t;
	int fds[2];

	find_libc();
	foreign_pair(fds);
	fill(fds[0]);
	p = (struct pollfd){fds[0], POLLOUT, 0};
	CHECK_EQ(HOOK(poll)(&p, 1, 2), 0);
	t = spawn(drain, &fds[1]);
	CHECK_EQ(HOOK(poll)(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLOUT);
	join(t);
	close_pair(fds);
}

/* ---- what ends a wait --------------------------------------------------- */

struct waiter {
	int fd, many, result, error;
	short revents;
};

static void *wait_in_poll(void *p)
{
	struct waiter *w = p;
	struct pollfd fds[20];

	for (int i = 0; i < 20; i++)
		fds[i] = in(w->fd);
	w->result = HOOK(poll)(fds, w->many ? 20 : 1, -1);
	w->error = errno;
	w->revents = fds[0].revents;
	return NULL;
}

TEST(a_signal_or_cancel_ends_poll)
{
	int fds[2];

	find_libc();
	foreign_pair(fds);
	for (int how = 0; how < 4; how++) {
		struct waiter w = {.fd = fds[0], .many = how / 2};
		struct ramet *t = spawn(wait_in_poll, &w);

		settle();
		if (how % 2)
			CHECK_EQ(ramet_cancel(t), 0);
		else
			interrupt(t);
		join(t);
		CHECK_EQ(w.result, -1);
		CHECK_EQ(w.error, how % 2 ? ECANCELED : EINTR);
	}
	close_pair(fds);
}

TEST(the_end_of_the_scope_ends_poll)
{
	struct pollfd p;
	int fds[2];

	find_libc();
	foreign_pair(fds);
	p = in(fds[0]);
	RAMET_WITHIN(2 * RAMET_MS) {
		CHECK_ERR(HOOK(poll)(&p, 1, -1), ETIMEDOUT);
		CHECK_ERR(HOOK(poll)(&p, 1, 10000), ETIMEDOUT);
		CHECK_EQ(HOOK(poll)(&p, 1, 0), 0);
	}
	RAMET_WITHIN(10 * RAMET_SEC) {
		CHECK_EQ(HOOK(poll)(&p, 1, 2), 0);
		CHECK_EQ(ramet_sleep(0), 0);
	}
	close_pair(fds);
}

/* Two ends of a TCP connection. */
static void connection(int fds[2])
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t size = sizeof addr;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_EQ(bind(listener, (void *)&addr, sizeof addr), 0);
	CHECK_EQ(listen(listener, 1), 0);
	CHECK_EQ(getsockname(listener, (void *)&addr, &size), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_EQ(connect(fds[0], (void *)&addr, sizeof addr), 0);
	fds[1] = accept(listener, NULL, NULL);
	CHECK(fds[1] >= 0);
	CHECK_EQ(close(listener), 0);
}

TEST(the_end_of_the_scope_hangs_up_the_connection_that_is_polled)
{
	struct pollfd p[2];
	int fds[2], pair[2];
	char c;

	find_libc();
	connection(fds);
	foreign_pair(pair);
	p[0] = in(pair[0]);
	p[1] = in(fds[0]);
	RAMET_WITHIN(2 * RAMET_MS)
		CHECK_EQ(HOOK(poll)(p, 2, -1), 1);
	CHECK_EQ(p[0].revents, 0);
	CHECK(p[1].revents & POLLHUP);
	CHECK_EQ(read(fds[1], &c, 1), 0);
	CHECK_EQ(write(pair[1], "x", 1), 1);
	CHECK_EQ(HOOK(poll)(p, 1, 0), 1);
	close_pair(pair);
	close_pair(fds);
}

TEST(the_end_of_the_scope_hangs_up_the_connection_that_is_selected)
{
	fd_set set;
	int fds[2];
	char c;

	find_libc();
	connection(fds);
	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	RAMET_WITHIN(2 * RAMET_MS)
		CHECK_EQ(HOOK(select)(fds[0] + 1, &set, NULL, NULL, NULL), 1);
	CHECK(FD_ISSET(fds[0], &set));
	CHECK_EQ(read(fds[1], &c, 1), 0);
	close_pair(fds);
}

TEST(the_end_of_the_scope_leaves_a_listener)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t size = sizeof addr;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	struct pollfd p = in(listener);

	find_libc();
	CHECK_EQ(listen(listener, 1), 0);
	CHECK_EQ(getsockname(listener, (void *)&addr, &size), 0);
	RAMET_WITHIN(2 * RAMET_MS)
		CHECK_ERR(HOOK(poll)(&p, 1, -1), ETIMEDOUT);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_EQ(connect(fd, (void *)&addr, sizeof addr), 0);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(close(listener), 0);
}

TEST(a_closed_number_is_reported)
{
	int fds[2];

	find_libc();
	for (int many = 0; many < 2; many++) {
		struct waiter w = {.many = many};
		struct ramet *t;

		foreign_pair(fds);
		w.fd = fds[0];
		t = spawn(wait_in_poll, &w);
		settle();
		CHECK_EQ(ramet_close(fds[0]), 0);
		join(t);
		CHECK_EQ(w.result, many ? 20 : 1);
		CHECK_EQ(w.revents, POLLNVAL);
		CHECK_EQ(ramet_close(fds[1]), 0);
	}
}

/* Woken for nothing and sent a signal before it can run: that must not wait for
 * the next one. */
TEST(a_signal_to_who_is_ready_is_not_missed)
{
	struct thread thread = {0};
	struct waiter w = {0};
	struct ramet *t;
	int fds[2];

	find_libc();
	foreign_pair(fds);
	w.fd = fds[0];
	t = spawn(wait_in_poll, &w);
	t->cold->thread = &thread;
	thread.ramet = t;
	settle();
	CHECK_EQ(t->state, STATE_PARKED);
	ramet__wake(t, 0);
	CHECK(!ramet__interrupt(t));
	thread.asked = true;
	join(t);
	CHECK_EQ(w.result, -1);
	CHECK_EQ(w.error, EINTR);
	close_pair(fds);
}

TEST(errno_is_kept)
{
	struct timeval zero = {0, 0};
	struct epoll_event e;
	struct pollfd p;
	int fds[2], ep;

	find_libc();
	foreign_pair(fds);
	ep = HOOK(epoll_create1)(EPOLL_CLOEXEC);
	p = in(fds[0]);
	errno = 42;
	CHECK_EQ(HOOK(poll)(&p, 1, 1), 0);
	CHECK_EQ(HOOK(select)(0, NULL, NULL, NULL, &zero), 0);
	CHECK_EQ(HOOK(epoll_wait)(ep, &e, 1, 1), 0);
	CHECK_EQ(errno, 42);
	close(ep);
	close_pair(fds);
}

/* ---- others run --------------------------------------------------------- */

TEST(polling_without_waiting_lets_others_run)
{
	struct timeval zero = {0, 0};
	struct epoll_event e;
	struct pollfd p;
	struct ramet *t;
	int fds[2], turns = 0, ep;

	find_libc();
	foreign_pair(fds);
	ep = HOOK(epoll_create1)(0);
	p = in(fds[0]);
	t = spawn(count_turns, &turns);
	for (int i = 1; i < 100; i += 3) {
		CHECK_EQ(HOOK(poll)(&p, 1, 0), 0);
		CHECK(turns >= i);
		CHECK_EQ(HOOK(select)(0, NULL, NULL, NULL, &zero), 0);
		CHECK(turns >= i + 1);
		CHECK_EQ(HOOK(epoll_wait)(ep, &e, 1, 0), 0);
		CHECK(turns >= i + 2);
	}
	CHECK_EQ(write(fds[1], "x", 1), 1);
	turns = 0;
	while (turns < 10) /* and what is always ready, now and then */
		CHECK_EQ(HOOK(poll)(&p, 1, -1), 1);
	CHECK_EQ(ramet_cancel(t), 0);
	join(t);
	close(ep);
	close_pair(fds);
}

static void *await_byte(void *fd)
{
	struct pollfd p = in(*(int *)fd);

	CHECK_EQ(HOOK(poll)(&p, 1, -1), 1);
	*(int *)fd = -1;
	return NULL;
}

/* Who waits for the outside is heard of, too. */
TEST(a_polling_loop_lets_events_in)
{
	struct pollfd never;
	struct ramet *t;
	int fds[2], fd;

	find_libc();
	foreign_pair(fds);
	fd = fds[0];
	t = spawn(await_byte, &fd);
	settle();
	CHECK_EQ(write(fds[1], "x", 1), 1);
	never = in(fds[1]);
	while (fd >= 0)
		CHECK_EQ(HOOK(poll)(&never, 1, 0), 0);
	join(t);
	close_pair(fds);
}

TEST(many_wait_at_once_on_one_thread)
{
	enum { MANY = 200 };
	struct ramet *ts[MANY];
	struct waiter w[MANY];
	int fds[2];

	find_libc();
	foreign_pair(fds);
	for (int i = 0; i < MANY; i++) {
		w[i] = (struct waiter){.fd = fds[0]};
		ts[i] = spawn(wait_in_poll, &w[i]);
	}
	settle();
	CHECK_EQ(write(fds[1], "x", 1), 1);
	for (int i = 0; i < MANY; i++) {
		join(ts[i]);
		CHECK_EQ(w[i].result, 1);
	}
	CHECK_EQ(os_threads(), 1);
	close_pair(fds);
}

/* ---- FORTIFY_SOURCE ----------------------------------------------------- */

static void overrun(void)
{
	struct pollfd p[2];
	struct timespec zero = {0, 0};

	find_libc();
	p[0] = p[1] = in(-1);
	CHECK_EQ(HOOK(__poll_chk)(p, 2, 0, sizeof p), 0);
	CHECK_EQ(HOOK(__ppoll_chk)(p, 2, &zero, NULL, sizeof p), 0);
	HOOK(__poll_chk)(p, 3, 0, sizeof p);
}

TEST(an_overrun_is_caught)
{
	char text[256];
	int status = test_stderr_of(overrun, text, sizeof text);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(strstr(text, "overflow"));
}

/* ---- signal masks ------------------------------------------------------- */

static sigset_t only(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	return set;
}

static void *look_at_mask(void *blocked)
{
	sigset_t set;

	CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	sigprocmask(SIG_SETMASK, NULL, &set);
	*(int *)blocked = sigismember(&set, SIGUSR1);
	return NULL;
}

TEST(the_mask_holds_during_the_wait)
{
	struct timespec limit = ns_to_timespec(5 * RAMET_MS);
	sigset_t usr1 = only(SIGUSR1), set;
	struct epoll_event e;
	int ep, blocked;

	find_libc();
	ep = HOOK(epoll_create1)(0);
	for (int how = 0; how < 4; how++) {
		struct ramet *t = spawn(look_at_mask, &blocked);

		blocked = -1;
		switch (how) {
		case 0:
			CHECK_EQ(HOOK(ppoll)(NULL, 0, &limit, &usr1), 0);
			break;
		case 1:
			CHECK_EQ(HOOK(pselect)(0, NULL, NULL, NULL, &limit,
					       &usr1),
				 0);
			break;
		case 2:
			CHECK_EQ(HOOK(epoll_pwait)(ep, &e, 1, 5, &usr1), 0);
			break;
		case 3:
			CHECK_EQ(HOOK(epoll_pwait2)(ep, &e, 1, &limit, &usr1),
				 0);
		}
		join(t);
		CHECK_EQ(blocked, 1);
		sigprocmask(SIG_SETMASK, NULL, &set);
		CHECK_EQ(sigismember(&set, SIGUSR1), 0);
	}
	close(ep);
}

/* ---- select ------------------------------------------------------------- */

static fd_set set_of(int fd)
{
	fd_set set;

	FD_ZERO(&set);
	if (fd >= 0)
		FD_SET(fd, &set);
	return set;
}

static bool is_empty(const fd_set *set)
{
	fd_set none = set_of(-1);

	return memcmp(set, &none, sizeof none) == 0;
}

TEST(select_waits_for_each_set)
{
	struct byte_later b;
	struct ramet *t;
	fd_set r, w, x;
	int fds[2];

	find_libc();
	tcp_pair(fds);
	r = w = x = set_of(fds[0]);
	CHECK_EQ(HOOK(select)(fds[0] + 1, &r, &w, &x, NULL), 1);
	CHECK(is_empty(&r) && FD_ISSET(fds[0], &w) && is_empty(&x));
	r = x = set_of(fds[0]);
	b = (struct byte_later){fds[1], RAMET_MS};
	t = write_byte_later(&b);
	CHECK_EQ(HOOK(select)(fds[0] + 1, &r, NULL, &x, NULL), 1);
	CHECK(FD_ISSET(fds[0], &r) && is_empty(&x));
	join(t);
	CHECK_EQ(send(fds[1], "!", 1, MSG_OOB), 1);
	await_bytes(fds[0], 1);
	r = w = x = set_of(fds[0]);
	CHECK_EQ(HOOK(select)(fds[0] + 1, &r, &w, &x, NULL), 3);
	CHECK(FD_ISSET(fds[0], &r) && FD_ISSET(fds[0], &w) &&
	      FD_ISSET(fds[0], &x));
	close_pair(fds);
}

/* The end of a stream is no urgent data, and must neither end the wait nor keep
 * the loop busy. */
TEST(an_end_is_to_be_read_but_not_urgent)
{
	struct timeval limit = {0, 300000};
	struct timespec t0, t1;
	fd_set r, x;
	int fds[2];

	find_libc();
	foreign_pipe(fds);
	close(fds[1]);
	x = set_of(fds[0]);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	CHECK_EQ(HOOK(select)(fds[0] + 1, NULL, NULL, &x, &limit), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	CHECK((t1.tv_sec - t0.tv_sec) * RAMET_SEC + t1.tv_nsec - t0.tv_nsec <
	      150 * RAMET_MS);
	CHECK(is_empty(&x));
	r = x = set_of(fds[0]);
	CHECK_EQ(HOOK(select)(fds[0] + 1, &r, NULL, &x, NULL), 1);
	CHECK(FD_ISSET(fds[0], &r));
	close(fds[0]);
}

TEST(select_says_what_is_left_of_its_time)
{
	struct timeval t = {0, 5000};
	struct timespec limit = ns_to_timespec(5 * RAMET_MS);
	struct byte_later b;
	struct ramet *w;
	int64_t start;
	fd_set r;
	int fds[2];

	find_libc();
	foreign_pair(fds);
	r = set_of(fds[0]);
	start = now();
	CHECK_EQ(HOOK(select)(fds[0] + 1, &r, NULL, NULL, &t), 0);
	CHECK(now() - start >= 5 * RAMET_MS);
	CHECK(t.tv_sec == 0 && t.tv_usec == 0);
	CHECK(is_empty(&r));

	t = (struct timeval){3600, 2500000};
	b = (struct byte_later){fds[1], 20 * RAMET_MS};
	w = write_byte_later(&b);
	r = set_of(fds[0]);
	CHECK_EQ(HOOK(select)(fds[0] + 1, &r, NULL, NULL, &t), 1);
	CHECK(t.tv_sec > 3000 && t.tv_sec <= 3602 && t.tv_usec < 1000000);
	CHECK(t.tv_sec < 3602 || t.tv_usec <= 480000);
	join(w);

	t = (struct timeval){5, 5}; /* nothing to wait for: unchanged */
	r = set_of(fds[0]);
	CHECK_EQ(HOOK(select)(fds[0] + 1, &r, NULL, NULL, &t), 1);
	CHECK(t.tv_sec == 5 && t.tv_usec == 5);

	r = set_of(fds[1]);
	CHECK_EQ(HOOK(pselect)(fds[1] + 1, &r, NULL, NULL, &limit, NULL), 0);
	CHECK_EQ(limit.tv_nsec, 5 * RAMET_MS);
	close_pair(fds);
}

TEST(select_without_descriptors_is_a_sleep)
{
	struct timeval t = {0, 5000};
	int64_t start;

	find_libc();
	start = now();
	CHECK_EQ(HOOK(select)(0, NULL, NULL, NULL, &t), 0);
	CHECK(now() - start >= 5 * RAMET_MS);
	CHECK(t.tv_sec == 0 && t.tv_usec == 0);
}

TEST(what_select_refuses)
{
	struct timeval t = {0, -1}, zero = {0, 0};
	struct timespec bad = {0, 1000000000};
	fd_set r, before;
	int fds[2];

	find_libc();
	foreign_pair(fds);
	r = set_of(fds[0]);
	CHECK_ERR(HOOK(select)(fds[0] + 1, &r, NULL, NULL, &t), EINVAL);
	t = (struct timeval){-1, 0};
	CHECK_ERR(HOOK(select)(fds[0] + 1, &r, NULL, NULL, &t), EINVAL);
	CHECK_ERR(HOOK(pselect)(fds[0] + 1, &r, NULL, NULL, &bad, NULL),
		  EINVAL);
	CHECK_ERR(HOOK(select)(-1, &r, NULL, NULL, &zero), EINVAL);
	CHECK(FD_ISSET(fds[0], &r));
	FD_SET(60, &r); /* far ones are not looked at */
	before = r;
	CHECK_ERR(HOOK(select)(61, &r, NULL, NULL, NULL), EBADF);
	CHECK_EQ(memcmp(&r, &before, sizeof r), 0);
	close_pair(fds);
}

struct selector {
	int fd, result, error;
	fd_set r;
	struct timeval t;
};

static void *wait_in_select(void *p)
{
	struct selector *s = p;

	s->r = set_of(s->fd);
	s->t = (struct timeval){3600, 0};
	s->result = HOOK(select)(s->fd + 1, &s->r, NULL, NULL, &s->t);
	s->error = errno;
	return NULL;
}

TEST(what_ends_select)
{
	struct selector s = {0};
	int fds[2];

	find_libc();
	foreign_pair(fds);
	for (int how = 0; how < 3; how++) {
		struct ramet *t;

		s.fd = fds[0];
		t = spawn(wait_in_select, &s);
		settle();
		if (how == 0)
			interrupt(t);
		else if (how == 1)
			CHECK_EQ(ramet_cancel(t), 0);
		else
			CHECK_EQ(ramet_close(fds[0]), 0);
		join(t);
		CHECK_EQ(s.result, -1);
		CHECK_EQ(s.error, how == 0   ? EINTR
				  : how == 1 ? ECANCELED
					     : EBADF);
		CHECK(FD_ISSET(s.fd, &s.r));
		CHECK(s.t.tv_sec < 3600 && s.t.tv_sec > 3000);
	}
	close(fds[1]);
}

TEST(sets_may_be_longer_than_usual)
{
	enum { HIGH = 3000, WORDS = HIGH / 64 + 1 };
	unsigned long r[WORDS], w[WORDS];
	struct byte_later b;
	struct ramet *t;
	int fds[2], high;

	find_libc();
	foreign_pair(fds);
	if (allow_fds(HIGH + 10), (high = dup2(fds[0], HIGH)) < 0)
		test_skip("no high descriptors here");
	memset(r, 0, sizeof r);
	memset(w, 0, sizeof w);
	r[HIGH / 64] = 1ul << HIGH % 64;
	r[fds[0] / 64] |= 1ul << fds[0] % 64;
	b = (struct byte_later){fds[1], RAMET_MS};
	t = write_byte_later(&b);
	CHECK_EQ(HOOK(select)(HIGH + 1, (fd_set *)(void *)r,
			      (fd_set *)(void *)w, NULL, NULL),
		 2);
	CHECK_EQ(r[HIGH / 64], 1ul << HIGH % 64);
	CHECK_EQ(r[fds[0] / 64], 1ul << fds[0] % 64);
	join(t);
	close(high);
	close_pair(fds);
}

/* The count is beyond every number that there is. */
TEST(numbers_beyond_all_descriptors_do_not_count)
{
	struct timeval t = {0, 20000};
	fd_set r;
	int fds[2];

	find_libc();
	foreign_pair(fds);
	r = set_of(fds[0]);
	FD_SET(1023, &r);
	if (HOOK(select)(1024, &r, NULL, NULL, &t) < 0)
		CHECK_EQ(errno, EBADF);
	close_pair(fds);
}

/* ---- epoll -------------------------------------------------------------- */

static int epoll_of(int fd, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u64 = 1234567890123};
	int ep = HOOK(epoll_create1)(EPOLL_CLOEXEC);

	CHECK(ep >= 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	return ep;
}

struct ewaiter {
	int ep, ms, most, result, error;
	struct epoll_event e[4];
};

static void *wait_in_epoll(void *p)
{
	struct ewaiter *w = p;

	w->result = HOOK(epoll_wait)(w->ep, w->e, w->most ? w->most : 4,
				     w->ms ? w->ms : -1);
	w->error = errno;
	return NULL;
}

TEST(epoll_reports_what_the_real_one_does)
{
	struct timespec limit = ns_to_timespec(2 * RAMET_MS), bad = {-1, 0};
	struct epoll_event e[2];
	struct byte_later b;
	struct ramet *t;
	int64_t calls, start;
	int fds[2], ep;

	find_libc();
	foreign_pair(fds);
	ep = epoll_of(fds[0], EPOLLIN);
	start = now();
	CHECK_EQ(HOOK(epoll_wait)(ep, e, 2, 3), 0);
	CHECK(now() - start >= 3 * RAMET_MS);
	CHECK_EQ(HOOK(epoll_pwait)(ep, e, 2, 0, NULL), 0);
	CHECK_EQ(HOOK(epoll_pwait2)(ep, e, 2, &limit, NULL), 0);
	b = (struct byte_later){fds[1], RAMET_MS};
	t = write_byte_later(&b);
	CHECK_EQ(HOOK(epoll_wait)(ep, e, 2, -1), 1);
	CHECK_EQ(e[0].events, EPOLLIN);
	CHECK_EQ(e[0].data.u64, 1234567890123);
	join(t);
	calls = system_calls();
	CHECK_EQ(HOOK(epoll_wait)(ep, e, 2, -1), 1); /* level-triggered */
	check_calls(calls, 1);
	CHECK_EQ(HOOK(epoll_pwait2)(ep, e, 2, NULL, NULL), 1);
	CHECK_ERR(HOOK(epoll_wait)(ep, e, 0, -1), EINVAL);
	CHECK_ERR(HOOK(epoll_wait)(ep, e, -1, 0), EINVAL);
	CHECK_ERR(HOOK(epoll_wait)(fds[0], e, 1, -1), EINVAL);
	CHECK_ERR(HOOK(epoll_wait)(999, e, 1, -1), EBADF);
	CHECK_ERR(HOOK(epoll_pwait2)(ep, e, 1, &bad, NULL), EINVAL);
	CHECK_ERR(HOOK(epoll_create)(0), EINVAL);
	CHECK_ERR(HOOK(epoll_create1)(12345), EINVAL);
	CHECK_EQ(ramet_close(ep), 0);
	ep = HOOK(epoll_create)(1);
	CHECK(ep >= 0);
	CHECK_EQ(ramet_close(ep), 0);
	close_pair(fds);
}

TEST(an_edge_is_reported_once)
{
	struct epoll_event e;
	char c;
	int fds[2], ep;

	find_libc();
	foreign_pair(fds);
	ep = epoll_of(fds[0], EPOLLIN | (uint32_t)EPOLLET);
	for (int i = 0; i < 5; i++) {
		struct byte_later b = {fds[1], RAMET_MS};
		struct ramet *t = write_byte_later(&b);

		CHECK_EQ(HOOK(epoll_wait)(ep, &e, 1, -1), 1);
		CHECK_EQ(HOOK(epoll_wait)(ep, &e, 1, 2), 0);
		if (i % 2) /* a new edge without the old one being read */
			CHECK_EQ(read(fds[0], &c, 1), 1);
		join(t);
	}
	CHECK_EQ(ramet_close(ep), 0);
	close_pair(fds);
}

TEST(one_shot_is_armed_again_by_the_program)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLONESHOT};
	struct ewaiter w = {0};
	struct ramet *t;
	int fds[2];

	find_libc();
	foreign_pair(fds);
	w.ep = epoll_of(fds[0], EPOLLIN | EPOLLONESHOT);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(HOOK(epoll_wait)(w.ep, w.e, 1, -1), 1);
	t = spawn(wait_in_epoll, &w);
	settle();
	CHECK_EQ(t->state, STATE_PARKED);
	CHECK_EQ(epoll_ctl(w.ep, EPOLL_CTL_MOD, fds[0], &e), 0);
	join(t);
	CHECK_EQ(w.result, 1);
	CHECK_EQ(ramet_close(w.ep), 0);
	close_pair(fds);
}

/* A level that stays is for all who wait, each edge for one. */
TEST(several_wait_for_one_epoll)
{
	enum { WAITERS = 5 };
	struct ewaiter w[WAITERS];
	struct ramet *ts[WAITERS];
	int fds[2], ep;

	find_libc();
	for (int edge = 0; edge < 2; edge++) {
		foreign_pair(fds);
		ep = epoll_of(fds[0],
			      edge ? EPOLLIN | (uint32_t)EPOLLET : EPOLLIN);
		for (int i = 0; i < WAITERS; i++) {
			w[i] = (struct ewaiter){.ep = ep};
			ts[i] = spawn(wait_in_epoll, &w[i]);
		}
		settle();
		for (int i = 0; i < (edge ? WAITERS : 1); i++) {
			int parked = 0;

			CHECK_EQ(write(fds[1], "x", 1), 1);
			settle();
			for (int k = 0; edge && k < WAITERS; k++)
				parked += !ramet_ended(ts[k]);
			if (edge)
				CHECK_EQ(parked, WAITERS - 1 - i);
		}
		for (int i = 0; i < WAITERS; i++) {
			join(ts[i]);
			CHECK_EQ(w[i].result, 1);
		}
		CHECK_EQ(ramet_close(ep), 0);
		close_pair(fds);
	}
}

/* Events that come at once are shared out. */
TEST(events_are_shared_among_those_who_take_one)
{
	enum { PAIRS = 6 };
	struct ewaiter w[PAIRS];
	struct ramet *ts[PAIRS];
	int fds[PAIRS][2], ep, seen = 0;

	find_libc();
	ep = HOOK(epoll_create1)(0);
	for (int i = 0; i < PAIRS; i++) {
		struct epoll_event e = {.events = EPOLLIN | EPOLLONESHOT,
					.data.u32 = (uint32_t)i};

		foreign_pair(fds[i]);
		CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fds[i][0], &e), 0);
		w[i] = (struct ewaiter){.ep = ep, .most = 1};
		ts[i] = spawn(wait_in_epoll, &w[i]);
	}
	settle();
	for (int i = 0; i < PAIRS; i++)
		CHECK_EQ(write(fds[i][1], "x", 1), 1);
	for (int i = 0; i < PAIRS; i++) {
		join(ts[i]);
		CHECK_EQ(w[i].result, 1);
		seen |= 1 << w[i].e[0].data.u32;
		close_pair(fds[i]);
	}
	CHECK_EQ(seen, (1 << PAIRS) - 1);
	CHECK_EQ(ramet_close(ep), 0);
}

TEST(what_ends_epoll_wait)
{
	struct ewaiter w = {0};
	int fds[2];

	find_libc();
	foreign_pair(fds);
	for (int how = 0; how < 3; how++) {
		struct ramet *t;

		w.ep = epoll_of(fds[0], EPOLLIN);
		t = spawn(wait_in_epoll, &w);
		settle();
		if (how == 0)
			interrupt(t);
		else if (how == 1)
			CHECK_EQ(ramet_cancel(t), 0);
		CHECK_EQ(how == 2 ? ramet_close(w.ep) : 0, 0);
		join(t);
		CHECK_EQ(w.result, -1);
		CHECK_EQ(w.error, how == 0   ? EINTR
				  : how == 1 ? ECANCELED
					     : EBADF);
		if (how < 2)
			CHECK_EQ(ramet_close(w.ep), 0);
	}
	RAMET_WITHIN(2 * RAMET_MS) {
		w.ep = epoll_of(fds[0], EPOLLIN);
		CHECK_ERR(HOOK(epoll_wait)(w.ep, w.e, 1, 10000), ETIMEDOUT);
	}
	CHECK_EQ(ramet_close(w.ep), 0);
	close_pair(fds);
}

/* As deep as Linux lets epolls nest there is no room for the loop's own: then
 * the wait looks now and then. */
TEST(epolls_of_epolls)
{
	enum { DEEP = 4 };
	struct epoll_event e = {.events = EPOLLIN};
	int eps[DEEP + 1], fds[2], depth = 0;
	struct byte_later b;
	struct ramet *t;

	find_libc();
	foreign_pair(fds);
	eps[0] = epoll_of(fds[0], EPOLLIN);
	while (depth < DEEP) {
		eps[depth + 1] = HOOK(epoll_create1)(0);
		if (epoll_ctl(eps[depth + 1], EPOLL_CTL_ADD, eps[depth], &e) <
		    0) {
			CHECK_EQ(ramet_close(eps[depth + 1]), 0);
			break;
		}
		depth++;
	}
	b = (struct byte_later){fds[1], RAMET_MS};
	t = write_byte_later(&b);
	CHECK_EQ(HOOK(epoll_wait)(eps[depth], &e, 1, -1), 1);
	join(t);
	for (int i = 0; i <= depth; i++)
		CHECK_EQ(ramet_close(eps[i]), 0);
	close_pair(fds);
}

/* ---- elsewhere ---------------------------------------------------------- */

static void *plain_thread(void *fd)
{
	struct timeval t = {0, 1000};
	struct pollfd p = in(*(int *)fd);
	fd_set r = set_of(p.fd);

	CHECK_EQ(HOOK(poll)(&p, 1, -1), 1);
	CHECK_EQ(HOOK(select)(p.fd + 1, &r, NULL, NULL, &t), 1);
	CHECK(!ramet__this_loop);
	return NULL;
}

TEST(threads_without_a_loop_get_libc)
{
	pthread_t t;
	int fds[2];

	find_libc();
	foreign_pair(fds);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(pthread_create(&t, NULL, plain_thread, &fds[0]), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	close_pair(fds);
}
