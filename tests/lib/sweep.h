/* sweep.h - runs a test again and again, each time with another call failing.
 *
 * A call that fails with an error may fail the test's own checks.  What it must
 * not do is crash, hang, trip a sanitizer, or leave a descriptor or memory
 * behind when the test passes nevertheless.  One that a signal interrupts must
 * not be noticed at all, unless the program has TEST_SEES_EINTR.
 *
 *	TEST_FAULT=error:17, TEST_FAULT=eintr:17    in place of all of them
 */
#ifndef SWEEP_H
#define SWEEP_H

#include "test.h"

/* The test has passed without faults. */
enum test_result test_sweep(const struct test *t);

/* ---- what test.c does for it -------------------------------------------- */

/* How a test's process ends when it does not pass; any other way is the fault
 * of what is tested. */
enum { TEST_EXIT_FAILED = 76, TEST_EXIT_SKIPPED = 77 };

/* Run a test in a process of its own, which calls `before` just before it; kill
 * it when it takes longer than ms.  False if so. */
bool test_process(const struct test *t, int64_t ms, void (*before)(void),
		  int *status);

/* How long it may take, in ms. */
int64_t test_limit(const struct test *t);
int64_t test_now_ms(void);

/* Print how it ended and how to do it again. */
void test_explain(const struct test *t, int status);

#endif
