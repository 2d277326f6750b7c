/* The parking lot: ramets of several loops, and OS threads without one. */
#include "ramets.h"
#include "thread.h"

#include "sync/lot.h"

#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint32_t word, other;
static int order[64], woken; /* woken is atomic */

static int wait_at(const uint32_t *w, int64_t ns, int mode)
{
	int64_t when = ns == RAMET_NEVER ? ns : time_add(kernel_now(), ns);

	return ramet__lot_wait(w, 0, UINT32_MAX, when, mode, NULL);
}

static int wait_for(int64_t ns)
{
	return wait_at(&word, ns, LOT_FIRM);
}

static void nap(long ms)
{
	struct timespec ts = {0, ms * 1000000};

	nanosleep(&ts, NULL); /* libc's: the OS thread's */
}

static int wake(int n)
{
	return ramet__lot_wake(&word, n, UINT32_MAX);
}

static void *wait_once(void *arg)
{
	CHECK_EQ(wait_for(RAMET_NEVER), 0);
	order[__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST)] =
		(int)(intptr_t)arg;
	return NULL;
}

TEST(who_waits_is_woken_in_turn)
{
	struct ramet *t[5];

	for (int i = 0; i < 5; i++)
		t[i] = spawn(wait_once, (void *)(intptr_t)i);
	let_run();
	CHECK_EQ(wake(2), 2);
	let_run();
	CHECK_EQ(woken, 2);
	CHECK_EQ(wake(INT_MAX), 3);
	CHECK_EQ(wake(INT_MAX), 0);
	for (int i = 0; i < 5; i++)
		join(t[i]);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(order[i], i);
}

TEST(a_word_that_has_changed_is_not_waited_for)
{
	word = 1;
	CHECK_EQ(wait_for(RAMET_NEVER), -EAGAIN);
}

TEST(a_wait_ends_at_its_time)
{
	int64_t start = kernel_now();

	CHECK_EQ(wait_for(5 * RAMET_MS), -ETIMEDOUT);
	CHECK(kernel_now() - start >= 5 * RAMET_MS);
	CHECK_EQ(wake(1), 0);
}

static void *wake_main(void *arg)
{
	woken = wake(1);
	return arg;
}

TEST(an_expired_wait_lets_others_run_and_they_may_wake)
{
	struct ramet *t = spawn(wake_main, NULL);

	CHECK_EQ(wait_for(-1), 0);
	CHECK_EQ(woken, 1);
	join(t);
	CHECK_EQ(wait_for(-1), -ETIMEDOUT);
}

static void *wait_bits(void *bits)
{
	CHECK_EQ(ramet__lot_wait(&word, 0, (uint32_t)(intptr_t)bits,
				 RAMET_NEVER, LOT_FIRM, NULL),
		 0);
	woken |= (int)(intptr_t)bits;
	return NULL;
}

TEST(masks_choose)
{
	struct ramet *a = spawn(wait_bits, (void *)1);
	struct ramet *b = spawn(wait_bits, (void *)2);

	let_run();
	CHECK_EQ(ramet__lot_wake(&word, 9, 4), 0);
	CHECK_EQ(ramet__lot_wake(&word, 9, 2), 1);
	join(b);
	CHECK_EQ(woken, 2);
	CHECK_EQ(ramet__lot_wake(&word, 9, 3), 1);
	join(a);
}

static void *cancelled(void *mode)
{
	order[0] = wait_at(&word, RAMET_NEVER, (int)(intptr_t)mode);
	return NULL;
}

TEST(only_a_wait_that_says_so_ends_by_cancel_and_scope)
{
	struct ramet *a = spawn(cancelled, (void *)LOT_SCOPE), *b;

	let_run();
	CHECK_EQ(ramet_cancel(a), 0);
	join(a);
	CHECK_EQ(order[0], -ECANCELED);
	b = spawn(cancelled, (void *)LOT_FIRM);
	let_run();
	CHECK_EQ(ramet_cancel(b), 0);
	let_run();
	CHECK_EQ(wake(1), 1);
	join(b);
	CHECK_EQ(order[0], 0);
	RAMET_WITHIN(2 * RAMET_MS) {
		CHECK_EQ(wait_for(10 * RAMET_MS), -ETIMEDOUT);
		CHECK_EQ(wait_at(&word, RAMET_NEVER, LOT_SCOPE), -ETIMEDOUT);
	}
}

