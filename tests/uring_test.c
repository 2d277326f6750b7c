/* The io_uring back end: its poller by itself, and the library on top. */
#include "fds.h"
#include "ramets.h"
#include "rings.h"
#include "thread.h"

#include "core/core.h"
#include "kernel/ring.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#ifndef RAMET_URING

TEST(built_without_liburing)
{
	test_skip("built without liburing");
}

#else

void test_begin(void)
{
	setenv("RAMET_KERNEL", "uring", 1);
	ramet__poller(ramet__loop());
}

static void need_uring(void)
{
	if (ramet__on_valgrind)
		test_skip("valgrind stops all threads while one waits for "
			  "completions");
	if (strcmp(ramet_kernel_name(), "uring") != 0)
		test_skip(ramet_kernel_reason());
}

/* ---- the poller by itself ----------------------------------------------- */

static struct poller *poller;
static struct kernel_event events[KERNEL_EVENTS];

static void open_poller(void)
{
	need_uring();
	CHECK_EQ(ramet__uring.open(&poller), 0);
}

static void close_poller(void)
{
	ramet__uring.close(poller);
}

static int watch(int fd, uint64_t tag)
{
	return ramet__uring.watch(poller, fd, tag);
}

/* A debugger or a shell may stop and continue us. */
static int wait_for(int64_t timeout)
{
	int n;

	do
		n = ramet__uring.wait(poller, timeout, events);
	while (n == -EINTR);
	return n;
}

static void pair(int fds[2])
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

TEST(what_is_ready_is_reported_once_and_then_each_change)
{
	int fds[2];
	char c;

	open_poller();
	pair(fds);
	CHECK_EQ(watch(fds[0], 7), 0);
	CHECK_EQ(wait_for(RAMET_SEC), 1);
	CHECK_EQ(events[0].tag, 7);
	CHECK_EQ(events[0].events, EPOLLOUT);
	CHECK_EQ(wait_for(0), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(write(fds[1], "x", 1), 1);
		CHECK_EQ(wait_for(RAMET_SEC), 1);
		CHECK(events[0].events & EPOLLIN);
		CHECK_EQ(wait_for(RAMET_MS), 0);
		CHECK_EQ(read(fds[0], &c, 1), 1);
	}
	close(fds[1]);
	CHECK_EQ(wait_for(RAMET_SEC), 1);
	CHECK(events[0].events & EPOLLHUP && events[0].events & EPOLLRDHUP);
	ramet__uring.unwatch(poller, fds[0], 7);
	close(fds[0]);
	close_poller();
}

TEST(watching_again_reports_afresh_under_the_new_tag)
{
	int fds[2];

	open_poller();
	pair(fds);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	for (uint64_t tag = 1; tag < 5; tag++) {
		CHECK_EQ(watch(fds[0], tag), 0);
		CHECK_EQ(wait_for(RAMET_SEC), 1);
		CHECK_EQ(events[0].tag, tag);
		CHECK_EQ(events[0].events, EPOLLIN | EPOLLOUT);
	}
	CHECK_EQ(wait_for(0), 0);
	close_poller();
	close(fds[0]);
	close(fds[1]);
}

TEST(a_file_that_is_not_watched_any_more_is_not_held)
{
	int fds[2];
	char c;

	open_poller();
	for (int round = 0; round < 3; round++) {
		pair(fds);
		CHECK_EQ(watch(fds[0], 7), 0);
		if (round > 0) /* with completions not looked at */
			CHECK_EQ(write(fds[1], "x", 1), 1);
		if (round > 1)
			CHECK_EQ(wait_for(RAMET_SEC), 1);
		ramet__uring.unwatch(poller, fds[0], 7);
		CHECK_EQ(wait_for(0), 0);
		close(fds[0]);
		if (round == 0)
			CHECK_EQ(recv(fds[1], &c, 1, MSG_DONTWAIT), 0);
		else
			CHECK_ERR(recv(fds[1], &c, 1, MSG_DONTWAIT),
				  ECONNRESET); /* with data unread */
		close(fds[1]);
	}
	close_poller();
}

