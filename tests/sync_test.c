/* Locks, conditions, semaphores, events and wait groups: what is handed over
 * reaches exactly one ramet, in order, whoever gives up in between. */
#include "door.h"
#include "ramets.h"
#include "thread.h"

#include <string.h>

static struct ramet_mutex mutex;
static struct ramet_rmutex rmutex;
static struct ramet_cond cond;
static struct ramet_sem sem;
static struct ramet_event event;
static struct ramet_wg wg;

static char order[64]; /* who got it, one letter each */

static void append(const char *name)
{
	strcat(order, name);
}

/* One kind of wait, as the tests for all of them see it. */
struct kind {
	void (*close)(void); /* from now on waits have to wait */
	int (*wait)(void);
	void (*let_one)(void); /* let one through, or all that wait */
	void (*leave)(void);   /* what has got through lets the next */
};

static void take_mutex(void)
{
	CHECK_EQ(ramet_mutex_lock(&mutex), 0);
}

static int wait_mutex(void)
{
	return ramet_mutex_lock(&mutex);
}

static void let_mutex(void)
{
	CHECK_EQ(ramet_mutex_unlock(&mutex), 0);
}

static void take_rmutex(void)
{
	CHECK_EQ(ramet_rmutex_lock(&rmutex), 0);
	CHECK_EQ(ramet_rmutex_lock(&rmutex), 0);
}

static int wait_rmutex(void)
{
	return ramet_rmutex_lock(&rmutex);
}

static void let_rmutex(void)
{
	do
		CHECK_EQ(ramet_rmutex_unlock(&rmutex), 0);
	while (rmutex.mutex.owner == ramet_self());
}

static int wait_cond(void)
{
	int r, e;

	if (ramet_mutex_lock(&mutex) < 0)
		return -1;
	r = ramet_cond_wait(&cond, &mutex);
	e = errno;
	CHECK_EQ(ramet_mutex_unlock(&mutex), 0); /* held in any case */
	errno = e;
	return r;
}

static void let_cond(void)
{
	ramet_cond_signal(&cond);
}

static int wait_sem(void)
{
	return ramet_sem_wait(&sem);
}

static void let_sem(void)
{
	CHECK_EQ(ramet_sem_post(&sem), 0);
}

static int wait_event(void)
{
	return ramet_event_wait(&event);
}

static void let_event(void)
{
	ramet_event_set(&event);
	ramet_event_clear(&event);
}

static void close_wg(void)
{
	ramet_wg_add(&wg, 1);
}

static int wait_wg(void)
{
	return ramet_wg_wait(&wg);
}

static void let_wg(void)
{
	CHECK_EQ(ramet_wg_done(&wg), 0);
	ramet_wg_add(&wg, 1);
}

static void nothing(void)
{
}

static const struct kind kinds[] = {
	{take_mutex, wait_mutex, let_mutex, let_mutex},
	{nothing, wait_cond, let_cond, nothing},
	{nothing, wait_sem, let_sem, nothing},
	{nothing, wait_event, let_event, nothing},
	{close_wg, wait_wg, let_wg, nothing},
	{take_rmutex, wait_rmutex, let_rmutex, let_rmutex},
};

static const struct kind *const kinds_end = kinds + 6;

/* A ramet that waits once. */
struct waiter {
	const struct kind *kind;
	const char *name;
	int64_t within;
	struct ramet *ramet;
	int error; /* 0: got through */
};

static void *wait_once(void *arg)
{
	struct waiter *w = arg;

	RAMET_WITHIN(w->within)
		w->error = w->kind->wait() == 0 ? 0 : errno;
	if (w->error)
		return NULL;
	append(w->name);
	w->kind->leave();
	return NULL;
}

static struct waiter *start(struct waiter *w, const struct kind *k,
			    const char *name)
{
	*w = (struct waiter){k, name, RAMET_NEVER, NULL, -1};
	w->ramet = spawn(wait_once, w);
	return w;
}

static int end(struct waiter *w)
{
	CHECK_EQ(ramet_join(w->ramet, NULL), 0);
	return w->error;
}

/* From a new start, have `count` ramets wait in turn: "a", "b", ... */
static void start_waiting(const struct kind *k, struct waiter *w, int count)
{
	static const char *const names[] = {"a", "b", "c"};

	order[0] = '\0';
	k->close();
	for (int i = 0; i < count; i++)
		start(&w[i], k, names[i]);
	let_run();
	CHECK(!*order);
}

