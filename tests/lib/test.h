/* test.h - the whole test framework.
 *
 *	TEST(ties_fire_in_arming_order)
 *	{
 *		CHECK_EQ(first(), 7);
 *	}
 *
 * Each TEST runs in its own process, must end within 20 seconds and must
 * close what it opened.  CHECK is not assert(): it also works in release
 * builds.  It may be called from any ramet or thread.
 *
 *	build/gcc/tests/timer_test [NAME...]    run all tests, or those named
 *	    --sweep [NAME...]   and again with each fallible call failing:
 *sweep.h TEST_SEED=n       replay a run of test_rand (a failure prints its
 *seed) TEST_TIMEOUT=n    n times the time: for valgrind, sanitizers, emulators
 *	TEST_LONG=1       twenty times the rounds
 */
#ifndef TEST_H
#define TEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __has_feature /* clang does not define __SANITIZE_ADDRESS__ */
#if __has_feature(address_sanitizer)
#define TEST_ASAN 1
#elif __has_feature(thread_sanitizer)
#define TEST_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(TEST_ASAN)
#define TEST_ASAN 1
#elif defined(__SANITIZE_THREAD__) && !defined(TEST_TSAN)
#define TEST_TSAN 1
#endif
#ifndef TEST_ASAN
#define TEST_ASAN 0
#endif
#ifndef TEST_TSAN
#define TEST_TSAN 0
#endif

struct test {
	const char *name;
	void (*run)(void);
	int limit_ms;
} __attribute__((aligned(32))); /* the linker collects them in an array */

#define TEST(id) TEST_WITHIN(id, 20000)

#define TEST_WITHIN(id, ms)                                                    \
	static void id(void);                                                  \
	static const struct test test_##id                                     \
		__attribute__((used, section("tests"))) = {#id, id, ms};       \
	static void id(void)

#define CHECK(cond)                                                            \
	((cond) ? (void)0                                                      \
		: test_fail(__FILE__, __LINE__, "%s does not hold", #cond))

#define CHECK_EQ(got, want)                                                    \
	test_equal(__FILE__, __LINE__, #got, (long long)(got),                 \
		   (long long)(want))

/* The call fails as libc's do: -1, or NULL, and errno. */
#define CHECK_ERR(expr, error)                                                 \
	do {                                                                   \
		errno = 0;                                                     \
		long long test_r_ = (long long)(expr);                         \
		test_error(__FILE__, __LINE__, #expr, test_r_, -1, error);     \
	} while (0)
#define CHECK_NULL(expr, error)                                                \
	do {                                                                   \
		errno = 0;                                                     \
		long long test_r_ = (long long)(intptr_t)(expr);               \
		test_error(__FILE__, __LINE__, #expr, test_r_, 0, error);      \
	} while (0)

/* End the test here: passed, failed, or impossible on this machine. */
_Noreturn void test_pass(void);
_Noreturn void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void test_skip(const char *reason);

/* A number below `below`; the same ones again with the same seed. */
uint32_t test_rand(uint32_t below);

/* True under valgrind, a sanitizer or an emulator (TEST_TIMEOUT > 1). */
bool test_slow(void);

/* Whether each test runs again and again, with calls that fail on purpose. */
bool test_is_swept(void);

/* n, or a tenth of it when slow, or twenty times as much in a long run; under
 * sweep, which repeats the whole test, no more than two. */
int test_rounds(int n);

/* How long to wait for what should not happen: less under sweep. */
static inline int64_t test_pause(int64_t ns)
{
	return test_is_swept() ? ns / 10 : ns;
}

/* A directory of this test's own, the same at each call.  When the test has
 * ended, in whatever way, it goes, and all in it. */
const char *test_dir(void);

/* Run fn in a child, keep the first size - 1 bytes of its stderr in buf.
 * Returns the wait status. */
int test_stderr_of(void (*fn)(void), char *buf, size_t size);

/* Descriptors open now are no leaks: they are the runtime's own.  A program
 * may define test_begin, which runs before each test and before the first
 * such count, to start a runtime that keeps descriptors. */
void test_fds_are_kept(void);
void test_begin(void);

/* Run one test in its own process; reason is set when it was skipped. */
enum test_result { TEST_PASSED, TEST_FAILED, TEST_SKIPPED };
enum test_result test_run(const struct test *t, const char **reason);

/* In a program of which what it tests may end with EINTR, as POSIX has it:
 * there --sweep allows tests to fail by interruptions, too. */
#define TEST_SEES_EINTR const char test_sees_eintr = 1
extern const char test_sees_eintr __attribute__((weak));

/* What the macros above call. */
void test_equal(const char *file, int line, const char *what, long long got,
		long long want);
void test_error(const char *file, int line, const char *what, long long got,
		long long want, int error);

#endif
