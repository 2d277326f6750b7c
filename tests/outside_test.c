/* Semaphores, events, conditions and wait groups that other OS threads signal:
 * with a loop of their own or without, before the first wait or during one,
 * nothing is lost, and nobody gets a loop for it. */
#include "door.h"
#include "ramets.h"
#include "thread.h"

#include "core/core.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ramet_mutex mutex;
static struct ramet_cond cond;
static struct ramet_sem sem;
static struct ramet_event event;
static struct ramet_wg wg;

static int told; /* atomic: what waiters for cond look at */

static int tell(void)
{
	return __atomic_load_n(&told, __ATOMIC_SEQ_CST);
}

/* ---- each kind ---------------------------------------------------------- */

/* One wait, and what ends it from outside. */
struct kind {
	void (*close)(void); /* from now on waits have to wait */
	int (*wait)(void);
	void (*signal)(void);
};

static void nothing(void)
{
}

static int wait_sem(void)
{
	return ramet_sem_wait(&sem);
}

static void signal_sem(void)
{
	CHECK_EQ(ramet_sem_post(&sem), 0);
}

static void close_event(void)
{
	ramet_event_clear(&event);
}

static int wait_event(void)
{
	return ramet_event_wait(&event);
}

static void signal_event(void)
{
	ramet_event_set(&event);
}

static void close_wg(void)
{
	ramet_wg_add(&wg, 1);
}

static int wait_wg(void)
{
	return ramet_wg_wait(&wg);
}

static void signal_wg(void)
{
	CHECK_EQ(ramet_wg_done(&wg), 0);
}

static void close_cond(void)
{
	__atomic_store_n(&told, 0, __ATOMIC_SEQ_CST);
}

static int wait_cond(void)
{
	int r = 0;

	if (ramet_mutex_lock(&mutex) < 0)
		return -1;
	while (r == 0 && !tell())
		r = ramet_cond_wait(&cond, &mutex);
	CHECK_EQ(ramet_mutex_unlock(&mutex), 0);
	return r;
}

static void signal_cond(void)
{
	__atomic_store_n(&told, 1, __ATOMIC_SEQ_CST);
	CHECK_EQ(ramet_cond_signal(&cond), 0);
}

static void broadcast_cond(void)
{
	__atomic_store_n(&told, 1, __ATOMIC_SEQ_CST);
	CHECK_EQ(ramet_cond_broadcast(&cond), 0);
}

static const struct kind kinds[] = {
	{nothing, wait_sem, signal_sem},
	{close_event, wait_event, signal_event},
	{close_wg, wait_wg, signal_wg},
	{close_cond, wait_cond, signal_cond},
	{close_cond, wait_cond, broadcast_cond},
};

static void *signal_now(void *arg)
{
	const struct kind *k = arg;

	k->signal();
	CHECK(!ramet__this_loop);
	return NULL;
}

static void *signal_soon(void *arg)
{
	usleep(2000);
	return signal_now(arg);
}

static void *signal_by_ramet(void *arg)
{
	const struct kind *k = arg;

	CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	k->signal();
	return NULL;
}

static void check_each(void *(*signaller)(void *))
{
	for (const struct kind *k = kinds; k < kinds + countof(kinds); k++) {
		pthread_t thread;

		k->close();
		thread = start_thread(signaller, (void *)(uintptr_t)k);
		CHECK_EQ(k->wait(), 0);
		join_thread(thread);
		ramet_sync_settle();
	}
}

TEST(a_thread_without_a_loop_ends_a_wait)
{
	check_each(signal_soon);
	check_each(signal_now);
}

TEST(another_loop_ends_a_wait)
{
	check_each(signal_by_ramet);
}

TEST(what_was_signalled_before_the_wait_ends_it)
{
	for (const struct kind *k = kinds; k < kinds + countof(kinds); k++) {
		k->close();
		run_thread(signal_now, (void *)(uintptr_t)k);
		CHECK_EQ(k->wait(), 0);
		ramet_sync_settle();
	}
}