/* ---- true of every kind ------------------------------------------------- */

TEST(waits_are_served_in_the_order_of_asking)
{
	for (const struct kind *k = kinds; k < kinds_end; k++) {
		struct waiter w[3];

		start_waiting(k, w, 3);
		for (int i = 0; i < (k->leave == nothing ? 3 : 1); i++)
			k->let_one();
		for (int i = 2; i >= 0; i--)
			CHECK_EQ(end(&w[i]), 0);
		CHECK(strcmp(order, "abc") == 0);
	}
}

TEST(a_cancelled_wait_fails_and_leaves_no_trace)
{
	for (const struct kind *k = kinds; k < kinds_end; k++) {
		struct waiter w[3];

		start_waiting(k, w, 3);
		CHECK_EQ(ramet_cancel(w[1].ramet), 0);
		CHECK_EQ(end(&w[1]), ECANCELED);
		k->let_one();
		if (k->leave == nothing)
			k->let_one();
		CHECK(end(&w[0]) == 0 && end(&w[2]) == 0);
		CHECK(strcmp(order, "ac") == 0);
	}
}

TEST(what_is_given_after_a_cancel_goes_to_the_next)
{
	for (const struct kind *k = kinds; k < kinds_end; k++) {
		struct waiter w[2];

		start_waiting(k, w, 2);
		CHECK_EQ(ramet_cancel(w[0].ramet), 0);
		k->let_one(); /* it is still queued */
		CHECK_EQ(end(&w[0]), ECANCELED);
		CHECK_EQ(end(&w[1]), 0);
		CHECK(strcmp(order, "b") == 0);
	}
}

TEST(what_was_given_before_a_cancel_is_kept)
{
	for (const struct kind *k = kinds; k < kinds_end; k++) {
		struct waiter a;

		start_waiting(k, &a, 1);
		k->let_one();
		CHECK_EQ(ramet_cancel(a.ramet), 0);
		CHECK_EQ(end(&a), 0);
		CHECK(strcmp(order, "a") == 0);
	}
}

TEST(a_wait_ends_with_its_scope)
{
	for (const struct kind *k = kinds; k < kinds_end; k++) {
		struct waiter a, b;

		order[0] = '\0';
		k->close();
		start(&a, k, "a")->within = 2 * RAMET_MS;
		start(&b, k, "b");
		CHECK_EQ(end(&a), ETIMEDOUT);
		k->let_one();
		CHECK_EQ(end(&b), 0);
		CHECK(strcmp(order, "b") == 0);
	}
}

/* Give at a time when nobody was looking. */
static void *give_later(void *arg)
{
	const struct kind *k = arg;

	CHECK_EQ(ramet_sleep_until(ramet_after(RAMET_MS)), 0);
	k->let_one();
	return NULL;
}

TEST(what_is_given_in_the_turn_of_a_timeout_goes_to_the_next)
{
	stop_clock();
	for (const struct kind *k = kinds; k < kinds_end; k++) {
		struct waiter a, b;
		struct ramet *giver;

		if (k->leave != nothing)
			continue; /* only its owner may give it */
		order[0] = '\0';
		k->close();
		giver = spawn(give_later, (void *)(uintptr_t)k);
		start(&a, k, "a")->within = 2 * RAMET_MS;
		start(&b, k, "b");
		CHECK_EQ(ramet_yield(), 0);
		pass_time(4 * RAMET_MS); /* both timers are due in one turn */
		CHECK_EQ(ramet_join(giver, NULL), 0);
		CHECK_EQ(end(&a), ETIMEDOUT);
		CHECK_EQ(end(&b), 0);
		CHECK(strcmp(order, "b") == 0);
	}
}

