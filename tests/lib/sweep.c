/* sweep.c - which chances are taken, and what may come of it. */
#include "sweep.h"
#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a test is swept, and how often it runs at least, if it takes long.
 */
enum { SWEEP_MS = 120, RUNS_MIN = 8 };

static struct faults *faults; /* shared with the test's processes */
static int said = -1;         /* a file for what they say */

static void begin(void)
{
	if (said >= 0)
		dup2(said, STDERR_FILENO);
	faults_begin(faults);
}

static void show(void)
{
	char text[4096];
	off_t at = 0;

	for (ssize_t n; (n = pread(said, text, sizeof text, at)) > 0; at += n)
		if (write(STDERR_FILENO, text, (size_t)n) < 0)
			return;
}

static bool may_end_so(enum fault kind, int status)
{
	if (!WIFEXITED(status))
		return false;
	if (WEXITSTATUS(status) == 0)
		return true;
	return (kind == FAULT_ERROR || &test_sees_eintr) &&
	       (WEXITSTATUS(status) == TEST_EXIT_FAILED ||
		WEXITSTATUS(status) == TEST_EXIT_SKIPPED);
}

/* Returns whether all is well. */
static bool run(const struct test *t, enum fault kind, uint64_t only)
{
	int status;
	bool ended;

	*faults = (struct faults){.kind = kind, .only = only};
	if (ftruncate(said, 0) < 0 || lseek(said, 0, SEEK_SET) < 0)
		test_fail(__FILE__, __LINE__, "said: %m");
	ended = test_process(t, test_limit(t), begin, &status);
	if (ended && may_end_so(kind, status))
		return true;
	show();
	fprintf(stderr, "TEST_FAULT=%s:%llu: %s",
		kind == FAULT_EINTR ? "eintr" : "error",
		(unsigned long long)only, ended ? "" : "no end; ");
	test_explain(t, status);
	return false;
}

/* Take each chance, or the first ones and then some of the rest: many chances
 * come from loops. */
static bool run_each(const struct test *t, enum fault kind, uint64_t chances,
		     uint64_t runs)
{
	bool well = true;
	uint64_t first = chances <= runs ? chances : runs - runs / 4;
	uint64_t step = 1 + (chances - first) / (1 + runs - first);

	for (uint64_t i = 1; i <= chances; i += i <= first ? 1 : step)
		well = run(t, kind, i) && well;
	return well;
}

/* The one that TEST_FAULT names. */
static bool run_named(const struct test *t, const char *name)
{
	enum fault kind =
		strncmp(name, "eintr", 5) == 0 ? FAULT_EINTR : FAULT_ERROR;
	const char *number = strchr(name, ':');
	bool well = run(t, kind, number ? strtoull(number + 1, NULL, 10) : 0);

	if (well)
		show();
	return well;
}

enum test_result test_sweep(const struct test *t)
{
	const char *named = getenv("TEST_FAULT");
	int64_t begun = test_now_ms();
	uint64_t errors, eintrs, runs;
	bool well;

	if (!faults) {
		faults = mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		said = memfd_create("said", MFD_CLOEXEC);
	}
	if (named)
		return run_named(t, named) ? TEST_PASSED : TEST_FAILED;
	if (!run(t, FAULT_NONE, 0))
		return TEST_FAILED;
	errors = faults->errors;
	eintrs = faults->eintrs;
	runs = getenv("TEST_LONG")
		       ? UINT64_MAX
		       : RUNS_MIN + SWEEP_MS / (uint64_t)(1 + test_now_ms() -
							  begun);
	well = run_each(t, FAULT_ERROR, errors, runs);
	well = run_each(t, FAULT_EINTR, eintrs, runs) && well;
	fprintf(stderr, "%s: %llu errors, %llu interruptions\n", t->name,
		(unsigned long long)errors, (unsigned long long)eintrs);
	return well ? TEST_PASSED : TEST_FAILED;
}