TEST(only_a_wait_that_says_so_is_interrupted)
{
	struct ramet *a = spawn(cancelled, (void *)LOT_EINTR), *b;

	let_run();
	a->flags |= FLAG_EINTR;
	CHECK(ramet__interrupt(a));
	join(a);
	CHECK_EQ(order[0], -EINTR);
	b = spawn(cancelled, (void *)LOT_FIRM);
	b->flags |= FLAG_EINTR;
	let_run();
	CHECK(!ramet__interrupt(b));
	CHECK_EQ(wake(1), 1);
	join(b);
	CHECK_EQ(order[0], 0);
}

/* ---- handing over ------------------------------------------------------- */

struct lock {
	uint32_t word, owner;
	bool more;
};

static struct lock lock;

static void pass(void *l, uint32_t owner, bool more)
{
	struct lock *k = l;

	k->owner = owner;
	k->more = more;
}

static void *wait_lock(void *arg)
{
	CHECK_EQ(wait_at(&lock.word, RAMET_NEVER, LOT_FIRM), 0);
	CHECK_EQ(lock.owner, ramet__lot_self());
	return arg;
}

TEST(a_lock_is_handed_to_the_first)
{
	struct ramet *a = spawn(wait_lock, NULL), *b = spawn(wait_lock, NULL);

	let_run();
	ramet__lot_pass(&lock.word, pass, &lock);
	CHECK(lock.owner && lock.more);
	join(a);
	ramet__lot_pass(&lock.word, pass, &lock);
	CHECK(lock.owner && !lock.more);
	join(b);
	ramet__lot_pass(&lock.word, pass, &lock);
	CHECK(!lock.owner && !lock.more);
}

static bool refuse(void *arg)
{
	(void)arg;
	return false;
}

static bool agree(void *arg)
{
	(void)arg;
	return true;
}

TEST(what_is_gone_is_not_offered)
{
	struct ramet *t;

	CHECK(!ramet__lot_offer(&word, agree, NULL));
	t = spawn(wait_once, NULL);
	let_run();
	CHECK(!ramet__lot_offer(&word, refuse, NULL));
	let_run();
	CHECK_EQ(woken, 0);
	CHECK(ramet__lot_offer(&word, agree, NULL));
	join(t);
}

static void *wait_moved(void *ns)
{
	CHECK_EQ(wait_for((intptr_t)ns), LOT_MOVED);
	woken++;
	return NULL;
}

TEST(who_is_moved_waits_elsewhere)
{
	struct ramet *t[4];

	t[0] = spawn(wait_once, NULL);
	for (int i = 1; i < 4; i++)
		t[i] = spawn(wait_moved, (void *)(intptr_t)RAMET_NEVER);
	let_run();
	CHECK_EQ(ramet__lot_requeue(&word, 1, 9, &other, false, 1), -EAGAIN);
	CHECK_EQ(ramet__lot_requeue(&word, 1, 9, &other, false, 0), 4);
	join(t[0]);
	CHECK_EQ(wake(9), 0);
	CHECK_EQ(ramet__lot_requeue(&other, 1, 9, &word, true, 7), 3);
	CHECK_EQ(wake(9), 2);
	for (int i = 1; i < 4; i++)
		join(t[i]);
	CHECK_EQ(woken, 4);
}

TEST(who_is_moved_and_times_out_has_left)
{
	struct ramet *t = spawn(wait_moved, (void *)(intptr_t)(5 * RAMET_MS));

	let_run();
	CHECK_EQ(ramet__lot_requeue(&word, 0, 1, &other, true, 0), 1);
	join(t);
	CHECK_EQ(ramet__lot_wake(&other, 1, UINT32_MAX), 0);
}

/* ---- others ------------------------------------------------------------- */

static uint32_t ids[3];

static void *ask_id(void *i)
{
	ids[(intptr_t)i] = ramet__lot_self();
	CHECK_EQ(ids[(intptr_t)i], ramet__lot_self());
	return NULL;
}

static void *keep_id(void *arg)
{
	uint32_t before = ramet__lot_self();

	CHECK(ramet__loop());
	CHECK_EQ(ramet__lot_self(), before);
	return arg;
}

