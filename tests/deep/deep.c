/* deep.c - every way to the end of a stack. */
#include "deep.h"

#include <stdlib.h>

#define NOINLINE __attribute__((noinline))

static volatile int deepest = 1 << 30;

static NOINLINE int recurse(int n)
{
	volatile char frame[200];

	frame[n % 200] = (char)n;
	if (n == deepest)
		return 0;
	return recurse(n + 1) + frame[n % 200];
}

static NOINLINE int take_much(void)
{
	volatile char frame[300 * 1000];

	for (size_t i = sizeof frame; i; i -= 1000)
		frame[i - 1] = 1;
	return frame[0];
}

static int by_recursion(const void *a, const void *b)
{
	(void)a, (void)b;
	return recurse(0);
}

static void begin(struct ramet_actor *me, const struct deep *d)
{
	if (d && d->first)
		d->first(me, d->arg);
}

int deep_call(struct ramet_actor *me, void *deep)
{
	begin(me, deep);
	return recurse(0);
}

int deep_frame(struct ramet_actor *me, void *deep)
{
	begin(me, deep);
	return take_much();
}

int deep_sort(struct ramet_actor *me, void *deep)
{
	int numbers[] = {3, 1, 2};

	begin(me, deep);
	qsort(numbers, 3, sizeof *numbers, by_recursion);
	return numbers[0];
}

int deep_through(struct ramet_actor *me, void *deep)
{
	begin(me, deep);
	return 0;
}

void deep_fall(void *unused)
{
	(void)unused;
	recurse(0);
}