static void *wait_forever(void *arg)
{
	const struct kind *k = arg;

	CHECK_EQ(k->wait(), 0);
	return NULL;
}

/* Main does not wait for what is signalled. */
TEST(a_loop_that_is_busy_takes_signals_in)
{
	for (const struct kind *k = kinds; k < kinds + countof(kinds); k++) {
		pthread_t thread;
		struct ramet *t;

		k->close();
		t = spawn(wait_forever, (void *)(uintptr_t)k);
		let_run();
		thread = start_thread(signal_now, (void *)(uintptr_t)k);
		while (!ramet_ended(t))
			CHECK_EQ(ramet_yield(), 0);
		join(t);
		join_thread(thread);
	}
}

/* ---- before the first use ----------------------------------------------- */

static void *post_three(void *arg)
{
	for (int i = 0; i < 3; i++)
		CHECK_EQ(ramet_sem_post(&sem), 0);
	ramet_event_set(&event);
	return arg;
}

static void *post_three_by_ramet(void *arg)
{
	CHECK(ramet_self());
	return post_three(arg);
}

static void check_kept(void)
{
	for (int i = 0; i < 3; i++)
		CHECK_EQ(ramet_sem_trywait(&sem), 0);
	CHECK_ERR(ramet_sem_trywait(&sem), EAGAIN);
	CHECK_EQ(ramet_event_is_set(&event), 1);
	CHECK_EQ(ramet_event_wait(&event), 0);
}

TEST(what_is_signalled_before_the_first_use_is_kept)
{
	run_thread(post_three, NULL);
	check_kept();
}

TEST(signalling_first_does_not_make_it_the_signallers)
{
	run_thread(post_three_by_ramet, NULL);
	check_kept();
}

TEST(what_a_loop_signals_before_its_first_wait_is_kept)
{
	post_three_by_ramet(NULL);
	check_kept();
}

static void *done_twice(void *arg)
{
	CHECK_EQ(ramet_wg_done(&wg), 0);
	CHECK_EQ(ramet_wg_done(&wg), 0);
	return arg;
}

static void *done_for_nothing(void *arg)
{
	CHECK_ERR(ramet_wg_done(&wg), EINVAL);
	return arg;
}

TEST(done_before_add_is_an_error_and_too_often_is_dropped)
{
	run_thread(done_for_nothing, NULL);
	ramet_wg_add(&wg, 1);
	run_thread(done_twice, NULL);
	CHECK_EQ(ramet_wg_wait(&wg), 0);
	ramet_sync_settle();
	CHECK_EQ(wg.count, 0);
	ramet_wg_add(&wg, 1);
	CHECK_EQ(wg.count, 1);
	CHECK_EQ(ramet_wg_done(&wg), 0);
}

TEST(what_is_done_before_an_add_was_not_of_that_add)
{
	ramet_wg_add(&wg, 1);
	run_thread(done_twice, NULL);
	ramet_wg_add(&wg, 1);
	ramet_sync_settle();
	CHECK_EQ(wg.count, 1);
	CHECK_EQ(ramet_wg_done(&wg), 0);
}

/* ---- limits and order --------------------------------------------------- */

static void *post_ten(void *results)
{
	int *failed = results;

	for (int i = 0; i < 10; i++)
		if (ramet_sem_post(&sem) < 0) {
			CHECK_EQ(errno, EOVERFLOW);
			++*failed;
		}
	return NULL;
}

TEST(posts_beyond_the_limit_are_refused_before_the_first_use)
{
	int failed = 0;

	ramet_sem_init_bounded(&sem, 1, 4);
	run_thread(post_ten, &failed);
	CHECK_EQ(failed, 7);
	CHECK_EQ(ramet_sem_wait(&sem), 0);
	CHECK_EQ(sem.value, 3);
}

TEST(posts_from_outside_beyond_the_limit_are_dropped)
{
	int failed = 0;

	ramet_sem_init_bounded(&sem, 1, 4);
	CHECK_EQ(ramet_sem_wait(&sem), 0);
	run_thread(post_ten, &failed);
	CHECK_EQ(failed, 0);
	ramet_sync_settle();
	CHECK_EQ(sem.value, 4);
	CHECK_ERR(ramet_sem_post(&sem), EOVERFLOW);
}

