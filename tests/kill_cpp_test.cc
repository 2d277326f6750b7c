// Kill in C++: destructors run, and catch (...) that rethrows is passed.
#include <cstdio>
#include <cstring>
#include <exception>

#include "ramet.h"

static char trace[16];

struct noted {
	char c;
	~noted()
	{
		trace[std::strlen(trace)] = c;
	}
};

static void *victim(void *arg)
{
	noted outer{'o'};

	try {
		noted inner{'i'};

		ramet_sleep(3600 * RAMET_SEC);
		trace[std::strlen(trace)] = '!';
	} catch (...) {
		trace[std::strlen(trace)] = 'c';
		throw;
	}
	return arg;
}

// A function that throws has not succeeded, and who waits has the next try.
static struct ramet_once once;
static int tries;

static int throw_once(void *)
{
	ramet_yield();
	if (tries++ == 0)
		throw 7;
	return 0;
}

static void *try_once(void *arg)
{
	try {
		if (ramet_once(&once, throw_once, nullptr) < 0)
			return nullptr;
	} catch (int) {
		return nullptr;
	}
	return arg;
}

static bool once_is_handed_on()
{
	char yes;
	void *got[2] = {nullptr, nullptr};
	ramet *t[2] = {ramet_spawn(try_once, &yes), ramet_spawn(try_once, &yes)};

	for (int i = 0; i < 2; i++)
		ramet_join(t[i], &got[i]);
	return !got[0] && got[1] == &yes && tries == 2 && once.done;
}

struct error {
	ramet *whose;
};

// Switched away between throw, catch, a nested catch and rethrow.
static void *thrower(void *arg)
{
	ramet *me = ramet_self();
	bool ok = false;

	try {
		try {
			ramet_yield();
			throw error{me};
		} catch (error &e) {
			for (int i = 0; i < 3; i++)
				ramet_yield();
			try {
				throw 7;
			} catch (int) {
				ramet_yield();
			}
			throw;
		}
	} catch (error &e) {
		ramet_yield();
		ok = e.whose == me && std::uncaught_exceptions() == 0;
	}
	return ok ? arg : nullptr;
}

static int failed;

static void report(int n, const char *what, bool ok)
{
	std::printf("%sok %d - %s\n", ok ? "" : "not ", n, what);
	failed += !ok;
}

int main()
{
	ramet *t = ramet_spawn(victim, nullptr), *many[20];
	void *value = nullptr;

	std::printf("1..3\n");
	ramet_yield();
	ramet_kill(t);
	ramet_join(t, nullptr);
	report(1, "destructors_run_and_catch_all_is_passed",
	       std::strcmp(trace, "ico") == 0);

	for (ramet *&m : many) {
		m = ramet_spawn(thrower, &value);
		ramet_yield();
	}
	bool ok = true;
	for (ramet *m : many)
		ok &= ramet_join(m, &value) == 0 && value == &value;
	report(2, "exceptions_stay_with_their_ramet", ok);
	report(3, "a_once_that_throws_is_handed_on", once_is_handed_on());
	return failed != 0;
}