/* In a cancelled ramet; nothing here would have to wait. */
static void *try_all(void *arg)
{
	(void)arg;
	CHECK_EQ(ramet_cancel(ramet_self()), 0);
	CHECK_ERR(ramet_mutex_lock(&mutex), ECANCELED);
	CHECK_EQ(ramet_mutex_trylock(&mutex), 0);
	CHECK_ERR(ramet_cond_wait(&cond, &mutex), ECANCELED);
	CHECK(mutex.owner == ramet_self());
	CHECK_EQ(ramet_cond_signal(&cond), 0);
	CHECK_EQ(ramet_cond_broadcast(&cond), 0);
	CHECK_EQ(ramet_mutex_unlock(&mutex), 0);
	CHECK_EQ(ramet_sem_post(&sem), 0);
	CHECK_ERR(ramet_sem_wait(&sem), ECANCELED);
	CHECK_EQ(ramet_sem_trywait(&sem), 0);
	ramet_event_set(&event);
	CHECK_ERR(ramet_event_wait(&event), ECANCELED);
	CHECK_ERR(ramet_wg_wait(&wg), ECANCELED);
	ramet_wg_add(&wg, 1);
	CHECK_EQ(ramet_wg_done(&wg), 0);
	RAMET_SHIELD(3600 * RAMET_SEC) {
		CHECK_EQ(ramet_mutex_lock(&mutex), 0);
		CHECK_EQ(ramet_mutex_unlock(&mutex), 0);
	}
	return NULL;
}

TEST(a_cancelled_ramet_may_give_and_try_but_not_wait)
{
	CHECK_EQ(ramet_join(spawn(try_all, NULL), NULL), 0);
}

TEST(an_expired_scope_fails_waits_that_would_not_wait)
{
	ramet_sem_init(&sem, 1);
	RAMET_WITHIN(0) {
		CHECK_ERR(ramet_mutex_lock(&mutex), ETIMEDOUT);
		CHECK_ERR(ramet_sem_wait(&sem), ETIMEDOUT);
		CHECK_ERR(ramet_wg_wait(&wg), ETIMEDOUT);
	}
	CHECK_EQ(sem.value, 1);
}

TEST(a_killed_waiter_leaves_no_trace)
{
	for (const struct kind *k = kinds; k < kinds_end; k++) {
		struct waiter w[2];

		if (k->wait == wait_cond)
			continue; /* below: it would end with the mutex */
		start_waiting(k, w, 2);
		CHECK_EQ(ramet_kill(w[0].ramet), 0);
		k->let_one();
		CHECK_ERR(ramet_join(w[0].ramet, NULL), ECHILD);
		CHECK_EQ(end(&w[1]), 0);
		CHECK(strcmp(order, "b") == 0);
	}
}

/* In another OS thread; main's ramets wait for everything. */
static void *from_outside(void *arg)
{
	(void)arg;
	CHECK_ERR(ramet_mutex_lock(&mutex), EPERM);
	CHECK_ERR(ramet_mutex_trylock(&mutex), EPERM);
	CHECK_ERR(ramet_mutex_unlock(&mutex), EPERM);
	CHECK_ERR(ramet_rmutex_lock(&rmutex), EPERM);
	CHECK_ERR(ramet_rmutex_trylock(&rmutex), EPERM);
	CHECK_ERR(ramet_rmutex_unlock(&rmutex), EPERM);
	CHECK_ERR(ramet_cond_wait(&cond, &mutex), EPERM);
	CHECK_ERR(ramet_sem_wait(&sem), EPERM);
	CHECK_ERR(ramet_sem_trywait(&sem), EPERM);
	CHECK_ERR(ramet_event_wait(&event), EPERM);
	ramet_event_clear(&event);
	CHECK_ERR(ramet_wg_wait(&wg), EPERM);
	ramet_wg_add(&wg, 7);
	return NULL;
}

TEST(another_loop_is_refused)
{
	struct waiter w[5];

	for (int i = 1; i < 5; i++) {
		kinds[i].close();
		start(&w[i], &kinds[i], "");
	}
	let_run();
	take_mutex();
	take_rmutex();
	start(&w[0], &kinds[0], "");
	let_run();
	run_thread(from_outside, NULL);
	let_rmutex();
	let_mutex();
	for (int i = 1; i < 5; i++)
		kinds[i].let_one();
	for (int i = 0; i < 5; i++)
		CHECK_EQ(end(&w[i]), 0);
}

/* ---- mutex -------------------------------------------------------------- */

