/* The framework notices what it promises to notice. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct test inner;
static char said[4096]; /* by the last inner test */

static void run_inner(void)
{
	const char *reason;
	enum test_result r = test_run(&inner, &reason);

	if (r == TEST_SKIPPED)
		fprintf(stderr, "skipped: %s\n", reason);
	_exit(r);
}

static void hang(void)
{
	for (;;)
		pause();
}

/* Running fn as a test ends with this result and says `words`. */
static void expect(void (*fn)(void), enum test_result want, const char *words)
{
	inner = (struct test){"inner", fn, fn == hang ? 300 : 20000};
	int status = test_stderr_of(run_inner, said, sizeof said);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), want);
	if (!strstr(said, words))
		test_fail(__FILE__, __LINE__, "'%s' is not in: %s", words,
			  said);
}

static void nothing(void)
{
}

static void wrong_check(void)
{
	CHECK(1 + 1 == 3);
}

static void wrong_number(void)
{
	CHECK_EQ(1 + 1, 3);
}

static void no_error(void)
{
	CHECK_ERR(0, EBADF);
}

static void other_error(void)
{
	CHECK_ERR(close(-1), EPIPE);
}

static void signalled(void)
{
	raise(SIGKILL);
}

static void leak(void)
{
	CHECK(open("/dev/null", O_RDONLY) >= 0);
}

static void keep(void)
{
	leak();
	test_fds_are_kept();
}

static void skip(void)
{
	test_skip("no moon tonight");
}

static void exit_early(void)
{
	exit(3);
}

static void two_numbers(void)
{
	unsigned a = test_rand(1000000), b = test_rand(1000000);

	test_fail("random", 0, "%u %u", a, b);
}

TEST(an_empty_test_passes)
{
	expect(nothing, TEST_PASSED, "");
}

TEST(a_failed_check_fails_the_test)
{
	expect(wrong_check, TEST_FAILED, "1 + 1 == 3 does not hold");
	expect(wrong_number, TEST_FAILED, "1 + 1 is 2, want 3");
	expect(no_error, TEST_FAILED, "0 with errno 0, want -1 with EBADF");
	expect(other_error, TEST_FAILED, "errno EBADF, want -1 with EPIPE");
}

TEST(a_signal_fails_the_test)
{
	expect(signalled, TEST_FAILED, "killed by SIGKILL");
}

TEST(an_early_exit_fails_the_test)
{
	expect(exit_early, TEST_FAILED, "exit status 3");
}

TEST(a_hanging_test_is_ended)
{
	expect(hang, TEST_FAILED, "no end after");
}

TEST(a_leaked_descriptor_fails_the_test)
{
	expect(leak, TEST_FAILED, "open: /dev/null");
	expect(keep, TEST_PASSED, "");
}

TEST(a_skipped_test_says_why)
{
	expect(skip, TEST_SKIPPED, "skipped: no moon tonight");
}

TEST(a_failure_prints_the_seed_that_replays_it)
{
	char first[sizeof said];

	setenv("TEST_SEED", "4711", 1);
	expect(two_numbers, TEST_FAILED, "TEST_SEED=4711");
	memcpy(first, said, sizeof said);
	expect(two_numbers, TEST_FAILED, "TEST_SEED=4711");
	CHECK(strcmp(first, said) == 0);
	setenv("TEST_SEED", "4712", 1);
	expect(two_numbers, TEST_FAILED, "TEST_SEED=4712");
	CHECK(strncmp(first, said, strlen("random:0: 123")) != 0);
}

TEST(errors_as_libc_reports_them_pass)
{
	CHECK_ERR(close(-1), EBADF);
	CHECK_NULL(fopen("/", "w"), EISDIR);
}

static void shout(void)
{
	for (int i = 0; i < 1000; i++)
		fprintf(stderr, "line %d\n", i);
	raise(SIGKILL);
}

TEST(captured_output_is_cut_to_the_buffer)
{
	char start[8];
	int status = test_stderr_of(shout, start, sizeof start);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(strcmp(start, "line 0\n") == 0);
}
