/* A loop that does not turn is reported, with who keeps it and where. */
#include "ramet.h"
#include "said.h"
#include "thread.h"

#include "debug/report.h"
#include "debug/watchdog.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define LIMIT (30 * RAMET_MS)
#define STALL (200 * RAMET_MS) /* less than LIMIT ten times */

/* What the watchdog says of fn. */
static void watch(void (*fn)(void))
{
	if (TEST_TSAN)
		test_skip("TSan has no watchdog");
	hear(fn);
}

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * RAMET_SEC + ts.tv_nsec;
}

/* ---- what keeps a loop -------------------------------------------------- */

/* Until it has been noticed, however busy the machine is. */
static NOINLINE void *compute(void *unused)
{
	uint64_t stalls = __atomic_load_n(&ramet__stalls, __ATOMIC_SEQ_CST);
	int64_t from = clock_ns(CLOCK_MONOTONIC), lasted;

	do
		lasted = clock_ns(CLOCK_MONOTONIC) - from;
	while (lasted < STALL ||
	       (lasted < 10 * RAMET_SEC &&
		__atomic_load_n(&ramet__stalls, __ATOMIC_SEQ_CST) == stalls));
	return unused;
}

/* Nobody minds. */
static NOINLINE void *compute_unseen(void *unused)
{
	int64_t from = clock_ns(CLOCK_MONOTONIC);

	while (clock_ns(CLOCK_MONOTONIC) - from < STALL)
		;
	return unused;
}

static NOINLINE void *block(void *unused)
{
	struct timespec ts = {0, STALL}, left = {0, 0};

	CHECK_EQ(nanosleep(&ts, &left), 0); /* no signal has come */
	return unused;
}

static NOINLINE void *block_on_socket(void *unused)
{
	struct timeval tv = {0, STALL / 1000};
	int sv[2];
	char c;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	CHECK_EQ(setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), 0);
	CHECK_ERR(recv(sv[0], &c, 1, 0), EAGAIN);
	return unused;
}

static void *wait_long(void *unused)
{
	ramet_sleep(60 * RAMET_SEC);
	return unused;
}

/* fn in a ramet called "culprit", while "victim" waits for its turn. */
static void keep(void *(*fn)(void *))
{
	struct ramet_opts culprit = {.name = "culprit"};
	struct ramet *t;

	CHECK_EQ(ramet_set_watchdog(LIMIT), 0);
	CHECK(ramet_go(NULL, wait_long, NULL) != NULL);
	t = ramet_spawn_opts(fn, NULL, &culprit);
	CHECK(t != NULL);
	CHECK_EQ(ramet_join(t, NULL), 0);
	ramet_sleep(4 * LIMIT); /* until its end is seen */
}

/* ---- who, and where ----------------------------------------------------- */

static void computing(void)
{
	keep(compute);
}

TEST(a_ramet_that_computes_is_named)
{
	watch(computing);
	SAYS("has not turned its loop for ");
	SAYS("ramet 3 \"culprit\", spawned by ramet 1 at keep+0x");
	SAYS(", computes\n");
	SAYS("    compute+0x");
	SAYS("turns its loop again, after ");
}

static void blocking(void)
{
	keep(block);
}

TEST(a_system_call_that_blocks_is_named_and_not_ended)
{
	watch(blocking);
	SAYS("\"culprit\"");
	SAYS(", is blocked in clock_nanosleep(2)\n");
	if (!TEST_ASAN) /* whose nanosleep is found by its frame pointer */
		SAYS("    block+0x");
	SAYS("turns its loop again");
}

static void blocking_on_socket(void)
{
	keep(block_on_socket);
}

TEST(its_descriptor_is_named)
{
	watch(blocking_on_socket);
	SAYS(", is blocked in recvfrom(2) on fd ");
	SAYS(" (socket)\n");
}

static void own_handler(int sig)
{
	(void)sig;
}

static void with_own_handler(void)
{
	CHECK(signal(SIGURG, own_handler) != SIG_ERR);
	keep(compute);
	CHECK(signal(SIGURG, SIG_DFL) == own_handler);
}

TEST(a_handler_of_the_program_stays)
{
	watch(with_own_handler);
	SAYS("\"culprit\"");
	SAYS("computes; where is not known, because SIGURG is the program's");
}

