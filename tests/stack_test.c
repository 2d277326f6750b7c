/* Stacks: sizes, guards, reuse, giving memory back. */
#include "core/stack.h"
#include "ramet.h"
#include "ramets.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *use(void *bytes)
{
	char buf[1024];

	memset(buf, 1, sizeof buf);
	__asm__ volatile("" : : "r"(buf) : "memory");
	return (intptr_t)bytes > 1024 ? use((void *)((intptr_t)bytes - 1024))
	       : buf[7]               ? bytes
				      : NULL;
}

static void with_stack(size_t size, size_t bytes)
{
	struct ramet_opts opts = {.stack_size = size};
	struct ramet *t = made(ramet_spawn_opts(use, (void *)bytes, &opts));

	CHECK(t != NULL);
	CHECK_EQ(ramet_yield(), 0);
	CHECK(ramet_stack_used(t) >= bytes);
	CHECK_EQ(ramet_join(t, NULL), 0);
}

TEST(sizes_from_16_kib_to_64_mib_hold_what_they_promise)
{
	if (TEST_ASAN)
		test_skip("redzones make frames larger");
	for (size_t size = 16 * 1024; size <= (size_t)64 << 20; size *= 2) {
		size_t guard = size / 4 < 128 * 1024 ? size / 4 : 128 * 1024;
		size_t room = size - guard;

		with_stack(size, room > (8 << 20) ? 8 << 20 : room * 6 / 10);
	}
	with_stack(20000, 8000); /* rounded up */
	with_stack(1, 4000);
}

/* A system call that reads the guard gets EFAULT; reading it ourselves would
 * end the test. */
static bool readable(const char *p, int out)
{
	return write(out, p, 1) == 1;
}

static void *idle(void *arg)
{
	ramet_sleep(3600 * RAMET_SEC);
	return arg;
}

TEST(every_stack_has_a_guard_and_neighbours_are_intact)
{
	enum { N = 3000 };
	static struct ramet *t[N];
	int n = test_slow() ? N / 10 : N, fds[2];

	CHECK(pipe(fds) == 0);
	for (int i = 0; i < n; i++)
		t[i] = spawn(idle, NULL);
	CHECK_EQ(ramet_yield(), 0);
	for (int i = 0; i < n; i++) {
		char *low, byte;
		size_t size, guard = stack_guard_size(t[i]->cold->class->size);

		ramet__stack_bounds(t[i], &low, &size);
		CHECK(!readable(low - 1, fds[1]));
		CHECK(!readable(low - guard, fds[1]));
		CHECK(readable(low, fds[1]));
		CHECK(read(fds[0], &byte, 1) == 1);
	}
	for (int i = 0; i < n; i++) {
		CHECK_EQ(ramet_cancel(t[i]), 0);
		CHECK_EQ(ramet_join(t[i], NULL), 0);
	}
	close(fds[0]);
	close(fds[1]);
}

TEST(the_stack_that_was_freed_last_is_used_first)
{
	struct ramet *a = spawn(use, NULL), *b;

	CHECK_EQ(ramet_join(a, NULL), 0);
	b = spawn(use, NULL);
	CHECK(a == b);
	CHECK_EQ(ramet_join(b, NULL), 0);
}

static long resident_kb(void)
{
	char text[4096];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);
	const char *line;

	CHECK(n > 0);
	text[n] = '\0';
	close(fd);
	line = strstr(text, "VmRSS:");
	return strtol(line + 6, NULL, 10);
}

TEST(trim_gives_the_memory_of_idle_stacks_back)
{
	enum { N = 2000 };
	static struct ramet *t[N];
	long before, full, after;
	int slow = test_slow() ? 10 : 1;

	if (TEST_ASAN || TEST_TSAN || ramet__on_valgrind)
		test_skip("the tool's own memory for stacks stays");
	CHECK_EQ(ramet_join(spawn(use, NULL), NULL), 0);
	before = resident_kb();
	for (int i = 0; i < N / slow; i++)
		t[i] = spawn(use, (void *)(intptr_t)16384);
	CHECK_EQ(ramet_yield(), 0);
	full = resident_kb();
	for (int i = 0; i < N / slow; i++)
		CHECK_EQ(ramet_join(t[i], NULL), 0);
	CHECK(full - before > 16 * N / slow);
	CHECK(ramet_trim() >= (size_t)(N / slow));
	CHECK_EQ(ramet_trim(), 0);
	after = resident_kb();
	CHECK(after - before < (full - before) / 5);
	CHECK_EQ(ramet_join(spawn(use, (void *)5000), NULL), 0);
}

static int mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	int n = 0;

	for (int c; (c = getc(f)) != EOF;)
		n += c == '\n';
	fclose(f);
	return n;
}

TEST_WITHIN(a_hundred_thousand_stacks_need_few_mappings, 60000)
{
	enum { N = 100000 };
	static struct ramet *t[N];
	int before = mappings(), n = test_slow() ? N / 200 : N;

	if (TEST_TSAN)
		test_skip("the sanitizer maps memory for each stack");
	for (int i = 0; i < n; i++) {
		t[i] = spawn(idle, NULL);
		CHECK(t[i] != NULL);
	}
	CHECK_EQ(ramet_yield(), 0);
	if (t[0]->flags & FLAG_CANARY || mappings() - before > 1000)
		test_skip("this kernel has no MADV_GUARD_INSTALL");
	CHECK(mappings() - before < 40);
	for (int i = 0; i < n; i++) {
		CHECK_EQ(ramet_cancel(t[i]), 0);
		CHECK_EQ(ramet_join(t[i], NULL), 0);
	}
}
