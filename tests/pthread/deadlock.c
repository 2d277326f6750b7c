/* deadlock.c - threads that wait for each other hang, as natively; under `ramet
 * run` the process says so, once. */
#include "posix.h"

#include <sched.h>

static pthread_t ring[3];
static volatile int started;

static void *join_next(void *i)
{
	started++;
	while (started < 3)
		sched_yield();
	pthread_join(ring[((long)i + 1) % 3], NULL);
	return NULL;
}

static int fds[2];

static void wait_for_each_other(void)
{
	dup2(fds[1], 2);
	for (long i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&ring[i], NULL, join_next, (void *)i),
			 0);
	pthread_exit(NULL);
}

/* What a child writes to its stderr in 0.3 s; it is killed by SIGTERM then. */
static char *report_of(void (*fn)(void), int *status)
{
	static char text[8192];
	pid_t child;
	ssize_t n;

	CHECK_EQ(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		fn();
		_exit(0);
	}
	close(fds[1]);
	sleep_ms(300);
	kill(child, SIGTERM);
	*status = posix_wait(child);
	n = read(fds[0], text, sizeof text - 1);
	CHECK(n >= 0);
	text[n] = '\0';
	return text;
}

TEST(a_deadlock_hangs_until_a_signal_kills)
{
	int status;
	char *text = report_of(wait_for_each_other, &status);

	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTERM);
	if (!under_ramet()) {
		CHECK_EQ(*text, 0);
		return;
	}
	CHECK(strstr(text, "ramet: deadlock") == text);
	CHECK(strstr(text + 1, "ramet: deadlock") == NULL);
	CHECK(strstr(text, "as a pthread, to run") != NULL);
	CHECK(strstr(text, "join_next") != NULL);
}

static void do_nothing(int sig)
{
	(void)sig;
}

static void wait_with_a_handler(void)
{
	signal(SIGUSR1, do_nothing);
	wait_for_each_other();
}

TEST(nothing_is_said_where_a_signal_handler_may_help)
{
	int status;
	char *text = report_of(wait_with_a_handler, &status);

	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTERM);
	CHECK_EQ(*text, 0);
}

static pthread_mutex_t left = PTHREAD_MUTEX_INITIALIZER, right = PTHREAD_MUTEX_INITIALIZER;

static void *lock_both(void *first)
{
	pthread_mutex_t *other = first == &left ? &right : &left;

	pthread_setname_np(pthread_self(), first == &left ? "lefty" : "righty");
	CHECK_EQ(pthread_mutex_lock(first), 0);
	sleep_ms(20);
	pthread_mutex_lock(other);
	return NULL;
}

static void lock_crosswise(void)
{
	pthread_t t[2];

	dup2(fds[1], 2);
	CHECK_EQ(pthread_create(&t[0], NULL, lock_both, &left), 0);
	CHECK_EQ(pthread_create(&t[1], NULL, lock_both, &right), 0);
	pthread_join(t[0], NULL);
}

TEST(the_report_names_the_locks_and_who_holds_them)
{
	int status;
	char *text = report_of(lock_crosswise, &status), *cycle;

	CHECK_EQ(WTERMSIG(status), SIGTERM);
	if (!under_ramet())
		return;
	cycle = strstr(text, "waits for mutex 0x");
	CHECK(cycle != NULL);
	CHECK(strstr(cycle, ", held by ramet ") != NULL);
	CHECK(strstr(cycle + 1, "waits for mutex 0x") != NULL);
	CHECK(strstr(text, "\"lefty\"") != NULL);
	CHECK(strstr(text, "\"righty\"") != NULL);
	CHECK(cycle < strstr(text, "\"main\"")); /* cycles come first */
}
