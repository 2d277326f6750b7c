/* The walks say which rule is broken, each of them, and nothing while none is:
 * between any two steps of a busy program. */
#include "core/stack.h"
#include "core/valid.h"
#include "ramets.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define HOUR (3600 * RAMET_SEC)

static bool found[RULES];

static void expect(int line, enum rule got, enum rule want)
{
	if (got != want)
		test_fail(__FILE__, line, "found that %s, not that %s",
			  ramet__rules[got], ramet__rules[want]);
	found[want] = true;
}

/* With lvalue = value the rule is broken, and as it was none is. */
#define BREAK(walk, which, lvalue, value)                                      \
	do {                                                                   \
		__typeof__(lvalue) was_ = (lvalue);                            \
		enum rule got_;                                                \
		(lvalue) = (value);                                            \
		got_ = (walk);                                                 \
		(lvalue) = was_;                                               \
		expect(__LINE__, got_, which);                                 \
		expect(__LINE__, walk, RULES_KEPT);                            \
	} while (0)

/* ---- the wheel ---------------------------------------------------------- */

#define BREAK_WHEEL(which, lvalue, value)                                      \
	BREAK(ramet__timers_walk(&ts), which, lvalue, value)

static void break_wheel(void)
{
	static struct timers ts;
	struct timer near[2] = {0}, far = {0};
	struct timer_slot *slot;

	ramet__timers_init(&ts, 0);
	ramet__timer_arm(&ts, &near[0], 5 << TIMER_TICK_BITS);
	ramet__timer_arm(&ts, &near[1], 5 << TIMER_TICK_BITS);
	ramet__timer_arm(&ts, &far, HOUR);
	slot = &ts.slots[0][5];
	CHECK(slot->first == &near[0]);
	BREAK_WHEEL(RULE_TIMER_LINK, near[1].link, &slot->first);
	BREAK_WHEEL(RULE_TIMER_LINK, near[1].next, &near[0]);
	BREAK_WHEEL(RULE_TIMER_PLACE, near[1].when, 6);
	BREAK_WHEEL(RULE_TIMER_PLACE, far.when, far.when * 2);
	BREAK_WHEEL(RULE_TIMER_PLACE, far.when, 70);
	BREAK_WHEEL(RULE_TIMER_PAST, ts.now, 6);
	BREAK_WHEEL(RULE_SLOT_END, slot->end, &near[0].next);
	BREAK_WHEEL(RULE_SLOT_END, near[0].next, NULL);
	BREAK_WHEEL(RULE_SLOT_END, ts.slots[0][7].end, slot->end);
	BREAK_WHEEL(RULE_SLOT_USED, ts.used[0], 0);
	BREAK_WHEEL(RULE_SLOT_USED, ts.used[1], 1);
	BREAK_WHEEL(RULE_TIMER_COUNT, ts.count, 2);
	BREAK_WHEEL(RULE_TIMER_COUNT, ts.count, 4);
}

/* ---- a loop with one of each -------------------------------------------- */

static struct {
	struct loop *loop;
	struct ramet *ended, *locked, *limited, *outside, *joins;
	struct ramet *delayed, *first, *second;
	struct ramet_mutex mutex;
	struct ramet_event event;
	struct ramet_waker *waker;
	struct ramet_local *key;
} the;

#define BREAK_LOOP(which, lvalue, value)                                       \
	BREAK(ramet__loop_walk(the.loop), which, lvalue, value)

static void *ends(void *unused)
{
	return unused;
}

static void *locks(void *unused)
{
	CHECK_EQ(ramet_mutex_lock(&the.mutex), 0);
	CHECK_EQ(ramet_mutex_unlock(&the.mutex), 0);
	return unused;
}

static void *waits_within_limits(void *unused)
{
	RAMET_WITHIN(3 * HOUR)
		RAMET_SHIELD(2 * HOUR)
			RAMET_SHIELD(RAMET_NEVER)
				RAMET_WITHIN(HOUR)
					CHECK_EQ(ramet_event_wait(&the.event),
						 0);
	return unused;
}

static void *waits_for_a_thread(void *unused)
{
	CHECK_EQ(ramet_waker_wait(the.waker), 0);
	return unused;
}

static void *joins(void *t)
{
	return join(t);
}