TEST(a_mutex_has_one_owner)
{
	CHECK_EQ(ramet_mutex_lock(&mutex), 0);
	CHECK_ERR(ramet_mutex_lock(&mutex), EDEADLK);
	CHECK_ERR(ramet_mutex_trylock(&mutex), EBUSY);
	CHECK_EQ(ramet_mutex_unlock(&mutex), 0);
	CHECK_ERR(ramet_mutex_unlock(&mutex), EPERM);
	CHECK_EQ(ramet_mutex_trylock(&mutex), 0);
	CHECK_ERR(ramet_mutex_lock(&mutex), EDEADLK);
	CHECK_EQ(ramet_mutex_unlock(&mutex), 0);
}

TEST(unlock_makes_the_next_one_the_owner_at_once)
{
	struct waiter a;

	take_mutex();
	start(&a, &kinds[0], "a");
	let_run();
	let_mutex();
	CHECK(mutex.owner == a.ramet);
	CHECK_ERR(ramet_mutex_trylock(&mutex), EBUSY);
	CHECK_ERR(ramet_mutex_unlock(&mutex), EPERM);
	CHECK_EQ(end(&a), 0);
	CHECK(!mutex.owner);
}

static int turns[3];

static void *take_turns(void *arg)
{
	int *mine = arg;

	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(ramet_mutex_lock(&mutex), 0);
		++*mine;
		for (int k = 0; k < 3; k++)
			CHECK(turns[k] - *mine <= 1 && *mine - turns[k] <= 1);
		if (i % 7 == 0)
			CHECK_EQ(ramet_yield(), 0);
		CHECK_EQ(ramet_mutex_unlock(&mutex), 0);
	}
	return NULL;
}

TEST(nobody_overtakes_at_a_mutex)
{
	struct ramet *t[3];

	take_mutex();
	for (int i = 0; i < 3; i++)
		t[i] = spawn(take_turns, &turns[i]);
	let_run();
	let_mutex();
	for (int i = 0; i < 3; i++)
		CHECK_EQ(ramet_join(t[i], NULL), 0);
}

static uint32_t pick_last(uint32_t n)
{
	return n - 1;
}

/* Here unlock leaves the mutex free, and who is ready last runs first. */
TEST(who_is_overtaken_at_a_mutex_can_be_cancelled)
{
	struct waiter a, b;

	take_mutex();
	start(&a, &kinds[0], "a");
	let_run();
	let_pick(pick_last);
	let_mutex();
	CHECK(!mutex.owner && mutex.waiters.first == NULL);
	CHECK_EQ(ramet_mutex_trylock(&mutex), 0);
	CHECK_EQ(ramet_cancel(a.ramet), 0);
	CHECK_EQ(end(&a), ECANCELED);
	start(&b, &kinds[0], "b");
	let_mutex();
	CHECK_EQ(end(&b), 0);
}

/* Ramets that lock, wait and signal at random, in any order, some of them for a
 * short time only: the mutex is never held twice, never without an owner, and
 * free in the end. */
static int inside;

static void *lock_at_random(void *arg)
{
	(void)arg;
	RAMET_WITHIN(test_rand(3) ? RAMET_NEVER
				  : (int)test_rand(20) * RAMET_US) {
		if (ramet_mutex_lock(&mutex) < 0)
			break;
		for (uint32_t n = test_rand(4); n; n--) {
			CHECK_EQ(inside++, 0);
			ramet_yield();
			CHECK_EQ(--inside, 0);
			if (test_rand(2))
				ramet_cond_signal(&cond);
			else if (test_rand(2))
				ramet_cond_wait(&cond, &mutex);
			CHECK(mutex.owner == ramet_self());
		}
		CHECK_EQ(ramet_mutex_unlock(&mutex), 0);
	}
	return NULL;
}

TEST(a_mutex_excludes_in_any_order)
{
	enum { LOCKERS = 30 };

	let_pick(test_rand);
	for (int round = test_rounds(200); round; round--) {
		struct ramet *t[LOCKERS];

		for (int i = 0; i < LOCKERS; i++)
			t[i] = spawn(lock_at_random, NULL);
		for (int i = 0; i < LOCKERS; i++) {
			ramet_yield();
			ramet_cancel(t[test_rand(LOCKERS)]);
		}
		for (int i = 0; i < LOCKERS; i++)
			ramet_cancel(t[i]);
		for (int i = 0; i < LOCKERS; i++)
			CHECK_EQ(ramet_join(t[i], NULL), 0);
		CHECK(!mutex.owner && !mutex.waiters.first);
		CHECK(!cond.waiters.first);
	}
}