TEST(everybody_has_a_number_of_its_own)
{
	uint32_t me = ramet__lot_self();

	join(spawn(ask_id, (void *)0));
	join(spawn(ask_id, (void *)1));
	run_thread(ask_id, (void *)2);
	for (int i = 0; i < 3; i++)
		CHECK(ids[i] && ids[i] < 1u << 30 && ids[i] != me);
	CHECK(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
	run_thread(keep_id, NULL);
}

static void *wait_without_loop(void *ns)
{
	CHECK(!ramet__this_loop);
	order[0] = wait_for((intptr_t)ns);
	__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void wake_till(int n)
{
	while (__atomic_load_n(&woken, __ATOMIC_SEQ_CST) < n) {
		wake(1);
		nap(1);
	}
}

TEST(an_os_thread_without_a_loop_waits_too)
{
	pthread_t t =
		start_thread(wait_without_loop, (void *)(intptr_t)RAMET_NEVER);

	wake_till(1);
	join_thread(t);
	CHECK_EQ(order[0], 0);
	run_thread(wait_without_loop, (void *)(intptr_t)(3 * RAMET_MS));
	CHECK_EQ(order[0], -ETIMEDOUT);
}

static void *wake_without_loop(void *arg)
{
	wake_till(1);
	return arg;
}

TEST(an_os_thread_without_a_loop_wakes_a_ramet)
{
	pthread_t t = start_thread(wake_without_loop, NULL);

	wait_once(NULL);
	join_thread(t);
}

static void *wait_in_own_loop(void *arg)
{
	CHECK(ramet__loop());
	return wait_once(arg);
}

TEST(a_ramet_wakes_one_of_another_loop)
{
	pthread_t t = start_thread(wait_in_own_loop, NULL);

	CHECK(ramet__loop());
	wake_till(1);
	join_thread(t);
}

/* Each token that was put is taken once, by whoever gets it, though times run
 * out all the while. */
enum { TOKENS = 3000, TAKERS = 4 };
static uint32_t tokens; /* atomic */
static int taken;       /* atomic */

static bool take(void *arg)
{
	uint32_t n = __atomic_load_n(&tokens, __ATOMIC_SEQ_CST);

	(void)arg;
	while (n &&
	       !__atomic_compare_exchange_n(&tokens, &n, n - 1, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	return n != 0;
}

static void *take_tokens(void *arg)
{
	uint64_t seed = (uintptr_t)arg;

	while (__atomic_load_n(&taken, __ATOMIC_SEQ_CST) < TOKENS) {
		int64_t ns = (int64_t)(random_next(&seed) % 50000);

		if (take(NULL) || wait_at(&tokens, ns, LOT_FIRM) == 0)
			__atomic_fetch_add(&taken, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void *take_in_ramets(void *seed)
{
	struct ramet *t[TAKERS];

	for (int i = 0; i < TAKERS; i++)
		t[i] = spawn(take_tokens, (char *)seed + i);
	for (int i = 0; i < TAKERS; i++)
		join(t[i]);
	return NULL;
}

static void put_tokens(int n)
{
	while (n-- > 0) {
		__atomic_fetch_add(&tokens, 1, __ATOMIC_SEQ_CST);
		ramet__lot_offer(&tokens, take, NULL);
		if (n % 16 == 0)
			sched_yield();
	}
}

TEST(every_wake_reaches_one_of_all_kinds)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		t[i] = start_thread(i < 2 ? take_tokens : take_in_ramets,
				    (void *)(intptr_t)(100 * i + 1));
	put_tokens(TOKENS);
	for (int i = 0; i < 4; i++)
		join_thread(t[i]);
	CHECK_EQ(taken, TOKENS);
	CHECK_EQ(tokens, 0);
}

static void *move_about(void *arg)
{
	while (__atomic_load_n(&taken, __ATOMIC_SEQ_CST) < TOKENS) {
		ramet__lot_requeue(&tokens, 0, 2, &other, true, 0);
		ramet__lot_requeue(&other, 0, INT_MAX, &tokens, true, 0);
		sched_yield();
	}
	return arg;
}

static void *take_moved(void *arg)
{
	uint64_t seed = (uintptr_t)arg;
	int got;

	while (__atomic_load_n(&taken, __ATOMIC_SEQ_CST) < TOKENS) {
		int64_t ns = (int64_t)(random_next(&seed) % 50000);

		got = take(NULL) ? 0 : wait_at(&tokens, ns, LOT_FIRM);
		if (got >= 0 || take(NULL))
			__atomic_fetch_add(&taken, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

/* A moved one that times out says so as if it was woken, so here only that all
 * end is looked at. */
TEST(moving_loses_nobody)
{
	pthread_t t[3];

	t[0] = start_thread(move_about, NULL);
	t[1] = start_thread(take_moved, (void *)1);
	t[2] = start_thread(take_moved, (void *)2);
	put_tokens(TOKENS);
	for (int i = 0; i < 3; i++)
		join_thread(t[i]);
	CHECK(taken >= TOKENS);
	CHECK_EQ(ramet__lot_wake(&tokens, 1, UINT32_MAX), 0);
	CHECK_EQ(ramet__lot_wake(&other, 1, UINT32_MAX), 0);
}

/* ---- signal handlers ---------------------------------------------------- */

static void on_alarm(int sig)
{
	struct loop *l = ramet__this_loop;
	uint32_t hooks = l->hooks;

	(void)sig;
	l->hooks = 0; /* as the patch does */
	CHECK_EQ(wait_for(RAMET_NEVER), -EDEADLK);
	wake(1);
	wake(1);
	l->hooks = hooks;
}

TEST(a_handler_wakes_at_the_next_turn)
{
	struct ramet *a = spawn(wait_once, NULL), *b = spawn(wait_once, NULL);

	let_run();
	signal(SIGALRM, on_alarm);
	CHECK_EQ(raise(SIGALRM), 0);
	CHECK_EQ(woken, 0);
	join(a);
	join(b);
}

static void on_many(int sig)
{
	static uint32_t words[100];

	(void)sig;
	for (int i = 0; i < 100; i++)
		ramet__lot_wake_later(ramet__this_loop, &words[i], 1);
	ramet__lot_wake_later(ramet__this_loop, &word, 1);
}

TEST(a_handler_may_wake_at_many_words)
{
	struct ramet *t = spawn(wait_once, NULL);

	let_run();
	signal(SIGALRM, on_many);
	CHECK_EQ(raise(SIGALRM), 0);
	join(t);
}

static int handled; /* atomic */
static bool stop;   /* atomic */

static void wake_again(int sig)
{
	(void)sig;
	wake(1);
	__atomic_fetch_add(&handled, 1, __ATOMIC_SEQ_CST);
}

static void *wake_till_told(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST))
		wake(1);
	return arg;
}

TEST(a_handler_wakes_where_its_os_thread_was_waking)
{
	enum { TIMES = 2000 };
	pthread_t t;

	signal(SIGUSR1, wake_again);
	t = start_thread(wake_till_told, NULL);
	for (int n = 0; n < TIMES; n++) {
		CHECK_EQ(pthread_kill(t, SIGUSR1), 0);
		while (__atomic_load_n(&handled, __ATOMIC_SEQ_CST) <= n)
			;
	}
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	join_thread(t);
}

/* ---- ends --------------------------------------------------------------- */

static void *wait_on(void *arg)
{
	wait_for(RAMET_NEVER);
	return arg;
}

static void *leave_waiting(void *arg)
{
	spawn(wait_on, NULL);
	spawn(wait_on, NULL);
	let_run();
	return arg;
}

TEST(the_end_of_a_loop_leaves_no_waiter)
{
	struct ramet *t = spawn(wait_once, NULL);

	let_run();
	run_thread(leave_waiting, NULL);
	CHECK_EQ(wake(9), 1);
	join(t);
}

TEST(the_child_of_a_fork_has_an_empty_lot)
{
	struct ramet *t = spawn(wait_once, NULL);
	int status;
	pid_t child;

	let_run();
	child = fork();
	if (child == 0)
		_exit(wake(9) == 0 && ramet__lot_forks == 1 ? 0 : 1);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(wake(9), 1);
	join(t);
}

/* Many words share a bucket, and none is in another's way. */
static uint32_t many[TEST_TSAN ? 2003 : 20011]; /* primes */

static void *wait_many(void *w)
{
	CHECK_EQ(wait_at(w, RAMET_NEVER, LOT_FIRM), 0);
	return NULL;
}

TEST(each_word_has_its_own_queue)
{
	enum { N = sizeof many / sizeof *many };
	static struct ramet *t[N];

	for (int i = 0; i < N; i++)
		t[i] = spawn(wait_many, &many[i]);
	let_run();
	for (int i = 0; i < N; i++)
		CHECK_EQ(ramet__lot_wake(&many[i * 7919 % N], 2, UINT32_MAX),
			 1);
	for (int i = 0; i < N; i++)
		join(t[i]);
}