TEST(what_a_number_meant_before_is_not_reported)
{
	int old[2], new[2];

	open_poller();
	pair(old);
	pair(new);
	CHECK_EQ(watch(old[0], 1), 0);
	CHECK_EQ(write(old[1], "x", 1), 1);
	ramet__uring.unwatch(poller, old[0], 1);
	CHECK_EQ(dup2(new[0], old[0]), old[0]);
	CHECK_EQ(watch(old[0], 2), 0);
	CHECK_EQ(wait_for(RAMET_SEC), 1);
	CHECK_EQ(events[0].tag, 2);
	CHECK_EQ(events[0].events, EPOLLOUT);
	ramet__uring.unwatch(poller, old[0], 1); /* not its tag any more */
	CHECK_EQ(write(new[1], "x", 1), 1);
	CHECK_EQ(wait_for(RAMET_SEC), 1);
	CHECK_EQ(events[0].tag, 2);
	close_poller();
	for (int i = 0; i < 2; i++) {
		close(old[i]);
		close(new[i]);
	}
}

TEST(files_that_are_always_ready_are_refused)
{
	int file, fds[2];

	open_poller();
	file = open("/proc/self/exe", O_RDONLY);
	CHECK_EQ(watch(file, 1), -EPERM);
	close(file);
	CHECK_EQ(watch(file, 1), -EBADF);
	CHECK_EQ(watch(-1, 1), -EBADF);
	pair(fds);
	CHECK_EQ(watch(fds[0], 2), 0); /* after an error, the same number */
	CHECK_EQ(wait_for(RAMET_SEC), 1);
	CHECK_EQ(events[0].tag, 2);
	close_poller();
	close(fds[0]);
	close(fds[1]);
}

/* Wait for each of `count` descriptors to be reported. */
static void expect_all(int count)
{
	static bool seen[4096];
	int missing = count;

	memset(seen, 0, sizeof seen);
	while (missing) {
		int n = wait_for(5 * RAMET_SEC);

		CHECK(n > 0);
		for (int i = 0; i < n; i++) {
			CHECK(events[i].events & EPOLLIN);
			missing -= !seen[events[i].tag];
			seen[events[i].tag] = true;
		}
	}
}

TEST(more_events_than_the_ring_has_room_for_all_come)
{
	enum { COUNT = 3000 }; /* room: 1,024 */
	uint64_t one = 1;
	int fds[COUNT];

	open_poller();
	allow_fds(RLIM_INFINITY);
	for (int i = 0; i < COUNT; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK);
		if (fds[i] < 0)
			test_skip("too few descriptors are allowed");
		CHECK_EQ(watch(fds[i], (uint64_t)i), 0);
	}
	while (wait_for(0) > 0)
		;
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < COUNT; i++)
			CHECK_EQ(write(fds[i], &one, sizeof one), sizeof one);
		expect_all(COUNT);
	}
	for (int i = 0; i < COUNT; i++) {
		ramet__uring.unwatch(poller, fds[i], (uint64_t)i);
		close(fds[i]);
	}
	close_poller();
}

TEST(looking_when_there_is_nothing_costs_no_system_call)
{
	uint64_t before;
	int fds[2];

	open_poller();
	pair(fds);
	CHECK_EQ(watch(fds[0], 7), 0);
	CHECK_EQ(wait_for(RAMET_SEC), 1);
	before = ramet__calls;
	for (int i = 0; i < 100; i++)
		CHECK_EQ(wait_for(0), 0);
	CHECK_EQ(ramet__calls, before);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(wait_for(0), 1); /* and misses nothing */
	close_poller();
	close(fds[0]);
	close(fds[1]);
}

TEST(waits_end_in_time_and_never_early)
{
	open_poller();
	for (int i = 0; i < 10; i++) {
		int64_t start = ramet_now();

		CHECK_EQ(wait_for(3 * RAMET_MS), 0);
		CHECK(ramet_now() - start >= 3 * RAMET_MS);
	}
	close_poller();
}

/* ---- waking ------------------------------------------------------------- */