/* ---- recursive mutex ---------------------------------------------------- */

TEST(its_owner_may_lock_a_recursive_mutex_again)
{
	struct waiter a;

	CHECK_ERR(ramet_rmutex_unlock(&rmutex), EPERM);
	CHECK_EQ(ramet_rmutex_lock(&rmutex), 0);
	CHECK_EQ(ramet_rmutex_lock(&rmutex), 0);
	CHECK_EQ(ramet_rmutex_trylock(&rmutex), 0);
	CHECK_EQ(rmutex.depth, 3);
	start(&a, &kinds[5], "a");
	let_run();
	for (int i = 0; i < 3; i++) {
		CHECK(rmutex.mutex.owner == ramet_self());
		CHECK_EQ(ramet_rmutex_unlock(&rmutex), 0);
	}
	CHECK(rmutex.mutex.owner == a.ramet);
	CHECK_ERR(ramet_rmutex_trylock(&rmutex), EBUSY);
	CHECK_ERR(ramet_rmutex_unlock(&rmutex), EPERM);
	CHECK_EQ(end(&a), 0);
	CHECK(!rmutex.mutex.owner && rmutex.depth == 0);
	CHECK_EQ(ramet_rmutex_trylock(&rmutex), 0);
	CHECK_EQ(ramet_rmutex_unlock(&rmutex), 0);
}

TEST(a_recursive_mutex_can_be_locked_too_often)
{
	CHECK_EQ(ramet_rmutex_lock(&rmutex), 0);
	rmutex.depth = SIZE_MAX;
	CHECK_ERR(ramet_rmutex_lock(&rmutex), EAGAIN);
	CHECK_ERR(ramet_rmutex_trylock(&rmutex), EAGAIN);
	rmutex.depth = 1;
	CHECK_EQ(ramet_rmutex_unlock(&rmutex), 0);
}

/* ---- condition ---------------------------------------------------------- */

TEST(a_condition_needs_its_mutex)
{
	CHECK_ERR(ramet_cond_wait(&cond, &mutex), EPERM);
	CHECK_EQ(ramet_cond_signal(&cond), 0);
	CHECK_EQ(ramet_cond_broadcast(&cond), 0);
}

TEST(a_signal_wakes_one_and_a_broadcast_all)
{
	struct waiter w[4];

	for (int i = 0; i < 4; i++)
		start(&w[i], &kinds[1],
		      (const char *[]){"a", "b", "c", "d"}[i]);
	let_run();
	CHECK_EQ(ramet_cond_signal(&cond), 1);
	let_run();
	CHECK(strcmp(order, "a") == 0);
	CHECK_EQ(ramet_cond_broadcast(&cond), 3);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(end(&w[i]), 0);
	CHECK(strcmp(order, "abcd") == 0);
}

/* wait_cond checks that the mutex is held after a wait that failed. */
TEST(a_cancelled_condition_waits_for_its_mutex)
{
	struct waiter a, b;

	stop_clock();
	start(&a, &kinds[1], "a");
	start(&b, &kinds[1], "b")->within = RAMET_MS;
	let_run();
	take_mutex();
	CHECK_EQ(ramet_cancel(a.ramet), 0);
	CHECK_EQ(ramet_sleep(2 * RAMET_MS), 0);
	CHECK(!ramet_ended(a.ramet) && !ramet_ended(b.ramet));
	CHECK_EQ(ramet_cancel(a.ramet), 0);
	CHECK_EQ(ramet_cancel(b.ramet), 0);
	CHECK_EQ(ramet_cond_signal(&cond), 0);
	let_run();
	CHECK(!ramet_ended(a.ramet) && !ramet_ended(b.ramet));
	let_mutex();
	CHECK_EQ(end(&a), ECANCELED);
	CHECK_EQ(end(&b), ETIMEDOUT);
	CHECK(!mutex.owner);
}

TEST(a_signalled_condition_is_no_failure_if_the_scope_ends_at_the_mutex)
{
	struct waiter a;

	stop_clock();
	start(&a, &kinds[1], "a")->within = RAMET_MS;
	let_run();
	take_mutex();
	CHECK_EQ(ramet_cond_signal(&cond), 1);
	CHECK_EQ(ramet_sleep(2 * RAMET_MS), 0);
	let_mutex();
	CHECK_EQ(end(&a), 0);
}

