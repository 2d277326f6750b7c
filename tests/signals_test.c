/* Signals as a stream, and handlers beside ramets. */
#include "ramets.h"
#include "thread.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Programs get their arguments as if they might change them. */
#define ARG(text) ((char *)(uintptr_t)(text))

static struct ramet_signals *stream_of(int sig)
{
	struct ramet_signals *s = ramet_signals_new(&sig, 1);

	CHECK(s != NULL);
	return s;
}

/* ---- the stream -----------------------------------------------------------
 */

TEST(what_is_sent_comes_out)
{
	int signals[] = {SIGUSR1, SIGTERM};
	struct ramet_signals *s = ramet_signals_new(signals, 2);
	struct ramet_signal got;

	CHECK(s != NULL);
	CHECK_EQ(kill(getpid(), SIGTERM), 0);
	CHECK_EQ(ramet_signals_next(s, &got), SIGTERM);
	CHECK_EQ(got.number, SIGTERM);
	CHECK_EQ(got.pid, getpid());
	CHECK_EQ(got.uid, getuid());
	CHECK_EQ(got.code, SI_USER);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(ramet_signals_next(s, NULL), SIGUSR1);
	ramet_signals_free(s);
}

static void *send_later(void *sig)
{
	CHECK_EQ(ramet_sleep(2 * RAMET_MS), 0);
	CHECK_EQ(kill(getpid(), (int)(intptr_t)sig), 0);
	return NULL;
}

TEST(a_wait_ends_when_one_comes)
{
	struct ramet_signals *s = stream_of(SIGHUP);

	for (int i = 0; i < 3; i++) {
		struct ramet *t = spawn(send_later, (void *)SIGHUP);

		CHECK_EQ(ramet_signals_next(s, NULL), SIGHUP);
		join(t);
	}
	RAMET_WITHIN(5 * RAMET_MS) {
		CHECK_ERR(ramet_signals_next(s, NULL), ETIMEDOUT);
	}
	ramet_signals_free(s);
}

TEST(queued_values_come_in_order)
{
	struct ramet_signals *s = stream_of(SIGRTMIN);
	struct ramet_signal got;

	for (int i = 0; i < 10; i++)
		CHECK_EQ(sigqueue(getpid(), SIGRTMIN,
				  (union sigval){.sival_ptr =
							 (void *)(intptr_t)i}),
			 0);
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(ramet_signals_next(s, &got), SIGRTMIN);
		CHECK_EQ(got.value, i);
		CHECK_EQ(got.code, SI_QUEUE);
	}
	ramet_signals_free(s);
}

TEST(a_childs_end_is_told)
{
	struct ramet_signals *s = stream_of(SIGCHLD);
	char *argv[] = {ARG("/bin/sh"), ARG("-c"), ARG("exit 4"), NULL};
	struct ramet_process *p = ramet_process_start(argv, NULL);
	struct ramet_signal got;

	CHECK(p != NULL);
	CHECK_EQ(ramet_signals_next(s, &got), SIGCHLD);
	CHECK_EQ(got.pid, ramet_process_pid(p));
	CHECK_EQ(got.code, CLD_EXITED);
	CHECK_EQ(got.status, 4);
	CHECK_EQ(ramet_process_wait(p, NULL), 0);
	ramet_process_free(p);
	ramet_signals_free(s);
}

static int taken;

static void *take_all(void *s)
{
	while (ramet_signals_next(s, NULL) > 0)
		taken++;
	CHECK_EQ(errno, ECANCELED);
	return NULL;
}

TEST(several_may_wait_and_none_is_lost)
{
	enum { COUNT = 100, TAKERS = 3 };
	struct ramet_signals *s = stream_of(SIGRTMIN + 1);
	struct ramet *t[TAKERS];

	for (int i = 0; i < TAKERS; i++)
		t[i] = spawn(take_all, s);
	for (int i = 0; i < COUNT; i++) {
		CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){0}),
			 0);
		if (i % 7 == 0)
			CHECK_EQ(ramet_yield(), 0);
	}
	while (taken < COUNT)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	for (int i = 0; i < TAKERS; i++) {
		CHECK_EQ(ramet_cancel(t[i]), 0);
		join(t[i]);
	}
	CHECK_EQ(taken, COUNT);
	ramet_signals_free(s);
}

/* The one that is woken is cancelled before it runs: the other gets it.  And
 * that one, woken in vain, is cancelled before it waits again. */
TEST(a_cancelled_wait_loses_no_signal)
{
	for (int i = 0; i < test_rounds(200); i++) {
		struct ramet_signals *s = stream_of(SIGUSR1);
		struct ramet *one, *other;

		taken = 0;
		one = spawn(take_all, s);
		other = spawn(take_all, s);
		CHECK_EQ(ramet_yield(), 0);
		CHECK_EQ(kill(getpid(), SIGUSR1), 0);
		for (uint32_t n = test_rand(3); n; n--)
			CHECK_EQ(ramet_yield(), 0);
		CHECK_EQ(ramet_cancel(one), 0);
		while (!taken)
			CHECK_EQ(ramet_yield(), 0);
		CHECK_EQ(ramet_cancel(other), 0);
		join(one);
		join(other);
		CHECK_EQ(taken, 1);
		ramet_signals_free(s);
	}
}

/* ---- before and after -----------------------------------------------------
 */

static volatile sig_atomic_t handled;

static void count(int sig)
{
	(void)sig;
	handled++;
}

