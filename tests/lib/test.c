/* test.c - runs every TEST of a program in its own process and prints TAP.
 *
 * The parent only forks, waits and kills: whatever a test does to its process
 * (overflow a stack, exhaust descriptors, hang), the next test starts clean.
 */
#include "test.h"
#include "sweep.h"

#include "core/core.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REASON_MAX = 256, FDS_MAX = 4096 };

extern const struct test __start_tests[], __stop_tests[];

static uint64_t random_state;
static bool kept[FDS_MAX]; /* descriptors that are no leak */
static char *skip_reason;  /* shared with the children, one at a time */

static long number_from_env(const char *name, long otherwise)
{
	const char *s = getenv(name);

	return s && *s ? strtol(s, NULL, 10) : otherwise;
}

static unsigned long long seed(void)
{
	const char *s = getenv("TEST_SEED");

	return s && *s ? strtoull(s, NULL, 10) : 1;
}

uint32_t test_rand(uint32_t below) /* splitmix64 */
{
	random_state += 0x9e3779b97f4a7c15u;
	uint64_t z = random_state;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ (z >> 31)) % below);
}

bool test_slow(void)
{
	return number_from_env("TEST_TIMEOUT", 1) > 1;
}

int test_rounds(int n)
{
	if (test_slow())
		n = n < 10 ? 1 : n / 10;
	if (number_from_env("TEST_LONG", 0))
		return n * 20;
	return test_is_swept() && n > 2 ? 2 : n;
}

/* ---- how a test ends ---- */

_Noreturn void test_pass(void)
{
	exit(0); /* not _exit: LeakSanitizer and valgrind look at this point */
}

_Noreturn void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	_exit(TEST_EXIT_FAILED);
}

_Noreturn void test_skip(const char *reason)
{
	snprintf(skip_reason, REASON_MAX, "%s", reason);
	_exit(TEST_EXIT_SKIPPED);
}

void test_equal(const char *file, int line, const char *what, long long got,
		long long want)
{
	if (got != want)
		test_fail(file, line, "%s is %lld, want %lld", what, got, want);
}

static const char *error_name(int error)
{
	const char *name = error ? strerrorname_np(error) : "0";

	return name ? name : "unknown";
}

void test_error(const char *file, int line, const char *what, long long got,
		long long want, int error)
{
	int e = errno;

	if (got != want || e != error)
		test_fail(file, line,
			  "%s is %lld with errno %s, want %lld with %s", what,
			  got, error_name(e), want, error_name(error));
}

/* ---- descriptors ---- */

/* The first open descriptor that is not kept, or -1.  fcntl hides those that
 * valgrind reserves for itself. */
static int find_new_fd(bool keep)
{
	DIR *d = opendir("/proc/self/fd");
	int found = -1;

	for (struct dirent *e; d && (e = readdir(d));) {
		int fd = atoi(e->d_name);

		if (e->d_name[0] == '.' || fd == dirfd(d) || fd >= FDS_MAX ||
		    kept[fd] || fcntl(fd, F_GETFD) < 0)
			continue;
		kept[fd] = keep;
		if (!keep && found < 0)
			found = fd;
	}
	if (d)
		closedir(d);
	return found;
}

void test_fds_are_kept(void)
{
	find_new_fd(true);
}

static void check_fds(const char *test)
{
	char path[32], target[128];
	int fd = find_new_fd(false);

	if (fd < 0)
		return;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(path, target, sizeof target - 1);
	target[n > 0 ? n : 0] = '\0';
	fprintf(stderr, "%s left descriptor %d open: %s\n", test, fd, target);
	_exit(1);
}

/* ---- files ---- */

static void name_dir(char *path, size_t size, pid_t test)
{
	snprintf(path, size, "/tmp/ramet-test-%d", (int)test);
}

const char *test_dir(void)
{
	static char path[64];

	if (!*path) {
		name_dir(path, sizeof path, getpid());
		CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);
	}
	return path;
}

static int remove_one(const char *path, const struct stat *st, int kind,
		      struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path) < 0 && errno != ENOENT;
}

static void remove_dir(pid_t test)
{
	char path[64];

	name_dir(path, sizeof path, test);
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- processes ---- */

/* A child that does not outlive its parent and keeps out of its output. */
static pid_t fork_child(void)
{
	fflush(NULL);
	pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(STDERR_FILENO, STDOUT_FILENO);
	}
	return pid;
}

int test_stderr_of(void (*fn)(void), char *buf, size_t size)
{
	int fds[2], status;
	size_t used = 0;
	char more[512];

	if (pipe(fds) < 0)
		test_fail(__FILE__, __LINE__, "pipe: %m");
	pid_t pid = fork_child();
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		fn();
		exit(0);
	}
	close(fds[1]);
	for (ssize_t n; (n = read(fds[0], more, sizeof more)) > 0;) {
		size_t room = size - 1 - used;
		size_t take = (size_t)n < room ? (size_t)n : room;

		memcpy(buf + used, more, take);
		used += take;
	}
	buf[used] = '\0';
	close(fds[0]);
	waitpid(pid, &status, 0);
	return status;
}