TEST(clearing_an_event_undoes_what_was_set_before)
{
	struct ramet *t;

	ramet_event_clear(&event);
	t = spawn(wait_forever, (void *)(uintptr_t)&kinds[1]);
	let_run();
	run_thread(signal_now, (void *)(uintptr_t)&kinds[1]);
	CHECK_EQ(ramet_event_is_set(&event), 1);
	ramet_event_clear(&event);
	CHECK_EQ(ramet_event_is_set(&event), 0);
	join(t); /* but who waited was let through */
	CHECK_EQ(ramet_event_is_set(&event), 0);
}

TEST(one_signal_wakes_one_and_one_broadcast_all)
{
	struct ramet *t[3];
	int ended = 0;

	__atomic_store_n(&told, 1, __ATOMIC_SEQ_CST);
	CHECK_EQ(ramet_mutex_lock(&mutex), 0);
	RAMET_WITHIN(0)
		CHECK_ERR(ramet_cond_wait(&cond, &mutex), ETIMEDOUT);
	CHECK_EQ(ramet_mutex_unlock(&mutex), 0);
	close_cond();
	for (int i = 0; i < 3; i++)
		t[i] = spawn(wait_forever, (void *)(uintptr_t)&kinds[3]);
	let_run();
	run_thread(signal_now, (void *)(uintptr_t)&kinds[3]);
	ramet_sync_settle();
	let_run();
	for (int i = 0; i < 3; i++)
		ended += ramet_ended(t[i]);
	CHECK_EQ(ended, 1);
	run_thread(signal_now, (void *)(uintptr_t)&kinds[4]);
	for (int i = 0; i < 3; i++)
		join(t[i]);
}

/* ---- the object's end --------------------------------------------------- */

struct shared {
	struct ramet_sem sem;
	struct ramet_event event;
};

static void *post_and_set(void *arg)
{
	struct shared *s = arg;

	CHECK_EQ(ramet_sem_post(&s->sem), 0);
	ramet_event_set(&s->event);
	return NULL;
}

/* Sanitizers and the memory that is used again see whether mail comes late. */
TEST(a_settled_object_may_go)
{
	for (int round = test_rounds(200); round; round--) {
		struct shared *s = made(calloc(1, sizeof *s));
		pthread_t thread;

		CHECK_ERR(ramet_sem_trywait(&s->sem), EAGAIN);
		ramet_event_clear(&s->event);
		thread = start_thread(post_and_set, s);
		if (round % 2)
			CHECK_EQ(ramet_sem_wait(&s->sem), 0);
		join_thread(thread);
		ramet_sync_settle();
		CHECK_EQ(s->event.on, 1);
		CHECK(!s->event.outside.posted && !s->sem.outside.posted);
		free(s);
		CHECK_EQ(ramet_yield(), 0);
	}
}

static void *settle_without_a_loop(void *arg)
{
	ramet_sync_settle();
	CHECK(!ramet__this_loop);
	return arg;
}

TEST(settling_makes_no_loop)
{
	run_thread(settle_without_a_loop, NULL);
}

static void *use_and_end(void *arg)
{
	struct ramet *t = spawn(wait_forever, (void *)(uintptr_t)&kinds[1]);

	CHECK_ERR(ramet_sem_trywait(&sem), EAGAIN);
	let_run();
	CHECK_EQ(ramet_detach(t), 0);
	return arg;
}

TEST(what_a_loop_has_used_is_free_when_it_has_ended)
{
	run_thread(use_and_end, NULL);
	CHECK_EQ(ramet_sem_post(&sem), 0);
	run_thread(signal_now, (void *)(uintptr_t)&kinds[0]);
	run_thread(signal_now, (void *)(uintptr_t)&kinds[1]);
	CHECK_EQ(ramet_sem_wait(&sem), 0);
	CHECK_EQ(ramet_sem_wait(&sem), 0);
	CHECK_EQ(ramet_event_wait(&event), 0);
	run_thread(signal_now, (void *)(uintptr_t)&kinds[0]);
	CHECK_EQ(ramet_sem_wait(&sem), 0);
}

