/* Read-write locks: readers together, a writer alone, nobody overtaken, whoever
 * gives up in between. */
#include "door.h"
#include "ramets.h"
#include "thread.h"

#include "core/core.h"

#include <string.h>

static struct ramet_rwlock lock;

static char order[64]; /* who got it, one letter each */

/* A ramet that locks once, and keeps it until it is let go. */
struct user {
	bool writes;
	char name;
	int64_t within;
	struct ramet *ramet;
	struct ramet_event go;
	int error; /* 0: has, or had, the lock */
};

static int lock_for(const struct user *u)
{
	return u->writes ? ramet_rwlock_wrlock(&lock)
			 : ramet_rwlock_rdlock(&lock);
}

static void *use_once(void *arg)
{
	struct user *u = arg;

	RAMET_WITHIN(u->within)
		u->error = lock_for(u) == 0 ? 0 : errno;
	if (u->error)
		return NULL;
	strncat(order, &u->name, 1);
	RAMET_SHIELD(RAMET_NEVER)
		CHECK_EQ(ramet_event_wait(&u->go), 0);
	CHECK_EQ(ramet_rwlock_unlock(&lock), 0);
	return NULL;
}

static struct user *start(struct user *u, const char *name)
{
	*u = (struct user){.writes = *name >= 'A' && *name <= 'Z',
			   .name = *name,
			   .within = RAMET_NEVER,
			   .error = -1};
	u->ramet = spawn(use_once, u);
	return u;
}

/* One for each letter, capitals write. */
static void start_all(struct user *u, const char *names)
{
	order[0] = '\0';
	for (; *names; names++)
		start(u++, names);
	let_run();
}

/* Let it unlock, if it has the lock. */
static int end(struct user *u)
{
	ramet_event_set(&u->go);
	CHECK_EQ(ramet_join(u->ramet, NULL), 0);
	return u->error;
}

static void check_free(void)
{
	CHECK(!lock.readers && !lock.writer && !lock.waiters.first);
}