static void unlock_at_exit(struct ramet_mutex **m)
{
	CHECK((*m)->owner == ramet_self());
	CHECK_EQ(ramet_mutex_unlock(*m), 0);
	append("u");
}

static void *wait_to_be_killed(void *arg)
{
	__attribute__((cleanup(unlock_at_exit))) struct ramet_mutex *m = arg;

	CHECK_EQ(ramet_mutex_lock(m), 0);
	ramet_cond_wait(&cond, m);
	append("x");
	return NULL;
}

TEST(a_condition_is_unwound_with_its_mutex_held)
{
	struct ramet *t = spawn(wait_to_be_killed, &mutex);

	let_run();
	take_mutex();
	CHECK_EQ(ramet_kill(t), 0);
	let_run();
	CHECK(!ramet_ended(t));
	let_mutex();
	CHECK_ERR(ramet_join(t, NULL), ECHILD);
	CHECK(strcmp(order, "u") == 0);
	CHECK(!mutex.owner);
}

static void wait_in_link(struct ramet *t, void *arg)
{
	(void)t, (void)arg;
	CHECK_ERR(ramet_mutex_lock(&mutex), EDEADLK);
	CHECK_ERR(ramet_sem_wait(&sem), EDEADLK);
	CHECK_ERR(ramet_event_wait(&event), EDEADLK);
	append("l");
}

static void *end_at_once(void *arg)
{
	(void)arg;
	return NULL;
}

static void *end_with_the_mutex(void *other)
{
	take_mutex();
	start(other, &kinds[0], "o");
	let_run();
	return NULL;
}

static void cond_in_link(struct ramet *t, void *arg)
{
	(void)arg;
	CHECK_ERR(ramet_cond_wait(&cond, &mutex), EDEADLK);
	CHECK(mutex.owner == t);
	CHECK_EQ(ramet_mutex_unlock(&mutex), 0);
	append("c");
}

static void *keep_the_mutex(void *arg)
{
	(void)arg;
	take_mutex();
	CHECK_EQ(ramet_cond_signal(&cond), 1);
	CHECK_EQ(ramet_sem_wait(&sem), 0);
	let_mutex();
	return NULL;
}

TEST(only_a_deadlock_returns_from_a_condition_without_its_mutex)
{
	struct ramet *t = spawn(keep_the_mutex, NULL);

	ramet_set_deadlock_policy(RAMET_DEADLOCK_SILENT);
	take_mutex();
	CHECK_ERR(ramet_cond_wait(&cond, &mutex), EDEADLK);
	CHECK(mutex.owner == t && !mutex.waiters.first);
	CHECK_EQ(ramet_sem_post(&sem), 0);
	CHECK_EQ(ramet_join(t, NULL), 0);
}

TEST(where_nothing_can_wait_waits_fail)
{
	struct ramet *t = spawn(end_at_once, NULL);
	struct waiter other;

	take_mutex();
	CHECK_EQ(ramet_link(t, wait_in_link, NULL), 0);
	CHECK_EQ(ramet_join(t, NULL), 0);
	let_mutex();
	t = spawn(end_with_the_mutex, &other);
	CHECK_EQ(ramet_link(t, cond_in_link, NULL), 0);
	CHECK_EQ(ramet_join(t, NULL), 0);
	CHECK_EQ(end(&other), 0);
	CHECK(strcmp(order, "lco") == 0);
}

/* ---- semaphore ---------------------------------------------------------- */

TEST(a_semaphore_counts)
{
	ramet_sem_init(&sem, 2);
	CHECK_EQ(ramet_sem_wait(&sem), 0);
	CHECK_EQ(ramet_sem_trywait(&sem), 0);
	CHECK_ERR(ramet_sem_trywait(&sem), EAGAIN);
	CHECK_EQ(ramet_sem_post(&sem), 0);
	CHECK_EQ(ramet_sem_wait(&sem), 0);
	ramet_sem_init(&sem, SIZE_MAX);
	CHECK_ERR(ramet_sem_post(&sem), EOVERFLOW);
}

