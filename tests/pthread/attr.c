/* attr.c - attributes of threads, and what they are asked about later. */
#include "posix.h"

#include <limits.h>
#include <sched.h>
#include <sys/mman.h>

static pthread_attr_t attr;

static void *run(void *(*fn)(void *), void *arg)
{
	pthread_t t;
	void *value;

	CHECK_EQ(pthread_create(&t, &attr, fn, arg), 0);
	CHECK_EQ(pthread_join(t, &value), 0);
	return value;
}

/* The stack that contains the address, as the thread sees it. */
static size_t check_stack(const void *address)
{
	pthread_attr_t mine;
	void *low;
	size_t size;

	CHECK_EQ(pthread_getattr_np(pthread_self(), &mine), 0);
	CHECK_EQ(pthread_attr_getstack(&mine, &low, &size), 0);
	CHECK((const char *)address >= (char *)low);
	CHECK((const char *)address < (char *)low + size);
	CHECK_EQ(pthread_attr_destroy(&mine), 0);
	return size;
}

static void *own_stack(void *unused)
{
	char here;

	(void)unused;
	return (void *)check_stack(&here);
}

TEST(getattr_knows_the_stack_of_main)
{
	char here;

	check_stack(&here);
}

TEST(getattr_knows_the_stack_of_a_thread)
{
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK((size_t)run(own_stack, NULL) >= 1 << 20);
}

TEST(a_stack_is_at_least_as_large_as_asked_for)
{
	size_t sizes[] = {PTHREAD_STACK_MIN, 65536, 1 << 20, 3 << 20, 32 << 20};

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		CHECK_EQ(pthread_attr_init(&attr), 0);
		CHECK_EQ(pthread_attr_setstacksize(&attr, sizes[i]), 0);
		CHECK((size_t)run(own_stack, NULL) >= sizes[i]);
	}
}

static void *touch_all(void *unused)
{
	pthread_attr_t mine;
	void *low;
	size_t size, guard;
	char here;

	(void)unused;
	CHECK_EQ(pthread_getattr_np(pthread_self(), &mine), 0);
	CHECK_EQ(pthread_attr_getstack(&mine, &low, &size), 0);
	CHECK_EQ(pthread_attr_getguardsize(&mine, &guard), 0);
	for (volatile char *p = &here; p >= (char *)low; p -= 4096)
		*p = 1;
	return NULL;
}

TEST(all_of_the_stack_that_getattr_says_can_be_used)
{
	CHECK_EQ(pthread_attr_init(&attr), 0);
	run(touch_all, NULL);
}

TEST(a_stack_that_is_too_small_is_EINVAL)
{
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attr, 100), EINVAL);
}

TEST(a_stack_of_the_programs_is_as_large)
{
	size_t size = 1 << 20;
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(mem != MAP_FAILED);
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstack(&attr, mem, size), 0);
	CHECK((size_t)run(own_stack, NULL) >= size);
	CHECK_EQ(munmap(mem, size), 0);
}

static void *detach_state(void *unused)
{
	pthread_attr_t mine;
	int state = -1;

	(void)unused;
	CHECK_EQ(pthread_getattr_np(pthread_self(), &mine), 0);
	CHECK_EQ(pthread_attr_getdetachstate(&mine, &state), 0);
	CHECK_EQ(pthread_attr_destroy(&mine), 0);
	return (void *)(long)state;
}

TEST(getattr_knows_that_a_thread_is_joinable)
{
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(run(detach_state, NULL), PTHREAD_CREATE_JOINABLE);
}

static volatile long detached = -1;

static void *keep_detach_state(void *unused)
{
	detached = (long)detach_state(unused);
	return NULL;
}

TEST(getattr_knows_that_a_thread_is_detached)
{
	pthread_t t;

	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED),
		 0);
	CHECK_EQ(pthread_create(&t, &attr, keep_detach_state, NULL), 0);
	while (detached < 0)
		sched_yield();
	CHECK_EQ(detached, PTHREAD_CREATE_DETACHED);
}

static void *guard_size(void *unused)
{
	pthread_attr_t mine;
	size_t size = 0;

	(void)unused;
	CHECK_EQ(pthread_getattr_np(pthread_self(), &mine), 0);
	CHECK_EQ(pthread_attr_getguardsize(&mine, &size), 0);
	return (void *)size;
}

TEST(getattr_knows_the_guard)
{
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(run(guard_size, NULL), sysconf(_SC_PAGESIZE));
	CHECK_EQ(pthread_attr_setguardsize(&attr, 65536), 0);
	CHECK_EQ(run(guard_size, NULL), 65536);
}