static void *wake_later(void *unused)
{
	struct timespec t = {0, 2 * 1000 * 1000};

	nanosleep(&t, NULL);
	ramet__uring.wake(poller);
	return unused;
}

TEST(another_thread_ends_a_wait)
{
	open_poller();
	for (int i = 0; i < 10; i++) {
		pthread_t thread = start_thread(wake_later, NULL);

		CHECK_EQ(wait_for(RAMET_NEVER), 0);
		join_thread(thread);
	}
	ramet__uring.wake(poller); /* or the next one */
	CHECK_EQ(wait_for(RAMET_NEVER), 0);
	close_poller();
}

static void wake_on_signal(int unused)
{
	(void)unused;
	ramet__uring.wake(poller);
}

TEST(a_signal_handler_ends_a_wait)
{
	struct sigaction action = {.sa_handler = wake_on_signal,
				   .sa_flags = SA_RESTART};
	int ret;

	open_poller();
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(wait_for(RAMET_NEVER), 0);
	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	ualarm(2000, 0);
	ret = ramet__uring.wait(poller, RAMET_NEVER, events);
	CHECK(ret == 0 || ret == -EINTR);
	close_poller();
}

static struct ramet_waker *waker;

static void *wake_waker(void *unused)
{
	for (int i = 0; i < 1000; i++)
		ramet_waker_wake(waker);
	return unused;
}

static void wake_waker_on_signal(int unused)
{
	(void)unused;
	ramet_waker_wake(waker);
}

TEST(wakers_work_from_threads_and_signal_handlers)
{
	pthread_t thread;

	need_uring();
	waker = made(ramet_waker_new());
	thread = start_thread(wake_waker, NULL);
	CHECK_EQ(ramet_waker_wait(waker), 0);
	join_thread(thread);
	RAMET_WITHIN(RAMET_MS)
		while (ramet_waker_wait(waker) == 0)
			;
	signal(SIGALRM, wake_waker_on_signal);
	ualarm(2000, 0);
	CHECK_EQ(ramet_waker_wait(waker), 0);
	ramet_waker_free(waker);
}

/* ---- through the library ------------------------------------------------ */

static void *read_until_closed(void *arg)
{
	char c;

	CHECK_ERR(ramet_read(*(int *)arg, &c, 1), EBADF);
	return NULL;
}