static struct ramet_event end_it;

static void *set_stop(void *arg)
{
	ramet_event_set(&end_it);
	return arg;
}

static void *run_until_stopped(void *arg)
{
	CHECK_EQ(ramet_event_wait(&end_it), 0);
	return arg;
}

/* Two tell it to: one of them comes late. */
TEST(a_signal_may_be_what_ends_its_loop)
{
	for (int round = test_rounds(300); round; round--) {
		pthread_t loop, other;

		end_it = (struct ramet_event){0};
		loop = start_thread(run_until_stopped, NULL);
		other = start_thread(set_stop, NULL);
		if (round % 2)
			usleep(100);
		ramet_event_set(&end_it);
		join_thread(loop);
		join_thread(other);
	}
}

/* Mail that was under way at a fork does not come; what it was for does. */
TEST(a_child_of_a_fork_hears_of_signals_before_and_after)
{
	int status;
	pid_t pid;

	CHECK_ERR(ramet_sem_trywait(&sem), EAGAIN);
	run_thread(signal_now, (void *)(uintptr_t)&kinds[0]);
	pid = fork();
	if (pid == 0) {
		CHECK_EQ(ramet_sem_wait(&sem), 0);
		run_thread(signal_now, (void *)(uintptr_t)&kinds[0]);
		ramet_sync_settle();
		_exit(sem.value == 1 ? 0 : 1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(ramet_sem_wait(&sem), 0);
}

/* ---- deadlock ----------------------------------------------------------- */

/* Emulators have OS threads of their own, and TSan has one or two once there is
 * another; then nothing is certain. */
static void need_to_be_alone(void)
{
	struct stat st;

	CHECK_EQ(stat("/proc/self/task", &st), 0);
	if (TEST_TSAN || st.st_nlink != 2 + 1)
		test_skip("there are more OS threads than the test's");
}

static void *signal_late(void *arg)
{
	usleep(50000);
	return signal_now(arg);
}

static void *end_late(void *arg)
{
	usleep(50000);
	return arg;
}

TEST(what_another_thread_may_signal_is_no_deadlock)
{
	pthread_t thread =
		start_thread(signal_late, (void *)(uintptr_t)&kinds[0]);

	CHECK_EQ(ramet_sem_wait(&sem), 0);
	join_thread(thread);
}

TEST(it_is_one_when_that_thread_has_ended)
{
	pthread_t thread;

	need_to_be_alone();
	ramet_set_deadlock_policy(RAMET_DEADLOCK_SILENT);
	thread = start_thread(end_late, NULL);
	CHECK_ERR(ramet_sem_wait(&sem), EDEADLK);
	join_thread(thread);
	CHECK_ERR(ramet_event_wait(&event), EDEADLK);
}

static void *keep_mutex(void *arg)
{
	CHECK_EQ(ramet_mutex_lock(&mutex), 0);
	return arg;
}

static void *wait_until(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_SEQ_CST))
		usleep(1000);
	return NULL;
}

TEST(what_no_other_thread_may_end_is_one_all_the_same)
{
	int stop = 0;
	pthread_t thread = start_thread(wait_until, &stop);

	ramet_set_deadlock_policy(RAMET_DEADLOCK_SILENT);
	join(spawn(keep_mutex, NULL));
	CHECK_ERR(ramet_mutex_lock(&mutex), EDEADLK);
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	join_thread(thread);
}

static void *compute(void *arg)
{
	return arg;
}

TEST(an_idle_helper_does_not_hide_a_deadlock)
{
	need_to_be_alone();
	ramet_set_deadlock_policy(RAMET_DEADLOCK_SILENT);
	CHECK_EQ(ramet_offload(compute, NULL, NULL), 0);
	CHECK_ERR(ramet_sem_wait(&sem), EDEADLK);
}

/* ---- many at once ------------------------------------------------------- */