TEST(readers_share)
{
	struct user u[3];

	start_all(u, "abc");
	CHECK(strcmp(order, "abc") == 0);
	CHECK_EQ(lock.readers, 3);
	CHECK_ERR(ramet_rwlock_trywrlock(&lock), EBUSY);
	CHECK_EQ(ramet_rwlock_tryrdlock(&lock), 0);
	CHECK_EQ(ramet_rwlock_unlock(&lock), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(end(&u[i]), 0);
	check_free();
}

TEST(a_writer_is_alone)
{
	struct user u[3];

	start_all(u, "AbC");
	CHECK(strcmp(order, "A") == 0);
	CHECK(lock.writer == u[0].ramet);
	CHECK_ERR(ramet_rwlock_tryrdlock(&lock), EBUSY);
	CHECK_ERR(ramet_rwlock_trywrlock(&lock), EBUSY);
	CHECK_ERR(ramet_rwlock_unlock(&lock), EPERM);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(end(&u[i]), 0);
	CHECK(strcmp(order, "AbC") == 0);
	check_free();
}

TEST(misuse_is_refused)
{
	CHECK_ERR(ramet_rwlock_unlock(&lock), EPERM);
	CHECK_EQ(ramet_rwlock_wrlock(&lock), 0);
	CHECK_ERR(ramet_rwlock_wrlock(&lock), EDEADLK);
	CHECK_ERR(ramet_rwlock_rdlock(&lock), EDEADLK);
	CHECK_ERR(ramet_rwlock_trywrlock(&lock), EBUSY);
	CHECK_ERR(ramet_rwlock_tryrdlock(&lock), EBUSY);
	CHECK_EQ(ramet_rwlock_unlock(&lock), 0);
	check_free();
}

TEST(who_asks_behind_a_writer_waits)
{
	struct user u[3];

	start_all(u, "aBc");
	CHECK(strcmp(order, "a") == 0);
	CHECK_ERR(ramet_rwlock_tryrdlock(&lock), EBUSY);
	CHECK_EQ(end(&u[0]), 0);
	CHECK_EQ(end(&u[1]), 0);
	CHECK_EQ(end(&u[2]), 0);
	CHECK(strcmp(order, "aBc") == 0);
}

TEST(readers_that_stand_together_get_it_together)
{
	struct user u[6];

	start_all(u, "AbcDef");
	CHECK_EQ(end(&u[0]), 0);
	CHECK_EQ(lock.readers, 2);
	CHECK_EQ(end(&u[2]), 0);
	CHECK(strcmp(order, "Abc") == 0);
	CHECK_EQ(end(&u[1]), 0);
	CHECK(lock.writer == u[3].ramet);
	for (int i = 3; i < 6; i++)
		CHECK_EQ(end(&u[i]), 0);
	CHECK(strcmp(order, "AbcDef") == 0);
	check_free();
}

/* ---- giving up ---------------------------------------------------------- */

TEST(a_writer_that_is_cancelled_lets_the_readers_behind_it_in)
{
	struct user u[4];

	start_all(u, "aBcd");
	CHECK_EQ(ramet_cancel(u[1].ramet), 0);
	CHECK_EQ(end(&u[1]), ECANCELED);
	let_run();
	CHECK(strcmp(order, "acd") == 0);
	CHECK(end(&u[0]) == 0 && end(&u[2]) == 0 && end(&u[3]) == 0);
	check_free();
}

TEST(a_writer_whose_time_is_up_lets_the_readers_behind_it_in)
{
	struct user u[3];

	stop_clock();
	start_all(u, "a");
	start(&u[1], "B")->within = RAMET_MS;
	start(&u[2], "c");
	CHECK_EQ(ramet_sleep(2 * RAMET_MS), 0);
	CHECK(strcmp(order, "ac") == 0);
	CHECK_EQ(end(&u[1]), ETIMEDOUT);
	CHECK(end(&u[0]) == 0 && end(&u[2]) == 0);
	check_free();
}

TEST(a_writer_that_is_killed_lets_the_readers_behind_it_in)
{
	struct user u[3];

	start_all(u, "aBc");
	CHECK_EQ(ramet_kill(u[1].ramet), 0);
	CHECK_ERR(ramet_join(u[1].ramet, NULL), ECHILD);
	let_run();
	CHECK(strcmp(order, "ac") == 0);
	CHECK(end(&u[0]) == 0 && end(&u[2]) == 0);
	check_free();
}

/* It is still in the queue and has not run. */
TEST(a_writer_about_to_leave_stops_nobody)
{
	struct user u[3];

	start_all(u, "aBc");
	CHECK_EQ(ramet_cancel(u[1].ramet), 0);
	CHECK_EQ(ramet_rwlock_tryrdlock(&lock), 0);
	CHECK_EQ(lock.readers, 3); /* c came before */
	CHECK_EQ(ramet_rwlock_unlock(&lock), 0);
	CHECK_EQ(end(&u[1]), ECANCELED);
	CHECK(end(&u[0]) == 0 && end(&u[2]) == 0);
	check_free();
}

TEST(a_reader_that_gives_up_lets_the_writer_behind_it_in)
{
	struct user u[3];

	start_all(u, "AbC");
	CHECK_EQ(ramet_cancel(u[1].ramet), 0);
	CHECK_EQ(end(&u[0]), 0);
	CHECK(lock.writer == u[2].ramet);
	CHECK_EQ(end(&u[1]), ECANCELED);
	CHECK_EQ(end(&u[2]), 0);
	check_free();
}

TEST(what_was_given_before_a_cancel_is_kept)
{
	struct user u[3];

	start_all(u, "AbC");
	ramet_event_set(&u[0].go);
	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(lock.readers, 1);
	CHECK_EQ(ramet_cancel(u[1].ramet), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(end(&u[i]), 0);
	CHECK(strcmp(order, "AbC") == 0);
	check_free();
}

static void *try_all(void *arg)
{
	CHECK_EQ(ramet_cancel(ramet_self()), 0);
	CHECK_ERR(ramet_rwlock_rdlock(&lock), ECANCELED);
	CHECK_ERR(ramet_rwlock_wrlock(&lock), ECANCELED);
	CHECK_EQ(ramet_rwlock_tryrdlock(&lock), 0);
	CHECK_EQ(ramet_rwlock_unlock(&lock), 0);
	CHECK_EQ(ramet_rwlock_trywrlock(&lock), 0);
	CHECK_EQ(ramet_rwlock_unlock(&lock), 0);
	return arg;
}

TEST(a_cancelled_ramet_may_try_but_not_wait)
{
	join(spawn(try_all, NULL));
	check_free();
}

TEST(a_reader_that_wants_to_write_is_a_deadlock_that_is_told)
{
	ramet_set_deadlock_policy(RAMET_DEADLOCK_SILENT);
	CHECK_EQ(ramet_rwlock_rdlock(&lock), 0);
	CHECK_ERR(ramet_rwlock_wrlock(&lock), EDEADLK);
	CHECK_EQ(ramet_rwlock_unlock(&lock), 0);
	check_free();
}

static void *from_another_loop(void *arg)
{
	CHECK_ERR(ramet_rwlock_rdlock(&lock), EPERM);
	CHECK_ERR(ramet_rwlock_wrlock(&lock), EPERM);
	CHECK_ERR(ramet_rwlock_tryrdlock(&lock), EPERM);
	CHECK_ERR(ramet_rwlock_trywrlock(&lock), EPERM);
	CHECK_ERR(ramet_rwlock_unlock(&lock), EPERM);
	return arg;
}

TEST(another_loop_is_refused)
{
	CHECK_EQ(ramet_rwlock_wrlock(&lock), 0);
	run_thread(from_another_loop, NULL);
	CHECK_EQ(ramet_rwlock_unlock(&lock), 0);
}

/* ---- at random ---------------------------------------------------------- */

/* Who has asked and neither got it nor given up, by the number of asking. */
enum { USERS = 30 };
static struct {
	struct ramet *waits; /* NULL: no more */
	bool writes;
} asked[USERS];
static int reading, writing;
static bool in_order; /* who asks is not interrupted */

/* Whoever asked before and is still parked was overtaken. */
static void check_order(int mine)
{
	for (int i = 0; i < mine && in_order; i++)
		CHECK(!asked[i].waits ||
		      asked[i].waits->state != STATE_PARKED);
}

static int asking;

static void *use_at_random(void *unused)
{
	bool write = !test_rand(3);
	int mine = asking++, r = -1;

	asked[mine].writes = write;
	asked[mine].waits = ramet_self();
	RAMET_WITHIN(test_rand(3) ? RAMET_NEVER : (int)test_rand(30) * RAMET_US)
		r = write ? ramet_rwlock_wrlock(&lock)
			  : ramet_rwlock_rdlock(&lock);
	asked[mine].waits = NULL;
	if (r < 0)
		return unused;
	check_order(mine);
	*(write ? &writing : &reading) += 1;
	for (uint32_t n = test_rand(4); n; n--) {
		CHECK(writing == 0 || (writing == 1 && reading == 0));
		ramet_yield();
	}
	*(write ? &writing : &reading) -= 1;
	CHECK_EQ(ramet_rwlock_unlock(&lock), 0);
	return unused;
}

static void check_random(void)
{
	for (int round = test_rounds(300); round; round--) {
		struct ramet *t[USERS];

		asking = 0;
		for (int i = 0; i < USERS; i++) {
			t[i] = spawn(use_at_random, NULL);
			if (!test_rand(3))
				ramet_yield();
			if (!test_rand(3))
				ramet_cancel(t[test_rand((uint32_t)i + 1)]);
		}
		for (int i = 0; i < USERS; i++)
			join(t[i]);
		check_free();
	}
}

TEST(nobody_is_overtaken_and_nobody_is_forgotten)
{
	in_order = true;
	check_random();
}

TEST(the_lock_holds_in_any_order)
{
	let_pick(test_rand);
	check_random();
}