static void with_signal_blocked(void)
{
	sigset_t urg;

	sigemptyset(&urg);
	sigaddset(&urg, SIGURG);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &urg, NULL), 0);
	keep(compute);
	ramet_sleep(RAMET_SEC); /* the watchdog waits for an answer first */
}

TEST(a_blocked_signal_costs_the_place)
{
	watch(with_signal_blocked);
	SAYS("where is not known, because SIGURG is the program's or blocked");
}

static void computing_json(void)
{
	ramet__reports_json = true;
	keep(compute);
}

TEST(json_names_who_computes)
{
	watch(computing_json);
	SAYS("{\"report\": \"stall\", \"process\": ");
	SAYS(", \"id\": 3, \"name\": \"culprit\", \"parent\": 1, "
	     "\"spawned_at\": {\"function\": \"keep");
	SAYS("}, \"state\": \"computing\", \"frames\": [{\"");
	SAYS("{\"function\": \"compute");
	SAYS("}]}\n{\"report\": \"stall end\", \"process\": ");
	CHECK_EQ(count("\n"), 2);
}

static void blocking_json(void)
{
	ramet__reports_json = true;
	keep(block_on_socket);
}

TEST(json_names_the_system_call)
{
	watch(blocking_json);
	SAYS("{\"report\": \"stall\", \"process\": ");
	SAYS("}, \"state\": \"blocked\", \"call\": \"recvfrom\", "
	     "\"call_number\": ");
	SAYS(", \"local\": \"\", \"peer\": \"\", ");
	if (!TEST_ASAN) /* whose recv may be found by its frame pointer */
		SAYS("{\"function\": \"block_on_socket");
	SAYS("}\n{\"report\": \"stall end\", \"process\": ");
	CHECK_EQ(count("\n"), 2);
}

static void with_own_handler_json(void)
{
	ramet__reports_json = true;
	with_own_handler();
}

TEST(json_says_why_there_is_no_stack)
{
	watch(with_own_handler_json);
	SAYS("}, \"state\": \"computing\", \"no_stack\": \"SIGURG is the "
	     "program's or blocked\"}\n");
}

/* Long after it was said, once more. */
static void *compute_long(void *unused)
{
	int64_t from = clock_ns(CLOCK_MONOTONIC), noticed;

	compute(unused);
	noticed = clock_ns(CLOCK_MONOTONIC) - from;
	while (clock_ns(CLOCK_MONOTONIC) - from < 11 * noticed)
		compute_unseen(unused);
	return unused;
}

static void computing_long(void)
{
	keep(compute_long);
}

TEST(a_long_stall_is_reported_again)
{
	watch(computing_long);
	CHECK(count("has not turned its loop") > 1);
	CHECK_EQ(count("turns its loop again"), 1);
}

static void stalling_often(void)
{
	for (int i = 0; i < 8; i++)
		keep(compute);
}

TEST(many_stalls_are_not_all_reported)
{
	watch(stalling_often);
	CHECK_EQ(count("has not turned its loop"), 5);
}

/* ---- which loop, which process ------------------------------------------ */

static void *second_thread(void *unused)
{
	ramet_set_name(ramet_self(), "second");
	computing();
	return unused;
}

