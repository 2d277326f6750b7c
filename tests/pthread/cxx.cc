/* cxx.cc - C++ in threads: destructors, exceptions, thread_local objects. */
#include "posix.h"

#include <atomic>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static std::string order;

struct Note {
	char c;

	explicit Note(char letter) : c(letter)
	{
	}

	~Note()
	{
		order += c;
	}
};

static void *run(void *(*fn)(void *), void *arg)
{
	pthread_t t;
	void *value;

	CHECK_EQ(pthread_create(&t, nullptr, fn, arg), 0);
	CHECK_EQ(pthread_join(t, &value), 0);
	return value;
}

static void *exit_inside(void *arg)
{
	Note a('a');
	{
		Note b('b');
		pthread_exit(arg);
	}
	return nullptr;
}

TEST(pthread_exit_runs_destructors_of_the_stack)
{
	CHECK_EQ(run(exit_inside, &order), &order);
	CHECK(order == "ba");
}

static volatile int ready;

static void *sleep_inside(void *)
{
	Note a('c');

	ready = 1;
	for (;;)
		sleep(1);
	return nullptr;
}

TEST(cancel_runs_destructors_of_the_stack)
{
	pthread_t t;
	void *value;

	CHECK_EQ(pthread_create(&t, nullptr, sleep_inside, nullptr), 0);
	while (!ready)
		sched_yield();
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK_EQ(pthread_join(t, &value), 0);
	CHECK(value == PTHREAD_CANCELED);
	CHECK(order == "c");
}

static std::atomic<int> unwound; /* by threads at once */

struct Count {
	~Count() { unwound++; }
};

static void *throw_and_yield(void *arg)
{
	for (int i = 0; i < 20; i++) {
		try {
			Count a;
			throw std::runtime_error("thrown");
		} catch (const std::exception &e) {
			sched_yield();
			CHECK(std::string(e.what()) == "thrown");
			CHECK(std::current_exception() != nullptr);
		}
		CHECK(std::current_exception() == nullptr);
	}
	return arg;
}

TEST(exceptions_are_each_threads_own)
{
	std::vector<std::thread> threads;

	for (int i = 0; i < 20; i++)
		threads.emplace_back(throw_and_yield, nullptr);
	for (auto &t : threads)
		t.join();
	CHECK_EQ(unwound, 400);
}

static thread_local Note local('l');
static pthread_key_t key;

static void note_key(void *)
{
	order += 'k';
}

static void *use_local(void *)
{
	Note a('s');

	local.c = 'l';
	CHECK_EQ(pthread_setspecific(key, &key), 0);
	return nullptr;
}

TEST(thread_local_objects_go_after_the_stack_and_before_keys)
{
	CHECK_EQ(pthread_key_create(&key, note_key), 0);
	run(use_local, nullptr);
	run(use_local, nullptr);
	CHECK(order == "slkslk");
}

static void *catch_all_and_rethrow(void *arg)
{
	try {
		pthread_exit(arg);
	} catch (...) {
		order += 'r';
		throw;
	}
	return nullptr;
}

TEST(an_exit_can_be_caught_and_thrown_on)
{
	CHECK_EQ(run(catch_all_and_rethrow, &order), &order);
	CHECK(order == "r");
}

static void *swallow(void *arg)
{
	try {
		pthread_exit(arg);
	} catch (...) {
	}
	return nullptr;
}

static void swallow_exit()
{
	CHECK(freopen("/dev/null", "w", stderr) != nullptr);
	run(swallow, nullptr);
}

TEST(an_exit_that_is_caught_for_good_kills_the_process)
{
	int status = status_of(swallow_exit);

	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGABRT);
}

static void *throw_out(void *)
{
	throw 1;
}

static void uncaught()
{
	CHECK(freopen("/dev/null", "w", stderr) != nullptr);
	run(throw_out, nullptr);
}

TEST(an_exception_that_nobody_catches_terminates)
{
	int status = status_of(uncaught);

	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGABRT);
}

static void exit_main()
{
	Note a('m');

	pthread_exit(nullptr);
}

TEST(pthread_exit_in_main_runs_destructors)
{
	CHECK_EQ(status_of(exit_main), 0);
}