TEST(the_default_stack_size_can_be_changed)
{
	pthread_t t;
	void *size;

	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attr, 24 << 20), 0);
	CHECK_EQ(pthread_setattr_default_np(&attr), 0);
	CHECK_EQ(pthread_create(&t, NULL, own_stack, NULL), 0);
	CHECK_EQ(pthread_join(t, &size), 0);
	CHECK((size_t)size >= 24 << 20);
}

static void *has_mask(void *unused)
{
	sigset_t set;

	(void)unused;
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, NULL, &set), 0);
	return (void *)(long)(sigismember(&set, SIGUSR1) == 1 &&
			      sigismember(&set, SIGUSR2) == 0);
}

TEST(a_mask_among_the_attributes_is_the_threads)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setsigmask_np(&attr, &set), 0);
	CHECK_EQ(run(has_mask, NULL), 1);
}

/* ---- scheduling ---------------------------------------------------------- */

static void *ask_scheduling(void *unused)
{
	struct sched_param param;
	cpu_set_t cpus;
	clockid_t clock;
	struct timespec ts;
	int policy;

	(void)unused;
	CHECK_EQ(pthread_getschedparam(pthread_self(), &policy, &param), 0);
	CHECK_EQ(policy, SCHED_OTHER);
	CHECK_EQ(pthread_setschedparam(pthread_self(), policy, &param), 0);
	CHECK_EQ(pthread_setschedprio(pthread_self(), 0), 0);
	CHECK_EQ(pthread_getaffinity_np(pthread_self(), sizeof cpus, &cpus), 0);
	CHECK(CPU_COUNT(&cpus) > 0);
	CHECK_EQ(pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus), 0);
	CHECK_EQ(pthread_getcpuclockid(pthread_self(), &clock), 0);
	CHECK_EQ(clock_gettime(clock, &ts), 0);
	CHECK(sched_getcpu() >= 0);
	return NULL;
}

TEST(a_thread_can_be_asked_how_it_is_scheduled)
{
	CHECK_EQ(pthread_attr_init(&attr), 0);
	run(ask_scheduling, NULL);
	ask_scheduling(NULL);
}

TEST(affinity_among_the_attributes_makes_no_difference)
{
	cpu_set_t cpus;

	CHECK_EQ(sched_getaffinity(0, sizeof cpus, &cpus), 0);
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setaffinity_np(&attr, sizeof cpus, &cpus), 0);
	run(ask_scheduling, NULL);
	CHECK_EQ(pthread_attr_destroy(&attr), 0);
}

/* ---- names --------------------------------------------------------------- */

static volatile int go_on;

static void *wait_for_go(void *unused)
{
	while (!go_on)
		sched_yield();
	return unused;
}

TEST(a_thread_has_the_name_that_it_is_given)
{
	char name[16];
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, wait_for_go, NULL), 0);
	CHECK_EQ(pthread_setname_np(t, "fifteen letters"), 0);
	CHECK_EQ(pthread_getname_np(t, name, sizeof name), 0);
	CHECK(strcmp(name, "fifteen letters") == 0);
	go_on = 1;
	CHECK_EQ(pthread_join(t, NULL), 0);
}

TEST(names_that_are_too_long_are_ERANGE)
{
	char name[15];
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, wait_for_go, NULL), 0);
	CHECK_EQ(pthread_setname_np(t, "sixteen  letters"), ERANGE);
	CHECK_EQ(pthread_getname_np(t, name, sizeof name), ERANGE);
	go_on = 1;
	CHECK_EQ(pthread_join(t, NULL), 0);
}

static void *get_name(void *name)
{
	CHECK_EQ(pthread_getname_np(pthread_self(), name, 16), 0);
	return NULL;
}

static void *name_and_create(void *name)
{
	pthread_t t;

	CHECK_EQ(pthread_setname_np(pthread_self(), "parent"), 0);
	CHECK_EQ(pthread_create(&t, NULL, get_name, name), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	return NULL;
}

TEST(a_thread_has_its_creators_name_at_first)
{
	char name[16];

	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_setname_np(pthread_self(), "first"), 0);
	run(get_name, name);
	CHECK(strcmp(name, "first") == 0);
	run(name_and_create, name);
	CHECK(strcmp(name, "parent") == 0);
	CHECK_EQ(pthread_getname_np(pthread_self(), name, 16), 0);
	CHECK(strcmp(name, "first") == 0);
}
