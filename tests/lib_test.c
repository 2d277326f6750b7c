/* The framework notices what it promises to notice. */
#include "sweep.h"

#include "kernel/calls.h"

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

static void sweep_inner(void)
{
	_exit(test_sweep(&inner));
}

static void hang(void)
{
	for (;;)
		pause();
}

/* `run` with fn as the test ends with this result and says `words`. */
static void expect_of(void (*run)(void), void (*fn)(void), int limit_ms,
		      enum test_result want, const char *words)
{
	inner = (struct test){"inner", fn, limit_ms};
	int status = test_stderr_of(run, said, sizeof said);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), want);
	if (!strstr(said, words))
		test_fail(__FILE__, __LINE__, "'%s' is not in: %s", words,
			  said);
}

static void expect(void (*fn)(void), enum test_result want, const char *words)
{
	expect_of(run_inner, fn, fn == hang ? 300 : 20000, want, words);
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

static void leave_a_file(void)
{
	char path[96];

	snprintf(path, sizeof path, "%s/left", test_dir());
	CHECK(open(path, O_CREAT | O_WRONLY, 0600) >= 0);
	test_fail(test_dir(), 1, "is where it was");
}

TEST(a_tests_directory_goes_with_it)
{
	expect(leave_a_file, TEST_FAILED, ":1: is where it was");
	*strchr(said, ':') = '\0';
	CHECK(strncmp(said, "/tmp/ramet-test-", 16) == 0);
	CHECK_ERR(access(said, F_OK), ENOENT);
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

/* ---- sweeps ------------------------------------------------------------- */

static void crash_without_memory(void)
{
	volatile char *mem = kernel_alloc(1);

	*mem = 1;
	kernel_free((void *)(uintptr_t)mem);
}

static void hang_without_memory(void)
{
	void *mem = kernel_alloc(1);

	if (!mem)
		hang();
	kernel_free(mem);
}

static void leak_without_a_second(void)
{
	int a = kernel_dup(0), b = kernel_dup(0);

	if (a < 0 || b < 0)
		return;
	kernel_close(a);
	kernel_close(b);
}

static void notice_a_signal(void)
{
	int fds[2];
	char c;

	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(kernel_read(fds[0], &c, 1), 1);
	close(fds[0]);
	close(fds[1]);
}

static void fail_cleanly(void)
{
	void *mem = kernel_alloc(1);

	CHECK(mem);
	kernel_free(mem);
}

TEST(a_sweep_finds_what_a_failed_call_does)
{
	expect_of(sweep_inner, fail_cleanly, 20000, TEST_PASSED, "1 errors");
	expect_of(sweep_inner, leak_without_a_second, 20000, TEST_FAILED,
		  "TEST_FAULT=error:1: inner: exit status 1");
	expect_of(sweep_inner, hang_without_memory, 3000, TEST_FAILED,
		  "TEST_FAULT=error:1: no end");
	expect_of(sweep_inner, notice_a_signal, 20000, TEST_FAILED,
		  "TEST_FAULT=eintr:1: inner: exit status 76");
	expect_of(sweep_inner, crash_without_memory, 20000, TEST_FAILED,
		  "TEST_FAULT=error:1: inner: ");
}
