/* tls.c - variables that each thread has of its own, in the program, in libc,
 * and in libraries that come while threads run. */
#include "posix.h"

#include <ctype.h>
#include <dlfcn.h>
#include <locale.h>
#include <netdb.h>
#include <sched.h>

static __thread int number = 7;
static __thread char text[100];
static __thread char aligned[64] __attribute__((aligned(64)));

static void *join(pthread_t t)
{
	void *value;

	CHECK_EQ(pthread_join(t, &value), 0);
	return value;
}

static void *run(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, arg), 0);
	return join(t);
}

static void *use_all(void *arg)
{
	char want[20];

	CHECK_EQ(number, 7);
	CHECK_EQ(text[0], 0);
	CHECK_EQ((unsigned long)aligned % 64, 0);
	number = (int)(long)arg;
	snprintf(text, sizeof text, "%ld", (long)arg);
	snprintf(want, sizeof want, "%ld", (long)arg);
	for (int i = 0; i < 5; i++) {
		sched_yield();
		CHECK_EQ(number, (long)arg);
		CHECK(strcmp(text, want) == 0);
	}
	return NULL;
}

TEST(variables_are_fresh_in_each_thread_and_its_own)
{
	static pthread_t t[300];

	number = 1;
	for (int round = 0; round < 3; round++) {
		for (long i = 0; i < 300; i++)
			CHECK_EQ(pthread_create(&t[i], NULL, use_all,
						(void *)i),
				 0);
		for (int i = 0; i < 300; i++)
			join(t[i]);
	}
	CHECK_EQ(number, 1);
}

static void *same_address(void *arg)
{
	return arg == &number ? arg : NULL;
}

TEST(a_thread_can_use_another_ones_variable)
{
	CHECK(run(same_address, &number) == NULL);
}

static void *locale_of_its_own(void *arg)
{
	locale_t c = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);

	CHECK(uselocale((locale_t)0) == LC_GLOBAL_LOCALE);
	CHECK(isalpha('a') && !isalpha('1') && toupper('b') == 'B');
	if (c)
		uselocale(c);
	sched_yield();
	CHECK(!c || uselocale((locale_t)0) == c);
	return arg;
}

TEST(a_locale_is_not_left_to_the_next_thread)
{
	for (int i = 0; i < 10; i++)
		run(locale_of_its_own, NULL);
	CHECK(uselocale((locale_t)0) == LC_GLOBAL_LOCALE);
}

static void *fail_to_load(void *arg)
{
	CHECK(dlerror() == NULL);
	CHECK(dlopen("/no/such/library.so", RTLD_NOW) == NULL);
	CHECK_EQ(h_errno, 0);
	h_errno = 3;
	errno = 5;
	return arg;
}

TEST(errors_are_not_left_to_the_next_thread)
{
	for (int i = 0; i < 10; i++)
		run(fail_to_load, NULL);
	CHECK(dlerror() == NULL);
}

static void *messages(void *arg)
{
	char want[64];
	int error = 10000 + (int)(long)arg;

	snprintf(want, sizeof want, "Unknown error %d", error);
	CHECK(strcmp(strerror(error), want) == 0);
	return arg;
}

TEST(strerror_works_in_threads)
{
	for (long i = 0; i < 100; i++)
		run(messages, (void *)i);
}

/* ---- a library that comes later ------------------------------------------ */

static int (*volatile get)(void);
static volatile int waiting;

static void *call_later(void *arg)
{
	waiting++;
	while (!get)
		sched_yield();
	CHECK_EQ(get(), 42);
	return arg;
}

static void load(const char *variable)
{
	const char *path = getenv(variable);
	void *lib = path ? dlopen(path, RTLD_NOW) : NULL, *found;
	int (*call)(void);

	if (!path)
		skip("no library given");
	CHECK(lib != NULL);
	found = dlsym(lib, "get");
	CHECK(found != NULL);
	memcpy(&call, &found, sizeof call);
	get = call;
}

static void threads_meet(const char *variable)
{
	pthread_t t[20];

	for (int i = 0; i < 20; i++)
		run(messages, NULL); /* some have gone before */
	for (int i = 0; i < 20; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, call_later, NULL), 0);
	while (waiting < 20)
		sched_yield();
	load(variable);
	for (int i = 0; i < 20; i++)
		join(t[i]);
	run(call_later, NULL);
	CHECK_EQ(get(), 42);
}

TEST(a_library_with_static_tls_meets_threads_that_live)
{
	threads_meet("TEST_STATIC_TLS");
}

TEST(a_library_with_dynamic_tls_meets_threads_that_live)
{
	threads_meet("TEST_DYNAMIC_TLS");
}

static void *change_it(void *arg)
{
	int (*count)(void);

	memcpy(&count, &arg, sizeof count);
	CHECK_EQ(count(), 43);
	CHECK_EQ(count(), 44);
	return NULL;
}

TEST(dynamic_tls_is_fresh_in_each_thread)
{
	const char *path = getenv("TEST_DYNAMIC_TLS");
	void *lib = path ? dlopen(path, RTLD_NOW) : NULL;
	void *count;

	if (!path)
		skip("no library given");
	CHECK(lib != NULL);
	count = dlsym(lib, "count");
	for (int i = 0; i < 200; i++)
		run(change_it, count);
}

TEST(libraries_may_come_and_go_between_threads)
{
	const char *path = getenv("TEST_DYNAMIC_TLS");

	if (!path)
		skip("no library given");
	for (int i = 0; i < 200; i++) {
		void *lib = dlopen(path, RTLD_NOW);

		CHECK(lib != NULL);
		run(change_it, dlsym(lib, "count"));
		CHECK_EQ(dlclose(lib), 0);
		run(messages, NULL);
	}
}