static void on_end(struct ramet *t, void *unused)
{
	(void)t, (void)unused;
}

static void set_the_scene(void)
{
	struct ramet_opts delay = {.delay = HOUR};

	the.loop = ramet__loop();
	the.waker = ramet_waker_new();
	the.key = ramet_local_new(NULL);
	CHECK(the.waker && the.key);
	CHECK_EQ(ramet_local_set(the.key, &the), 0);
	CHECK_EQ(ramet_link(ramet_self(), on_end, NULL), 0);
	CHECK_EQ(ramet_mutex_lock(&the.mutex), 0);
	the.ended = spawn(ends, NULL);
	the.locked = spawn(locks, NULL);
	the.limited = spawn(waits_within_limits, NULL);
	the.outside = spawn(waits_for_a_thread, NULL);
	the.delayed = ramet_spawn_opts(ends, NULL, &delay);
	CHECK(the.delayed);
	the.joins = spawn(joins, the.delayed);
	let_run();
	the.first = spawn(ends, NULL);
	the.second = spawn(ends, NULL);
	expect(__LINE__, ramet__loop_walk(the.loop), RULES_KEPT);
}

static void strike_the_scene(void)
{
	CHECK_EQ(ramet_mutex_unlock(&the.mutex), 0);
	ramet_event_set(&the.event);
	ramet_waker_wake(the.waker);
	CHECK_EQ(ramet_cancel(the.delayed), 0);
	join(the.ended);
	join(the.locked);
	join(the.limited);
	join(the.outside);
	join(the.joins);
	join(the.first);
	join(the.second);
	ramet_waker_free(the.waker);
	expect(__LINE__, ramet__loop_walk(the.loop), RULES_KEPT);
}

static void break_ramets(void)
{
	struct loop *l = the.loop;
	struct ramet *t = the.locked, stranger = {.state = STATE_PARKED};
	struct joiner *joiner = the.delayed->cold->joiner;

	BREAK_LOOP(RULE_STATE, t->state, STATE_ENDED + 1);
	BREAK_LOOP(RULE_OWNER, t->loop, NULL);
	BREAK_LOOP(RULE_OWNER, t->cold->ramet, the.ended);
	BREAK_LOOP(RULE_ID, t->id, 0);
	BREAK_LOOP(RULE_ID, t->id, l->last_id + 1);
	BREAK_LOOP(RULE_SINCE, t->since, l->now + 1);
	BREAK_LOOP(RULE_WAIT, t->wait, WAIT_LAST + 1);
	BREAK_LOOP(RULE_KILL, t->flags, t->flags | FLAG_KILL);
	BREAK_LOOP(RULE_KILL, t->flags, t->flags | FLAG_UNWINDING);
	BREAK_LOOP(RULE_LINKS, l->main_cold.links_end, &l->main_cold.links);
	BREAK_LOOP(RULE_LINKS, l->main_cold.links, NULL);
	BREAK_LOOP(RULE_LOCALS, l->main_cold.locals, NULL);
	BREAK_LOOP(RULE_LOCALS, t->cold->local_count, 1);
	BREAK_LOOP(RULE_JOINER, joiner->ramet, the.ended);
	BREAK_LOOP(RULE_JOINER, joiner->ramet, &stranger);
	BREAK_LOOP(RULE_JOINER, joiner->ramet, l->default_class->idle[0]);
}

static void break_states(void)
{
	struct loop *l = the.loop;
	struct ramet *dead = the.ended, *limited = the.limited;
	struct callback undone = {0};
	struct timer other = {0};

	BREAK_LOOP(RULE_STARTED, dead->flags, 0);
	BREAK_LOOP(RULE_RUNNING, the.locked->state, STATE_RUNNING);
	BREAK_LOOP(RULE_WAITING, l->main.wait, WAIT_MUTEX);
	BREAK_LOOP(RULE_WAITING, dead->wait, WAIT_MUTEX);
	BREAK_LOOP(RULE_PARKED, the.locked->wait, WAIT_NONE);
	BREAK_LOOP(RULE_DELAYED, the.delayed->wait, WAIT_JOIN);
	BREAK_LOOP(RULE_LIMIT, the.locked->deadline, l->now);
	BREAK_LOOP(RULE_UNTIL, limited->until, RAMET_NEVER);
	BREAK_LOOP(RULE_UNTIL, limited->until, limited->until + RAMET_SEC);
	BREAK_LOOP(RULE_TIMER_LATE, limited->until, limited->until - RAMET_SEC);
	BREAK_LOOP(RULE_ENDED, dead->cold->ended, 0);
	BREAK_LOOP(RULE_ENDED, dead->cold->ended, l->ended + 1);
	BREAK_LOOP(RULE_ENDED_ARMED, dead->timer.link, &other.next);
	BREAK_LOOP(RULE_LEFT_OVER, dead->cold->defers, &undone);
	BREAK_LOOP(RULE_UNCLAIMED, dead->flags, dead->flags | FLAG_DETACHED);
}

