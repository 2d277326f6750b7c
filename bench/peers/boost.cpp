/* boost.cpp - the items of the comparison, on Boost.Fiber with pooled stacks. */
#include "bench.h"

#include <boost/fiber/all.hpp>

#include <chrono>
#include <vector>

namespace fibers = boost::fibers;
using fibers_list = std::vector<fibers::fiber>;
using boost::this_fiber::yield;

static fibers::pooled_fixedsize_stack stacks(STACK_SIZE);

template <class F> static fibers::fiber start(F fn)
{
	return fibers::fiber(fibers::launch::post, std::allocator_arg, stacks,
			     fn);
}

/* fn is given the number of its fiber. */
template <class F> static fibers_list start_all(long n, F fn)
{
	fibers_list all;

	all.reserve(static_cast<size_t>(n));
	for (long i = 0; i < n; i++)
		all.push_back(start([fn, i] { fn(i); }));
	return all;
}

static void join_all(fibers_list all)
{
	for (auto &f : all)
		f.join();
}

/* ---- yield -------------------------------------------------------------- */

static int64_t yields(long n)
{
	long each = n / bench_param;
	auto all = start_all(bench_param, [each](long) {
		for (long i = 0; i <= each; i++)
			yield();
	});

	yield();
	int64_t from = cpu_ns();
	join_all(std::move(all));
	return cpu_ns() - from;
}

static void yield_item()
{
	report("", least(yields, bench_param * 50), "ns", "");
}

/* ---- spawn and join ----------------------------------------------------- */

static int64_t one_by_one(long n)
{
	int64_t from = cpu_ns();

	while (n--)
		start([] {}).join();
	return cpu_ns() - from;
}

static int64_t batches(long n)
{
	int64_t from = cpu_ns();

	for (; n > 0; n -= bench_param)
		join_all(start_all(bench_param, [](long) {}));
	return cpu_ns() - from;
}

static void spawn()
{
	report("", least(bench_param == 1 ? one_by_one : batches, bench_param),
	       "ns", "pooled stacks, no guards");
}

/* ---- channel ------------------------------------------------------------ */

using channel_type = fibers::unbuffered_channel<long>;

static int64_t round_trips(long n)
{
	channel_type there, back;
	auto echo = start([&] {
		for (long v; there.pop(v) == fibers::channel_op_status::success;)
			back.push(v);
	});
	int64_t from = cpu_ns();

	for (long i = 0, v; i < n; i++) {
		there.push(i);
		back.pop(v);
	}
	from = cpu_ns() - from;
	there.close();
	echo.join();
	return from;
}

static void channel()
{
	report("", least(round_trips, 1000), "ns", "unbuffered_channel");
}

static int64_t fan_in(long n)
{
	long each = n / bench_param;
	channel_type there;
	auto all = start_all(bench_param, [each, &there](long) {
		for (long i = 0; i < each; i++)
			there.push(i);
	});

	yield();
	int64_t from = cpu_ns();
	for (long i = 0, v; i < each * bench_param; i++)
		there.pop(v);
	from = cpu_ns() - from;
	join_all(std::move(all));
	return from;
}

static void fanin()
{
	report("", least(fan_in, bench_param * 50), "ns", "unbuffered_channel");
}

/* ---- mutex -------------------------------------------------------------- */

/* Unlock does not pass the mutex on: one yield lets the other find it locked, a
 * second lets it have it. */
static int64_t hand_offs(long n)
{
	fibers::mutex lock;

	lock.lock();
	auto all = start_all(2, [&lock, n](long me) {
		for (long i = 0; i < n / 2; i++) {
			lock.lock();
			held_by(me);
			yield();
			lock.unlock();
			yield();
		}
	});
	yield();
	hand_overs = 0;
	int64_t from = cpu_ns();
	lock.unlock();
	join_all(std::move(all));
	from = cpu_ns() - from;
	return hand_overs ? from * n / hand_overs : INT64_MAX;
}

static void mutex()
{
	report("", least(hand_offs, 1000), "ns",
	       "per change of owner, with a yield before and after unlock");
}

/* ---- sleep -------------------------------------------------------------- */

static void sleep_random()
{
	auto all = start_all(bench_param, [](long me) {
		yield();
		for (int i = 0; i < bench_rounds; i++) {
			int64_t ns = sleep_length(me, i), from = now_ns();

			boost::this_fiber::sleep_for(
				std::chrono::nanoseconds(ns));
			slept(ns, now_ns() - from);
		}
	});

	yield();
	sleep_started = cpu_ns();
	join_all(std::move(all));
	report_sleeps("");
}

/* ---- park --------------------------------------------------------------- */

static void park()
{
	fibers::mutex lock;
	fibers::condition_variable never;
	memory before = memory_now();

	for (long i = 0; i < bench_param; i++)
		start([&] {
			std::unique_lock<fibers::mutex> held(lock);
			never.wait(held);
		}).detach();
	yield();
	report_memory(before, cpu_ns(), "pooled stacks, no guards");
	_Exit(0);
}

int main(int argc, char **argv)
{
	static const bench_item items[] = {
		{"yield", yield_item}, {"spawn", spawn}, {"channel", channel},
		{"fanin", fanin},      {"mutex", mutex}, {"sleep", sleep_random},
		{"park", park},	       {nullptr, nullptr},
	};

	return bench_main(argc, argv, "boost", items);
}