TEST(a_bounded_semaphore_takes_no_more_than_its_limit)
{
	struct waiter a;

	ramet_sem_init_bounded(&sem, 1, 2);
	CHECK_EQ(ramet_sem_post(&sem), 0);
	CHECK_ERR(ramet_sem_post(&sem), EOVERFLOW);
	CHECK_EQ(ramet_sem_wait(&sem), 0);
	CHECK_EQ(ramet_sem_wait(&sem), 0);
	start(&a, &kinds[2], "a");
	let_run();
	for (int i = 0; i < 3; i++)
		CHECK_EQ(ramet_sem_post(&sem), 0);
	CHECK_ERR(ramet_sem_post(&sem), EOVERFLOW);
	CHECK_EQ(end(&a), 0);
	CHECK_EQ(sem.value, 2);
}

TEST(what_is_posted_to_a_waiter_cannot_be_taken_by_another)
{
	struct waiter a;

	start(&a, &kinds[2], "a");
	let_run();
	CHECK_EQ(ramet_sem_post(&sem), 0);
	CHECK_ERR(ramet_sem_trywait(&sem), EAGAIN);
	CHECK_EQ(end(&a), 0);
}

/* Waits, posts, cancels and time limits at random: in the end every post has
 * been taken by one wait or is still there. */
static size_t taken;

static void *wait_at_random(void *arg)
{
	(void)arg;
	RAMET_WITHIN(test_rand(3) ? RAMET_NEVER : (int)test_rand(20) * RAMET_US)
		taken += ramet_sem_wait(&sem) == 0;
	return NULL;
}

static void check_posts(void)
{
	enum { WAITERS = 100 };

	for (int round = test_rounds(100); round; round--) {
		struct ramet *t[WAITERS];
		size_t posted = 0;

		taken = 0;
		ramet_sem_init(&sem, 0);
		for (int i = 0; i < WAITERS; i++)
			t[i] = spawn(wait_at_random, NULL);
		for (int i = 0; i < 300; i++) {
			uint32_t what = test_rand(8);

			if (what < 2)
				posted += ramet_sem_post(&sem) == 0;
			else if (what < 3)
				ramet_cancel(t[test_rand(WAITERS)]);
			else if (what < 4)
				ramet_yield();
		}
		for (int i = 0; i < WAITERS; i++)
			ramet_cancel(t[i]);
		for (int i = 0; i < WAITERS; i++)
			CHECK_EQ(ramet_join(t[i], NULL), 0);
		CHECK_EQ(taken + sem.value, posted);
		CHECK(!sem.waiters.first && !sem.waiters.last);
	}
}

TEST(no_post_is_lost)
{
	check_posts();
}

TEST(no_post_is_lost_in_any_order)
{
	let_pick(test_rand);
	check_posts();
}

/* ---- event -------------------------------------------------------------- */

TEST(an_event_stays_on_until_cleared)
{
	CHECK_EQ(ramet_event_is_set(&event), 0);
	ramet_event_set(&event);
	ramet_event_set(&event);
	CHECK_EQ(ramet_event_is_set(&event), 1);
	CHECK_EQ(ramet_event_wait(&event), 0);
	CHECK_EQ(ramet_event_wait(&event), 0);
	ramet_event_clear(&event);
	CHECK_EQ(ramet_event_is_set(&event), 0);
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_event_wait(&event), ETIMEDOUT);
}

/* ---- wait group --------------------------------------------------------- */

TEST(a_wait_group_waits_for_the_last)
{
	struct waiter a;

	CHECK_EQ(ramet_wg_wait(&wg), 0);
	CHECK_ERR(ramet_wg_done(&wg), EINVAL);
	ramet_wg_add(&wg, 2);
	start(&a, &kinds[4], "a");
	let_run();
	CHECK_EQ(ramet_wg_done(&wg), 0);
	let_run();
	CHECK(!ramet_ended(a.ramet));
	CHECK_EQ(ramet_wg_done(&wg), 0);
	CHECK_EQ(end(&a), 0);
	CHECK_ERR(ramet_wg_done(&wg), EINVAL);
}

TEST(a_wait_that_nobody_can_end_fails)
{
	ramet_set_deadlock_policy(RAMET_DEADLOCK_SILENT);
	CHECK_ERR(ramet_sem_wait(&sem), EDEADLK);
	CHECK_ERR(ramet_event_wait(&event), EDEADLK);
	CHECK(!sem.waiters.first && !event.waiters.first);
}