static void two_loops(void)
{
	pthread_t thread;

	CHECK(ramet_go(NULL, wait_long, NULL) != NULL);
	CHECK_EQ(pthread_create(&thread, NULL, second_thread, NULL), 0);
	ramet_sleep(3 * STALL);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

TEST(each_loop_is_watched)
{
	watch(two_loops);
	CHECK_EQ(count("has not turned its loop"), 1);
	SAYS("\"culprit\"");
}

static void in_a_child(void)
{
	pid_t pid;
	int status;

	CHECK(ramet_go(NULL, wait_long, NULL) != NULL);
	ramet_yield();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		ramet_sleep(LIMIT); /* it is watched from here on */
		keep(compute);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

TEST(the_child_of_a_fork_is_watched)
{
	watch(in_a_child);
	SAYS("\"culprit\"");
	SAYS("    compute+0x");
}

/* ---- SIGQUIT meanwhile -------------------------------------------------- */

static void *quit_soon(void *thread)
{
	usleep(100 * 1000);
	pthread_kill(*(pthread_t *)thread, SIGQUIT);
	return NULL;
}

static void quit_and_keep(void *(*fn)(void *))
{
	pthread_t self = pthread_self(), other;

	CHECK_EQ(pthread_create(&other, NULL, quit_soon, &self), 0);
	keep(fn);
	CHECK_EQ(pthread_join(other, NULL), 0);
}

static void quit_computing(void)
{
	quit_and_keep(compute);
}

TEST(sigquit_dumps_while_a_ramet_computes)
{
	watch(quit_computing);
	CHECK_EQ(count("ramet: 3 ramets in process"), 1);
	SAYS("ramet 3 \"culprit\" running, spawned by");
	SAYS("ramet 2 waiting for its sleep to end");
	SAYS("    wait_long+0x");
	SAYS("ramet 1 \"main\" waiting for ramet 3 \"culprit\" to end");
	SAYS("    compute+0x");
}

static void *block_firmly(void *unused)
{
	struct timespec left = {0, STALL};

	while (nanosleep(&left, &left) < 0) /* SIGQUIT comes here */
		CHECK_EQ(errno, EINTR);
	return unused;
}

static void quit_blocked(void)
{
	quit_and_keep(block_firmly);
}

TEST(sigquit_dumps_while_a_system_call_blocks)
{
	if (TEST_ASAN)
		test_skip("ASan's nanosleep is found by its frame pointer, "
			  "which is not known of who is in the kernel");
	watch(quit_blocked);
	CHECK_EQ(count("ramet: 3 ramets in process"), 1);
	SAYS("ramet 3 \"culprit\" running");
	SAYS("    block_firmly+0x");
	SAYS("    wait_long+0x");
}

/* ---- what is none ------------------------------------------------------- */

static void *turn_now_and_then(void *unused)
{
	for (int i = 0; i < 20; i++)
		ramet_sleep(LIMIT);
	return unused;
}

static void waiting(void)
{
	keep(turn_now_and_then);
	ramet_sleep(STALL);
}

TEST(who_waits_is_left_alone)
{
	watch(waiting);
	CHECK_EQ(strlen(text), 0);
}

static void computing_alone(void)
{
	CHECK_EQ(ramet_set_watchdog(LIMIT), 0);
	compute_unseen(NULL);
	compute_unseen(NULL);
}

TEST(who_is_alone_keeps_nobody)
{
	watch(computing_alone);
	CHECK_EQ(strlen(text), 0);
}

static void stop_and_go_on(void)
{
	pid_t self = getpid(), pid;

	CHECK_EQ(ramet_set_watchdog(LIMIT), 0);
	CHECK(ramet_go(NULL, turn_now_and_then, NULL) != NULL);
	ramet_sleep(2 * LIMIT);
	pid = fork();
	if (pid == 0) {
		kill(self, SIGSTOP);
		usleep((useconds_t)(STALL / 1000));
		kill(self, SIGCONT);
		_exit(0);
	}
	ramet_sleep(2 * STALL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(a_process_that_was_stopped_has_not_stalled)
{
	watch(stop_and_go_on);
	CHECK_EQ(strlen(text), 0);
}

static void switched_off(void)
{
	CHECK_EQ(ramet_set_watchdog(LIMIT), 0);
	CHECK(ramet_go(NULL, wait_long, NULL) != NULL);
	ramet_sleep(LIMIT);
	CHECK_EQ(ramet_set_watchdog(0), 0);
	ramet_sleep(LIMIT);
	compute_unseen(NULL);
}

TEST(it_can_be_switched_off)
{
	watch(switched_off);
	CHECK_EQ(strlen(text), 0);
}

TEST(too_short_a_limit_is_refused)
{
	CHECK_ERR(ramet_set_watchdog(1), EINVAL);
	CHECK_ERR(ramet_set_watchdog(-1), EINVAL);
}

/* ---- asleep ------------------------------------------------------------- */

static void after_long_sleep(void)
{
	CHECK_EQ(ramet_set_watchdog(LIMIT), 0);
	CHECK(ramet_go(NULL, wait_long, NULL) != NULL);
	ramet_sleep(3500 * RAMET_MS); /* the watchdog sleeps, too */
	keep(compute);
}

TEST(who_wakes_after_long_is_watched_again)
{
	watch(after_long_sleep);
	CHECK_EQ(count("has not turned its loop"), 1);
	SAYS("    compute+0x");
}