static void break_scopes(void)
{
	struct ramet *me = &the.loop->main, *t = the.limited;
	struct ramet_scope scope, inner, *s = t->scope;

	ramet_scope_open(&scope, RAMET_NEVER);
	ramet_scope_open(&inner, RAMET_NEVER);
	BREAK_LOOP(RULE_SCOPES, inner.outer, &inner);
	BREAK_LOOP(RULE_SCOPES, scope.outer, &inner);
	BREAK_LOOP(RULE_SCOPE, inner.owner, t);
	BREAK_LOOP(RULE_SCOPE, scope.state, SCOPE_CLOSED);
	BREAK_LOOP(RULE_DEADLINE, me->deadline, HOUR);
	BREAK_LOOP(RULE_DEADLINE, inner.deadline, HOUR);
	ramet_scope_close(&scope);
	BREAK_LOOP(RULE_DEADLINE, t->deadline, t->deadline - 1);
	BREAK_LOOP(RULE_DEADLINE, s->outer_deadline, s->deadline - 1);
	BREAK_LOOP(RULE_SHIELD, me->flags, me->flags | FLAG_SHIELD);
	BREAK_LOOP(RULE_SHIELD, t->flags, t->flags & ~FLAG_SHIELD);
	BREAK_LOOP(RULE_SHIELD, s->outer->shield, 1);
	BREAK_LOOP(RULE_SHIELD, s->outer->outer->shield, 2);
}

static void break_stacks(void)
{
	struct stack_class *c = the.loop->default_class;
	struct slab *slab = c->newest, other = {0};
	struct ramet *idle = c->idle[0];

	BREAK_LOOP(RULE_CLASS, c->size, c->size * 2);
	BREAK_LOOP(RULE_SLABS, c->newest, NULL);
	BREAK_LOOP(RULE_SLABS, c->newest, &other);
	BREAK_LOOP(RULE_SLABS, slab->count, slab->ready - 1);
	BREAK_LOOP(RULE_SLABS, slab->next, &other);
	BREAK_LOOP(RULE_TOTAL, c->total, c->total + 1);
	BREAK_LOOP(RULE_TOTAL, c->total, c->total - 1);
	BREAK_LOOP(RULE_PLACE, the.locked->cold, &the.loop->main_cold);
	BREAK_LOOP(RULE_PLACE, the.locked->cold->class, NULL);
	BREAK_LOOP(RULE_PLACE, idle->cold, the.locked->cold);
	BREAK_LOOP(RULE_IDLE, c->idle[0], c->idle[1]);
	BREAK_LOOP(RULE_IDLE, c->idle[0], the.locked);
	BREAK_LOOP(RULE_IDLE, c->idle_count, c->total + 1);
	BREAK_LOOP(RULE_IDLE, the.ended->state, STATE_FREE);
	BREAK_LOOP(RULE_TRIM, c->idle_least, c->idle_count + 1);
	BREAK_LOOP(RULE_TRIM, c->trimmed, slab->ready + 1);
}

static void break_ready(void)
{
	struct loop *l = the.loop;

	CHECK(l->ready == the.first && the.first->next == the.second);
	BREAK_LOOP(RULE_READY, the.second->next, the.locked);
	BREAK_LOOP(RULE_READY_TWICE, the.second->next, the.first);
	BREAK_LOOP(RULE_READY_END, l->ready_end, &the.first->next);
	BREAK_LOOP(RULE_READY_END, the.first->next, NULL);
	BREAK_LOOP(RULE_READY_LOST, l->ready, the.second);
	BREAK_LOOP(RULE_READY_LOST, l->main.state, STATE_READY);
}