enum { THREADS = 3, WAITERS = 8 };
static int posts;

static void *post_many(void *arg)
{
	for (int i = 0; i < posts; i++) {
		CHECK_EQ(ramet_sem_post(&sem), 0);
		if (i % 64 == 0)
			sched_yield();
	}
	return arg;
}

static size_t taken;

static void *take_many(void *arg)
{
	for (;;) {
		int r = -1;

		RAMET_WITHIN(test_rand(4) ? RAMET_NEVER
					  : (int)test_rand(50) * RAMET_US)
			r = ramet_sem_wait(&sem);
		if (r == 0)
			taken++;
		else if (errno == ECANCELED)
			return arg;
	}
}

/* Whoever gives up, and whenever. */
TEST(no_post_from_outside_is_lost)
{
	pthread_t threads[THREADS];
	struct ramet *t[WAITERS];

	posts = test_rounds(5000);
	for (int i = 0; i < THREADS; i++)
		threads[i] = start_thread(post_many, NULL);
	for (int i = 0; i < WAITERS; i++)
		t[i] = spawn(take_many, NULL);
	while (taken < (size_t)posts) {
		int i = (int)test_rand(WAITERS);

		CHECK_EQ(ramet_sleep(100 * RAMET_US), 0);
		CHECK_EQ(ramet_cancel(t[i]), 0);
		join(t[i]);
		t[i] = spawn(take_many, NULL);
	}
	for (int i = 0; i < THREADS; i++)
		join_thread(threads[i]);
	ramet_sync_settle();
	for (int i = 0; i < WAITERS; i++) {
		CHECK_EQ(ramet_cancel(t[i]), 0);
		join(t[i]);
	}
	CHECK_EQ(taken + sem.value, (size_t)posts * THREADS);
}

static struct ramet_sem ping, pong;

static void *answer(void *rounds)
{
	for (long i = 0; i < (long)(intptr_t)rounds; i++) {
		CHECK_EQ(ramet_sem_wait(&ping), 0);
		CHECK_EQ(ramet_sem_post(&pong), 0);
	}
	return NULL;
}

TEST(two_loops_take_turns)
{
	intptr_t rounds = test_rounds(2000);
	pthread_t thread = start_thread(answer, (void *)rounds);

	for (intptr_t i = 0; i < rounds; i++) {
		CHECK_EQ(ramet_sem_post(&ping), 0);
		CHECK_EQ(ramet_sem_wait(&pong), 0);
	}
	join_thread(thread);
}

/* Each round a new object, used for the first time while it is signalled. */
static struct ramet_wg wgs[2000];
static struct ramet_cond conds[2000];
static int stage; /* atomic: how far the waiter is */

static void *follow(void *rounds)
{
	for (int i = 0; i < (int)(intptr_t)rounds; i++) {
		while (__atomic_load_n(&stage, __ATOMIC_SEQ_CST) <= i)
			sched_yield();
		for (int n = i * 7 % 50; n; n--)
			__asm__ volatile("");
		__atomic_store_n(&told, i + 1, __ATOMIC_SEQ_CST);
		ramet_cond_signal(&conds[i]);
		CHECK_EQ(ramet_wg_done(&wgs[i]), 0);
	}
	return NULL;
}

TEST(no_signal_is_lost_at_the_first_use)
{
	int rounds = test_rounds(2000) < 2000 ? test_rounds(2000) : 2000;
	pthread_t thread = start_thread(follow, (void *)(intptr_t)rounds);

	for (int i = 0; i < rounds; i++) {
		ramet_wg_add(&wgs[i], 1);
		CHECK_EQ(ramet_mutex_lock(&mutex), 0);
		__atomic_store_n(&stage, i + 1, __ATOMIC_SEQ_CST);
		while (tell() <= i)
			CHECK_EQ(ramet_cond_wait(&conds[i], &mutex), 0);
		CHECK_EQ(ramet_mutex_unlock(&mutex), 0);
		CHECK_EQ(ramet_wg_wait(&wgs[i]), 0);
	}
	join_thread(thread);
}