int64_t test_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Wait for pid until `end`; false when time is up.  Needs SIGCHLD blocked. */
static bool wait_until(int64_t end, pid_t pid, int *status)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	while (waitpid(pid, status, WNOHANG) != pid) {
		int64_t left = end - test_now_ms();
		struct timespec t = {left / 1000, left % 1000 * 1000000};

		if (left <= 0)
			return false;
		sigtimedwait(&child, NULL, &t);
	}
	return true;
}

/* What a test has started and left behind is ours now; without end it would
 * keep whoever reads our output waiting. */
static void kill_orphans(void)
{
	FILE *f;
	int pid;

	while ((f = fopen("/proc/thread-self/children", "r"))) {
		bool any = fscanf(f, "%d", &pid) == 1;

		fclose(f);
		if (!any)
			return;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

/* Wait for pid, and kill it when it takes longer than ms. */
static bool ends_within(long ms, pid_t pid, int *status)
{
	sigset_t child, before;
	bool ended;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ended = wait_until(test_now_ms() + ms, pid, status);
	if (!ended) {
		kill(pid, SIGKILL);
		waitpid(pid, status, 0);
	}
	kill_orphans();
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ended;
}

/* The loop's poller is open from the beginning, so that its descriptors are
 * not taken for leaks. */
__attribute__((weak)) void test_begin(void)
{
	struct loop *l = ramet__loop();

	CHECK(l != NULL);
	CHECK_EQ(ramet__poller(l), 0);
}

static _Noreturn void run_child(const struct test *t, void (*before)(void))
{
	random_state = seed();
	test_begin();
	test_fds_are_kept();
	if (before)
		before();
	t->run();
	check_fds(t->name);
	test_pass();
}

bool test_process(const struct test *t, int64_t ms, void (*before)(void),
		  int *status)
{
	pid_t pid = fork_child();
	bool ended;

	if (pid == 0)
		run_child(t, before);
	ended = ends_within(ms, pid, status);
	remove_dir(pid);
	return ended;
}

void test_explain(const struct test *t, int status)
{
	if (WIFSIGNALED(status))
		fprintf(stderr, "%s: killed by SIG%s", t->name,
			sigabbrev_np(WTERMSIG(status)));
	else
		fprintf(stderr, "%s: exit status %d", t->name,
			WEXITSTATUS(status));
	fprintf(stderr, "; again: TEST_SEED=%llu %s %s\n", seed(),
		program_invocation_name, t->name);
}

int64_t test_limit(const struct test *t)
{
	return t->limit_ms * number_from_env("TEST_TIMEOUT", 1);
}

enum test_result test_run(const struct test *t, const char **reason)
{
	int64_t ms = test_limit(t);
	int status;

	if (!skip_reason)
		skip_reason = mmap(NULL, REASON_MAX, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*reason = skip_reason;
	if (!test_process(t, ms, NULL, &status))
		fprintf(stderr, "%s: no end after %lld ms\n", t->name,
			(long long)ms);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return TEST_PASSED;
	if (WIFEXITED(status) && WEXITSTATUS(status) == TEST_EXIT_SKIPPED)
		return TEST_SKIPPED;
	test_explain(t, status);
	return TEST_FAILED;
}

/* ---- the program ---- */

static bool wanted(const struct test *t, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (strcmp(*names, t->name) == 0)
			return true;
	return false;
}

static bool swept;

/* Right from the first run, without faults, which tells how many chances there
 * are: those of a heavier load would mostly never come. */
bool test_is_swept(void)
{
	return swept;
}

int main(int argc, char **argv)
{
	int number = 0, failed = 0, planned = 0;
	char **names;
	const char *reason;

	swept = argc > 1 && strcmp(argv[1], "--sweep") == 0;
	names = argv + 1 + swept;
	/* A machine that is slow is no news; watchdog_test.c has it. */
	setenv("RAMET_WATCHDOG", "0", 0);
	signal(SIGCHLD, SIG_DFL); /* ignored, it would eat the wait status */
	signal(SIGQUIT, SIG_DFL); /* ignored, as in a shell's background */
	for (const struct test *t = __start_tests; t != __stop_tests; t++)
		planned += wanted(t, names);
	printf("1..%d\n", planned);
	for (const struct test *t = __start_tests; t != __stop_tests; t++) {
		if (!wanted(t, names))
			continue;
		enum test_result r = test_run(t, &reason);
		if (swept && r == TEST_PASSED)
			r = test_sweep(t);
		printf("%sok %d - %s", r == TEST_FAILED ? "not " : "", ++number,
		       t->name);
		if (r == TEST_SKIPPED)
			printf(" # SKIP %s", reason);
		putchar('\n');
		failed += r == TEST_FAILED;
	}
	if (*names && !planned)
		fprintf(stderr, "%s: no such test\n", *names);
	return failed || (*names && !planned);
}