static void break_sums(void)
{
	struct loop *l = the.loop;
	struct ramet_stats *stats = &l->stats;
	struct timer nobodys = {0};

	BREAK_LOOP(RULE_MAIN, l->main.id, 2);
	BREAK_LOOP(RULE_MAIN, l->main.state, STATE_ENDED);
	BREAK_LOOP(RULE_ZOMBIE, l->zombie, the.ended);
	BREAK_LOOP(RULE_LIVE, stats->live, stats->live + 1);
	BREAK_LOOP(RULE_LIVE, stats->live, stats->live - 1);
	BREAK_LOOP(RULE_LIVE_MAX, stats->live_max, stats->live - 1);
	BREAK_LOOP(RULE_LIVE_MAX, stats->live_max, stats->spawned + 1);
	BREAK_LOOP(RULE_SPAWNED, stats->spawned, stats->spawned + 1);
	BREAK_LOOP(RULE_NOT_ENDED, l->ended, l->ended + 1);
	BREAK_LOOP(RULE_OUTSIDE, l->outside, 0);
	BREAK_LOOP(RULE_OUTSIDE, l->outside, 2);
	BREAK_LOOP(RULE_CLOCK, l->now, l->now / 2);
	BREAK_LOOP(RULE_CLOCK, l->looked, l->now + 1);
	BREAK_LOOP(RULE_LOOK, l->until_look, UINT32_MAX);
	BREAK_LOOP(RULE_LOOK, l->look_every, 0);
	l->main.state = STATE_READY;
	l->current = l->default_class->idle[0];
	expect(__LINE__, ramet__loop_walk(l), RULE_CURRENT);
	l->current = &l->main;
	l->main.state = STATE_RUNNING;
	ramet__timer_arm(&l->timers, &nobodys, HOUR);
	expect(__LINE__, ramet__loop_walk(l), RULE_ARMED);
	ramet__timer_disarm(&l->timers, &nobodys);
}

TEST(the_walks_find_each_rule_broken)
{
	break_wheel();
	set_the_scene();
	break_ramets();
	break_states();
	break_scopes();
	break_stacks();
	break_ready();
	break_sums();
	strike_the_scene();
	for (int rule = 0; rule < RULES; rule++)
		if (!found[rule])
			test_fail(__FILE__, __LINE__, "never found that %s",
				  ramet__rules[rule]);
}

/* ---- a busy program ----------------------------------------------------- */

enum { WORKERS = 12 };

static struct {
	struct ramet *workers[WORKERS];
	struct ramet_mutex mutex;
	struct ramet_event event;
	struct ramet_chan *chan;
	struct ramet_local *key;
	uint64_t walks;
} busy;

static void walk(void)
{
	expect(__LINE__, ramet__loop_walk(ramet__this_loop), RULES_KEPT);
	busy.walks++;
}

static void walk_deferred(void *unused)
{
	(void)unused;
	walk();
	ramet_sleep(test_rand(2) * RAMET_US);
	walk();
}

static void walk_linked(struct ramet *t, void *unused)
{
	(void)t, (void)unused;
	walk();
}

static void unlock(struct ramet_mutex **m)
{
	walk(); /* while the frames above are unwound, too */
	if (*m)
		ramet_mutex_unlock(*m);
	walk();
}

static void lock_a_while(void)
{
	__attribute__((cleanup(unlock))) struct ramet_mutex *held = NULL;

	RAMET_WITHIN(1 + test_rand(100) * RAMET_US)
		if (ramet_mutex_lock(&busy.mutex) == 0)
			held = &busy.mutex;
	walk();
	if (held)
		ramet_sleep(test_rand(20) * RAMET_US);
}

static void *child(void *unused)
{
	walk();
	ramet_defer(walk_deferred, NULL);
	ramet_sleep(test_rand(3) * 20 * RAMET_US);
	walk();
	return unused;
}

static void *keep(void *unused)
{
	walk();
	ramet_local_set(busy.key, &busy);
	RAMET_SHIELD(RAMET_MS)
		ramet_chan_recv(busy.chan, NULL);
	return unused;
}