TEST(afterwards_all_is_as_before)
{
	struct ramet_signals *s;
	sigset_t mask, blocked;

	signal(SIGUSR1, count);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
	s = ramet_signals_new((int[]){SIGUSR1, SIGUSR2}, 2);
	CHECK(s != NULL);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(handled, 0);
	CHECK_EQ(ramet_signals_next(s, NULL), SIGUSR1);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	ramet_signals_free(s);
	CHECK_EQ(handled, 1); /* what nobody had taken */
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(handled, 2);
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	CHECK_EQ(sigismember(&mask, SIGUSR1), 0);
	CHECK_EQ(sigismember(&mask, SIGUSR2), 1);
}

TEST(a_signal_is_in_one_stream)
{
	struct ramet_signals *s = stream_of(SIGUSR1), *other;

	CHECK_NULL(ramet_signals_new((int[]){SIGUSR2, SIGUSR1}, 2), EBUSY);
	other = stream_of(SIGUSR2); /* of the attempt nothing is left */
	ramet_signals_free(s);
	s = stream_of(SIGUSR1);
	ramet_signals_free(s);
	ramet_signals_free(other);
	ramet_signals_free(NULL);
}

TEST(some_cannot_be_taken)
{
	int bad[] = {0,       -1,      65,     1000,   32,     33,      SIGKILL,
		     SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};

	CHECK_NULL(ramet_signals_new(bad, 0), EINVAL);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_NULL(ramet_signals_new(&bad[i], 1), EINVAL);
}

static void *use_elsewhere(void *s)
{
	CHECK_ERR(ramet_signals_next(s, NULL), EPERM);
	ramet_signals_free(s);
	return NULL;
}

TEST(it_belongs_to_one_loop)
{
	struct ramet_signals *s = stream_of(SIGUSR1);

	run_thread(use_elsewhere, s);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(ramet_signals_next(s, NULL), SIGUSR1);
	ramet_signals_free(s);
}

static void *same(void *arg)
{
	return arg;
}

/* A helper thread has them blocked as well, or it would be killed here. */
TEST(helper_threads_do_not_take_them)
{
	struct ramet_signals *s;
	void *value;

	CHECK_EQ(ramet_offload(same, &value, &value), 0);
	s = stream_of(SIGTERM);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(kill(getpid(), SIGTERM), 0);
		CHECK_EQ(ramet_signals_next(s, NULL), SIGTERM);
	}
	ramet_signals_free(s);
}

TEST(the_stream_works_in_the_child_of_a_fork)
{
	struct ramet_signals *s = stream_of(SIGUSR1);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct ramet *t = spawn(send_later, (void *)SIGUSR1);
		int got = ramet_signals_next(s, NULL);

		join(t);
		_exit(got == SIGUSR1 ? 0 : 1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	RAMET_WITHIN(5 * RAMET_MS) {
		CHECK_ERR(ramet_signals_next(s, NULL), ETIMEDOUT);
	}
	ramet_signals_free(s);
}

/* ---- handlers -------------------------------------------------------------
 */

static struct ramet_waker *waker;
static char *handler_frame;
static char *ramet_frame;

static void wake(int sig)
{
	char here;

	(void)sig;
	handler_frame = &here;
	ramet_waker_wake(waker);
}

static void install(int flags)
{
	struct sigaction action = {.sa_handler = wake, .sa_flags = flags};

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
}

static void *raise_here(void *unused)
{
	char here;

	ramet_frame = &here;
	CHECK_EQ(raise(SIGUSR1), 0);
	return unused;
}

static bool on_alternate_stack(void)
{
	stack_t stack;

	CHECK_EQ(sigaltstack(NULL, &stack), 0);
	CHECK(!(stack.ss_flags & SS_DISABLE));
	return handler_frame >= (char *)stack.ss_sp &&
	       handler_frame < (char *)stack.ss_sp + stack.ss_size;
}

/* A ramet's own stack may be too small for a handler. */
TEST(handlers_with_sa_onstack_run_on_the_runtimes_stack)
{
	waker = ramet_waker_new();
	CHECK(waker != NULL);
	install(SA_ONSTACK);
	join(spawn(raise_here, NULL));
	CHECK(on_alternate_stack());
	CHECK_EQ(ramet_waker_wait(waker), 0);
	install(0);
	join(spawn(raise_here, NULL));
	CHECK(!TEST_ASAN || handler_frame);
	CHECK(TEST_ASAN || TEST_TSAN || !on_alternate_stack());
	CHECK_EQ(ramet_waker_wait(waker), 0);
	ramet_waker_free(waker);
}

static void *wait_for_handler(void *unused)
{
	CHECK_EQ(ramet_waker_wait(waker), 0);
	return unused;
}

TEST(a_handler_wakes_a_ramet)
{
	struct ramet *t;

	waker = ramet_waker_new();
	CHECK(waker != NULL);
	install(SA_ONSTACK);
	t = spawn(wait_for_handler, NULL);
	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	join(t);
	ramet_waker_free(waker);
}

static void *kill_us(void *unused)
{
	usleep(5000);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	return unused;
}

/* The handler runs while the loop waits in the kernel. */
TEST(a_handler_wakes_a_loop_that_sleeps)
{
	pthread_t thread;
	sigset_t usr1;

	waker = ramet_waker_new();
	CHECK(waker != NULL);
	install(SA_ONSTACK);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &usr1, NULL), 0);
	thread = start_thread(kill_us, NULL);
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &usr1, NULL), 0);
	CHECK_EQ(ramet_waker_wait(waker), 0);
	join_thread(thread);
	CHECK(TEST_TSAN || on_alternate_stack());
	ramet_waker_free(waker);
}
