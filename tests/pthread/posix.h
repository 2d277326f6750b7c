/* posix.h - tests of what POSIX promises, as plain programs that know nothing
 * of ramets: each runs natively, to show that the test is right, and under
 * `ramet run`, to show that we are.
 *
 *	TEST(join_returns_the_value)
 *	{
 *		CHECK_EQ(pthread_join(t, &value), 0);
 *	}
 *
 * Each TEST runs in its own process and must end within ten seconds
 * (TEST_TIMEOUT=n: n times that).  Names as arguments: only those.  Output is
 * TAP.  The whole of it is this file, and it is used by one .c file a program.
 */
#ifndef POSIX_H
#define POSIX_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct posix_test {
	const char *name;
	void (*run)(void);
	void *unused[2];
} __attribute__((aligned(32))); /* the linker collects them in an array */

#define TEST(id)                                                               \
	static void id(void);                                                  \
	static const struct posix_test test_##id                               \
		__attribute__((used,                                           \
			       section("posix_tests"))) = {#id, id, {0}};      \
	static void id(void)

extern const struct posix_test posix_first[] __asm__("__start_posix_tests");
extern const struct posix_test posix_last[] __asm__("__stop_posix_tests");

enum { POSIX_FAILED = 1, POSIX_SKIPPED = 77 };

#define CHECK(cond)                                                            \
	((cond) ? (void)0 : posix_fail(__FILE__, __LINE__, #cond, 0, 1))

/* Two integers or pointers that must be equal. */
#define CHECK_EQ(got, want)                                                    \
	posix_equal(__FILE__, __LINE__, #got, (long)(got), (long)(want))

/* The call returns -1 and errno. */
#define CHECK_ERR(expr, error)                                                 \
	do {                                                                   \
		errno = 0;                                                     \
		CHECK_EQ(expr, -1);                                            \
		CHECK_EQ(errno, error);                                        \
	} while (0)

/* End the process of this test at once, whatever its other threads do. */
__attribute__((noreturn, unused)) static void posix_fail(const char *file,
							 int line,
							 const char *what,
							 long got, long want)
{
	char text[512];
	int n = snprintf(text, sizeof text, "# %s:%d: %s: %ld, not %ld\n", file,
			 line, what, got, want);

	n = (int)write(1, text, (size_t)n);
	_exit(n < 0 ? POSIX_FAILED + 1 : POSIX_FAILED);
}

__attribute__((unused)) static void posix_equal(const char *file, int line,
						const char *what, long got,
						long want)
{
	if (got != want)
		posix_fail(file, line, what, got, want);
}

__attribute__((noreturn, unused)) static void skip(const char *reason)
{
	printf("# skipped: %s\n", reason);
	fflush(stdout);
	_exit(POSIX_SKIPPED);
}

/* Whether threads are ramets here. */
__attribute__((unused)) static int under_ramet(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && strstr(preload, "libramet-preload") != NULL;
}

/* How many threads the kernel sees: each has a directory.  Not by reading a
 * file, for that may be a helper thread's work. */
__attribute__((unused)) static int os_threads(void)
{
	struct stat st;

	return stat("/proc/self/task", &st) == 0 ? (int)st.st_nlink - 2 : -1;
}

__attribute__((unused)) static void sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

/* Now on a clock, and ms later. */
__attribute__((unused)) static struct timespec in_ms(clockid_t clock, long ms)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += ms % 1000 * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	return ts;
}

__attribute__((unused)) static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The wait status of a child; one that does not end in time is killed. */
static int posix_wait(pid_t child)
{
	const char *times = getenv("TEST_TIMEOUT");
	long limit = 10000 * (times ? atoi(times) : 1), start = now_ms();
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		if (now_ms() - start > limit) {
			printf("# too slow, or hangs\n");
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			break;
		}
		sleep_ms(1);
	}
	return status;
}

/* Run fn in a child; its wait status. */
__attribute__((unused)) static int status_of(void (*fn)(void))
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		fn();
		fflush(stdout);
		_exit(0);
	}
	return posix_wait(child);
}

static int posix_run(const struct posix_test *t, int number)
{
	int status = status_of(t->run);
	int skipped = WIFEXITED(status) && WEXITSTATUS(status) == POSIX_SKIPPED;
	int passed = status == 0 || skipped;

	if (WIFSIGNALED(status))
		printf("# killed by signal %d\n", WTERMSIG(status));
	printf("%sok %d %s%s\n", passed ? "" : "not ", number, t->name,
	       skipped ? " # SKIP" : "");
	fflush(stdout);
	return passed;
}

static int posix_wanted(const struct posix_test *t, char **names)
{
	if (!*names)
		return 1;
	for (; *names; names++)
		if (strcmp(*names, t->name) == 0)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	const struct posix_test *t;
	int n = 0, passed = 0;

	(void)argc;
	setenv("RAMET_WATCHDOG", "0", 0); /* one more OS thread */
	signal(SIGHUP, SIG_DFL);          /* ignored, as under nohup */
	signal(SIGQUIT, SIG_DFL);         /* or in a shell's background */
	for (t = posix_first; t != posix_last; t++)
		if (posix_wanted(t, argv + 1))
			passed += posix_run(t, ++n);
	printf("1..%d\n", n);
	return passed == n ? 0 : 1;
}

#endif