static void have_children(void)
{
	struct ramet_opts opts = {.delay = test_rand(50) * RAMET_US,
				  .stack_size = 16384u << test_rand(3)};
	int policy = test_rand(2) ? RAMET_ALL | RAMET_ITERATE : RAMET_FIRST;
	ramet_auto_group g;

	ramet_group_open(&g, policy);
	for (uint32_t n = 1 + test_rand(4); n; n--) {
		struct ramet *t = ramet_go_opts(&g, child, NULL, &opts);

		if (t && test_rand(2))
			ramet_link(t, walk_linked, NULL);
	}
	walk();
	if (test_rand(2))
		ramet_group_next(&g, NULL);
	walk();
	if (test_rand(2))
		ramet_group_wait(&g);
	walk();
	if (test_rand(2))
		ramet_group_kill(&g);
	walk();
}

static void join_another(void)
{
	struct ramet *t = ramet_spawn(keep, NULL);

	if (!t)
		return;
	walk();
	if (test_rand(3) == 0)
		ramet_kill(t);
	RAMET_WITHIN(test_rand(100) * RAMET_US)
		if (ramet_join(t, NULL) == 0 || errno == ECHILD)
			return;
	walk();
	ramet_detach(t);
}

static void do_something(void)
{
	switch (test_rand(8)) {
	case 0:
		ramet_yield();
		break;
	case 1:
		ramet_sleep(test_rand(300) * RAMET_US);
		break;
	case 2:
		lock_a_while();
		break;
	case 3:
		RAMET_WITHIN(test_rand(100) * RAMET_US)
			ramet_event_wait(&busy.event);
		break;
	case 4:
		RAMET_WITHIN(test_rand(100) * RAMET_US)
			ramet_chan_send(busy.chan, "");
		break;
	case 5:
		have_children();
		break;
	case 6:
		join_another();
		break;
	case 7:
		ramet_event_set(&busy.event);
		ramet_event_clear(&busy.event);
		break;
	}
}

static void *work(void *place)
{
	ramet_defer(walk_deferred, NULL);
	for (int i = 0; i < 40; i++) {
		do_something();
		walk();
	}
	*(struct ramet **)place = NULL;
	return NULL;
}

/* Each place is filled again when its worker has gone. */
static void keep_them_busy(void)
{
	for (int round = test_rounds(300); round; round--) {
		struct ramet **place = &busy.workers[test_rand(WORKERS)];

		if (!*place)
			*place = ramet_go(NULL, work, place);
		else if (test_rand(3) == 0)
			ramet_cancel(*place);
		walk();
		ramet_sleep(test_rand(200) * RAMET_US);
	}
}

static uint64_t live(void)
{
	struct ramet_stats stats;

	CHECK_EQ(ramet_get_stats(&stats), 0);
	return stats.live;
}

TEST(a_busy_loop_breaks_no_rule_at_any_step)
{
	busy.chan = ramet_chan_new(0, 2);
	busy.key = ramet_local_new(walk_deferred);
	CHECK(busy.chan && busy.key);
	keep_them_busy();
	for (int i = 0; i < WORKERS; i++)
		if (busy.workers[i])
			ramet_cancel(busy.workers[i]);
	while (live() > 1) {
		ramet_chan_send(busy.chan, "");
		ramet_event_set(&busy.event);
		ramet_sleep(RAMET_MS);
		walk();
	}
	ramet_chan_free(busy.chan);
	CHECK(busy.walks > 1000 || test_slow());
}

/* ---- what the walks have found ------------------------------------------ */

static int calls;

static void count_call(void *unused)
{
	(void)unused;
	calls++;
}

static void count_link(struct ramet *t, void *unused)
{
	(void)t, (void)unused;
	calls++;
}

static void link_another(struct ramet *t, void *unused)
{
	(void)unused;
	CHECK_EQ(ramet_link(t, count_link, NULL), 0);
	CHECK_EQ(ramet_defer(count_call, NULL), 0);
}

static void *link_main(void *unused)
{
	CHECK_EQ(ramet_link(ramet_self(), link_another, NULL), 0);
	return unused;
}

/* The list of links forgot its end with its last link. */
TEST(a_link_of_main_may_link_and_defer)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, link_main, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(calls, 2);
}