TEST(close_wakes_waiters_and_the_peer_sees_the_end_at_once)
{
	struct ramet *t[3];
	int fds[2];
	char c;

	need_uring();
	CHECK_EQ(ramet_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	for (int i = 0; i < 3; i++)
		t[i] = spawn(read_until_closed, &fds[0]);
	ramet_sleep(RAMET_MS);
	CHECK_EQ(ramet_close(fds[0]), 0);
	CHECK_EQ(recv(fds[1], &c, 1, MSG_DONTWAIT), 0);
	for (int i = 0; i < 3; i++)
		ramet_join(t[i], NULL);
	ramet_close(fds[1]);
}

TEST(descriptors_of_others_are_held_only_while_somebody_waits)
{
	struct pollfd p;
	int fds[2];
	char c;

	need_uring();
	for (int polling = 0; polling < 2; polling++) {
		pair(fds);
		p = (struct pollfd){fds[0], POLLIN, 0};
		RAMET_WITHIN(RAMET_MS)
			CHECK_ERR(polling ? ramet_poll(&p, 1)
					  : ramet_read(fds[0], &c, 1),
				  ETIMEDOUT);
		close(fds[0]);
		CHECK_EQ(recv(fds[1], &c, 1, MSG_DONTWAIT), 0);
		close(fds[1]);
	}
}

static void *close_it(void *arg)
{
	int *fds = arg;

	ramet_close(fds[0]);
	return NULL;
}

static void *echo_one(void *arg)
{
	int *fds = arg;
	char c;

	CHECK_EQ(ramet_read(fds[1], &c, 1), 1);
	CHECK_EQ(ramet_write(fds[1], &c, 1), 1);
	return NULL;
}

/* Numbers come and go at a high rate, watched, waited for, and not. */
TEST(reused_numbers_work_like_new_ones)
{
	need_uring();
	for (int i = 0; i < test_rounds(1000); i++) {
		struct ramet *t;
		int fds[2];
		char c;

		CHECK_EQ(ramet_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		if (i % 3 == 0) {
			t = spawn(close_it, fds);
			CHECK_ERR(ramet_read(fds[0], &c, 1), EBADF);
		} else {
			t = spawn(echo_one, fds);
			CHECK_EQ(ramet_write(fds[0], "x", 1), 1);
			CHECK_EQ(ramet_read(fds[0], &c, 1), 1);
			CHECK_EQ(ramet_close(fds[0]), 0);
		}
		CHECK_EQ(ramet_join(t, NULL), 0);
		CHECK_EQ(ramet_close(fds[1]), 0);
	}
}

struct link {
	int in, out;
};

static void *relay(void *arg)
{
	struct link *l = arg;
	char buf[64];
	ssize_t n;

	while ((n = ramet_read(l->in, buf, sizeof buf)) > 0)
		CHECK_EQ(ramet_write_all(l->out, buf, (size_t)n), n);
	CHECK_EQ(n, 0);
	CHECK_EQ(ramet_shutdown(l->out, SHUT_WR), 0);
	return NULL;
}

/* A chain of relays: each byte passes all of them. */
TEST(a_long_chain_of_relays_carries_everything)
{
	enum { LINKS = 200 };
	int fds[LINKS + 1][2], total = 10 * test_rounds(100), got = 0;
	struct link links[LINKS];
	ramet_auto_group g;
	char buf[64];
	ssize_t n;

	need_uring();
	ramet_group_open(&g, RAMET_ALL);
	for (int i = 0; i <= LINKS; i++)
		CHECK_EQ(ramet_socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]), 0);
	for (int i = 0; i < LINKS; i++) {
		links[i] = (struct link){fds[i][1], fds[i + 1][0]};
		CHECK(ramet_go(&g, relay, &links[i]) != NULL);
	}
	for (int sent = 0; sent < total; sent += 10)
		CHECK_EQ(ramet_write_all(fds[0][0], "0123456789", 10), 10);
	CHECK_EQ(ramet_shutdown(fds[0][0], SHUT_WR), 0);
	while ((n = ramet_read(fds[LINKS][1], buf, sizeof buf)) > 0)
		for (ssize_t i = 0; i < n; i++)
			CHECK_EQ(buf[i], '0' + got++ % 10);
	CHECK_EQ(n, 0);
	CHECK_EQ(got, total);
	CHECK_EQ(ramet_group_wait(&g), 0);
	for (int i = 0; i <= LINKS; i++) {
		ramet_close(fds[i][0]);
		ramet_close(fds[i][1]);
	}
}

/* The kernel sets the flag after it has queued the work, which may be done by
 * then. */
TEST(a_flag_that_outlives_its_work_holds_up_nobody)
{
	struct ring ring;

	need_uring();
	CHECK_EQ(kernel_ring_open(&ring, 8), 0);
	__atomic_fetch_or(ring.uring.sq.kflags, IORING_SQ_TASKRUN,
			  __ATOMIC_SEQ_CST);
	kernel_ring_reap(&ring);
	kernel_ring_close(&ring);
}

/* ---- where it is refused ------------------------------------------------ */

TEST(says_which_back_end)
{
	fprintf(stderr, "back end: %s (%s)\n", ramet_kernel_name(),
		ramet_kernel_reason());
}

/* Run the test above where io_uring_setup(2) is not permitted. */
static void exec_without_rings(void)
{
	if (refuse_rings())
		execl("/proc/self/exe", "uring_test", "says_which_back_end",
		      NULL);
	fprintf(stderr, "no seccomp\n");
}

TEST(a_refused_ring_means_epoll_with_the_reason)
{
	char text[1024];

	need_uring();
	test_stderr_of(exec_without_rings, text, sizeof text);
	if (strstr(text, "no seccomp"))
		test_skip("no seccomp here");
	CHECK(strstr(text, "back end: epoll (uring was refused: Operation not "
			   "permitted)") != NULL);
}

#endif