static void replace(struct ramet *t, void *other)
{
	CHECK_EQ(ramet_detach(t), 0);
	walk();
	*(struct ramet **)other = spawn(ends, other);
	walk();
}

/* Its stack was given away while it still ran on it. */
TEST(a_ramet_may_be_detached_by_its_own_link)
{
	struct ramet *t = spawn(ends, NULL), *other;

	CHECK_EQ(ramet_link(t, replace, &other), 0);
	let_run();
	CHECK(join(other) == &other);
	CHECK_EQ(live(), 1);
	walk();
}

static struct ramet_local *key;

static void defer_more(void *unused)
{
	CHECK_EQ(ramet_defer(count_call, unused), 0);
}

static void set_again(struct ramet *t, void *value)
{
	(void)t;
	CHECK_EQ(ramet_local_set(key, value), 0);
	CHECK_EQ(ramet_defer(count_call, NULL), 0);
}

static void *sets(void *value)
{
	CHECK_EQ(ramet_local_set(key, value), 0);
	return NULL;
}

/* They were lost, and their memory with them. */
TEST(what_destructors_and_links_defer_or_set_is_done)
{
	struct ramet *t;

	key = ramet_local_new(defer_more);
	CHECK(key);
	t = spawn(sets, &calls);
	let_run();
	walk();
	join(t);
	CHECK_EQ(calls, 1);
	t = spawn(sets, &calls);
	CHECK_EQ(ramet_link(t, set_again, &calls), 0);
	let_run();
	walk();
	join(t);
	CHECK_EQ(calls, 4);
}

static __attribute__((noinline)) void leave_open(void)
{
	struct ramet_scope scope;

	ramet_scope_open(&scope, HOUR);
	ramet_sleep(2 * HOUR);
	ramet_scope_close(&scope); /* not if it is killed before */
}

static void overwrite(char *frame)
{
	memset(frame, 0x55, 1024);
	__asm__ volatile("" : : "r"(frame) : "memory");
	walk();
}

static __attribute__((noinline)) void use_the_stack(const int *unused)
{
	char frame[1024];

	(void)unused;
	overwrite(frame);
}

static void find_no_scope(void *unused)
{
	(void)unused;
	CHECK_EQ(ramet_scope_deadline().ns, RAMET_NEVER);
	CHECK(!ramet_self()->scope);
	walk();
	calls++;
}

static void *has_an_open_scope(void *unused)
{
	CHECK_EQ(ramet_defer(find_no_scope, NULL), 0);
	leave_open();
	return unused;
}

static void *has_open_scopes(void *unused)
{
	CHECK_EQ(ramet_defer(find_no_scope, NULL), 0);
	RAMET_WITHIN(2 * HOUR) {
		__attribute__((cleanup(use_the_stack))) int frame = 0;

		(void)frame;
		leave_open();
	}
	return unused;
}

/* The scope around one that is gone followed it to where it was. */
TEST(a_kill_may_leave_a_scope_open)
{
	struct ramet *ts[] = {spawn(has_an_open_scope, NULL),
			      spawn(has_open_scopes, NULL)};

	let_run();
	for (size_t i = 0; i < countof(ts); i++) {
		CHECK_EQ(ramet_kill(ts[i]), 0);
		CHECK_ERR(ramet_join(ts[i], NULL), ECHILD);
		walk();
	}
	CHECK_EQ(calls, 2);
}

/* ---- builds that walk by themselves ------------------------------------- */

#ifdef RAMET_CHECKS
static void park_in_a_broken_loop(void)
{
	ramet__loop()->stats.live++;
	ramet_sleep(1);
}

static void arm_in_a_broken_wheel(void)
{
	ramet__loop()->timers.count++;
	ramet_sleep(1);
}

static void check_dies(void (*fn)(void), const char *file, enum rule rule)
{
	char text[1024];
	int status = test_stderr_of(fn, text, sizeof text);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(strstr(text, file) != NULL);
	CHECK(strstr(text, ramet__rules[rule]) != NULL);
}

TEST(the_change_that_finds_a_rule_broken_aborts)
{
	check_dies(park_in_a_broken_loop, "core/sched.c:", RULE_LIVE);
	check_dies(arm_in_a_broken_wheel, "core/timer.c:", RULE_TIMER_COUNT);
}
#endif
