/* Actors from elsewhere: other loops, and OS threads that have none. */
#include "actors.h"
#include "door.h"
#include "ramet.h"
#include "ramets.h"
#include "thread.h"

#include <semaphore.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ramet_loop *other_loop(void)
{
	CHECK(ramet_loops_start(2) == 2);
	return made(ramet_loop_at(1));
}

static struct ramet_actor *start_far(ramet_actor_fn *fn, void *arg)
{
	return start_with(fn, arg,
			  (struct ramet_actor_opts){.loop = other_loop()});
}

static int answers(struct ramet_actor *me, void *arg)
{
	int n;

	while (ramet_receive(me, &n, sizeof n) > 0) {
		if (n < 0)
			return n;
		if (arg)
			CHECK(ramet_loop_self() == arg);
		n++;
		if (ramet_reply(me, &n, sizeof n) < 0)
			CHECK_EQ(errno, EINVAL);
	}
	return 0;
}

TEST(an_actor_runs_in_the_loop_that_is_asked_for)
{
	struct ramet_loop *loop = other_loop();
	struct ramet_actor *a =
		start_with(answers, loop,
			   (struct ramet_actor_opts){.loop = loop});

	for (int n = 0; n < 1000; n++)
		CHECK_EQ(ask_number(a, n), n + 1);
	CHECK_EQ(stop(a), 0);
	CHECK_EQ(ramet_loops_stop(), 0);
}

TEST(the_callers_own_loop_may_be_asked_for)
{
	struct ramet_loop *loop = (other_loop(), ramet_loop_self());
	struct ramet_actor *a =
		start_with(answers, loop,
			   (struct ramet_actor_opts){.loop = loop});

	CHECK_EQ(ask_number(a, 1), 2);
	CHECK_EQ(stop(a), 0);
	CHECK_EQ(ramet_loops_stop(), 0);
}

/* Something that another OS thread does comes soon, unless a call has failed.
 */
static void pause_once(int *pauses)
{
	CHECK(++*pauses < 3000);
	CHECK_EQ(ramet_sleep(RAMET_MS), 0);
}

static int ready; /* atomic */

static void await_ready(void)
{
	int pauses = 0;

	while (!__atomic_exchange_n(&ready, 0, __ATOMIC_ACQ_REL))
		pause_once(&pauses);
}

/* ---- order, and all of them --------------------------------------------- */

enum { EACH = 5000 };

static int next_of[3], came;

struct numbered {
	int from, n;
};

static int counts(struct ramet_actor *me, void *arg)
{
	struct numbered m;

	(void)arg;
	while (came < 3 * EACH) {
		CHECK_EQ(ramet_receive(me, &m, sizeof m), sizeof m);
		CHECK_EQ(m.n, next_of[m.from]++);
		came++;
	}
	return 0;
}

static void send_all(struct ramet_actor *a, int from)
{
	for (struct numbered m = {from, 0}; m.n < EACH; m.n++)
		CHECK_EQ(ramet_tell(a, &m, sizeof m), 0);
}

static void *from_thread(void *a)
{
	send_all(a, 1);
	CHECK(!ramet_actor_self());
	return NULL;
}

static void *from_loop(void *a)
{
	send_all(a, 2);
	return NULL;
}

static void all_arrive(struct ramet_actor *a)
{
	pthread_t thread = start_thread(from_thread, a);
	struct ramet *t = spawn(from_loop, a);

	send_all(a, 0);
	join(t);
	CHECK_EQ(finish(a), 0);
	join_thread(thread);
	CHECK_EQ(came, 3 * EACH);
}

TEST(messages_from_everywhere_arrive_in_order)
{
	all_arrive(start_with(counts, NULL,
			      (struct ramet_actor_opts){.loop = other_loop()}));
	CHECK_EQ(ramet_loops_stop(), 0);
}

TEST(a_full_mailbox_makes_everyone_wait)
{
	all_arrive(start_with(counts, NULL,
			      (struct ramet_actor_opts){.loop = other_loop(),
							.mailbox = 3}));
	CHECK_EQ(ramet_loops_stop(), 0);
}

TEST(an_actor_of_this_loop_hears_os_threads)
{
	all_arrive(start_with(counts, NULL,
			      (struct ramet_actor_opts){.mailbox = 3}));
}

/* ---- a full mailbox ----------------------------------------------------- */

static struct ramet_waker *go_on;

static int stands_still(struct ramet_actor *me, void *total)
{
	int n;

	CHECK(go_on = ramet_waker_new());
	__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
	if (ramet_waker_wait(go_on) == 0)
		while (ramet_receive(me, &n, sizeof n) > 0 && n)
			*(int *)total += n;
	return 0;
}

static struct ramet_actor *full(enum ramet_when_full when_full, int *total)
{
	struct ramet_actor *a =
		start_with(stands_still, total,
			   (struct ramet_actor_opts){.loop = other_loop(),
						     .mailbox = 2,
						     .when_full = when_full});

	await_ready();
	tell_number(a, 1);
	tell_number(a, 2);
	return a;
}

static void *tells_in_vain(void *a)
{
	int n = 4;

	CHECK_ERR(ramet_tell(a, &n, sizeof n), ESRCH);
	return NULL;
}

TEST(who_waits_for_room_may_leave)
{
	int total = 0, n = 100;
	struct ramet_actor *a = full(RAMET_FULL_BLOCK, &total);

	RAMET_WITHIN(5 * RAMET_MS)
		CHECK_ERR(ramet_tell(a, &n, sizeof n), ETIMEDOUT);
	RAMET_WITHIN(5 * RAMET_MS)
		CHECK_ERR(ramet_ask(a, &n, sizeof n, NULL, 0), ETIMEDOUT);
	ramet_waker_wake(go_on);
	tell_number(a, 4);
	tell_number(a, 0);
	CHECK_EQ(finish(a), 0);
	CHECK_EQ(total, 7);
	ramet_waker_free(go_on);
	CHECK_EQ(ramet_loops_stop(), 0);
}

TEST(the_end_is_the_end_of_waiting_for_room)
{
	int total = 0;
	struct ramet_actor *a = full(RAMET_FULL_BLOCK, &total);
	pthread_t thread = start_thread(tells_in_vain, a);
	struct ramet *t = spawn(tells_in_vain, a);

	CHECK_EQ(ramet_sleep(5 * RAMET_MS), 0);
	ramet_actor_kill(a);
	join(t);
	join_thread(thread);
	CHECK_EQ(finish(a), RAMET_WAS_KILLED);
	ramet_waker_free(go_on);
	CHECK_EQ(ramet_loops_stop(), 0);
}

TEST(a_message_may_be_dropped_or_refused)
{
	int total = 0, n = 4;
	struct ramet_actor *a = full(RAMET_FULL_DROP, &total);
	struct ramet_actor_stats stats;

	tell_number(a, n);
	CHECK_ERR(ramet_ask(a, &n, sizeof n, NULL, 0), ECONNRESET);
	ramet_actor_get_stats(a, &stats);
	CHECK_EQ(stats.dropped, 2);
	CHECK_EQ(stop(a), 0);
	ramet_waker_free(go_on);
	a = full(RAMET_FULL_FAIL, &total);
	CHECK_ERR(ramet_tell(a, &n, sizeof n), EAGAIN);
	CHECK_ERR(ramet_ask(a, &n, sizeof n, NULL, 0), EAGAIN);
	CHECK_EQ(stop(a), 0);
	ramet_waker_free(go_on);
	CHECK_EQ(ramet_loops_stop(), 0);
}

/* ---- questions ---------------------------------------------------------- */

static void *thread_asks(void *a)
{
	for (int n = 0; n < 100; n++)
		CHECK_EQ(ask_number(a, n), n + 1);
	return NULL;
}

TEST(os_threads_ask)
{
	struct ramet_actor *a = start(answers, NULL);
	pthread_t thread = start_thread(thread_asks, a);

	for (int n = 0; n < 100; n++)
		CHECK_EQ(ask_number(a, n), n + 1);
	RAMET_WITHIN(20 * RAMET_SEC)
		while (ramet_sleep(RAMET_MS) == 0) {
			struct ramet_actor_stats stats;

			ramet_actor_get_stats(a, &stats);
			if (stats.received == 200)
				break;
		}
	join_thread(thread);
	CHECK_EQ(stop(a), 0);
}

static void *asks_in_vain(void *a)
{
	int n = -3;

	CHECK_ERR(ramet_ask(a, &n, sizeof n, NULL, 0), ECONNRESET);
	CHECK_EQ(end_of(a), -3);
	CHECK_ERR(ramet_ask(a, &n, sizeof n, NULL, 0), ESRCH);
	return NULL;
}

TEST(a_crash_ends_the_question_and_the_wait_at_once)
{
	struct ramet_actor *a = start_far(answers, NULL);

	asks_in_vain(a);
	ramet_actor_release(a);
	a = start_far(answers, NULL);
	run_thread(asks_in_vain, a);
	ramet_actor_release(a);
	CHECK_EQ(ramet_loops_stop(), 0);
}

static struct ramet_question *question;

static int takes(struct ramet_actor *me, void *arg)
{
	struct ramet_question *q;

	(void)arg;
	while (ramet_receive(me, NULL, 0) == 0) {
		q = made(ramet_question_take(me));
		__atomic_store_n(&question, q, __ATOMIC_RELEASE);
	}
	return 0;
}

static struct ramet_question *taken(void)
{
	struct ramet_question *q;
	int pauses = 0;

	while (!(q = __atomic_exchange_n(&question, NULL, __ATOMIC_ACQUIRE)))
		pause_once(&pauses);
	return q;
}

static void *asks(void *a)
{
	char c = 0;
	ssize_t n = ramet_ask(a, NULL, 0, &c, 1);

	return (void *)(intptr_t)(n < 0 ? -errno : c);
}

TEST(any_loop_answers)
{
	struct ramet_actor *a = start_far(takes, NULL);
	struct ramet *t = spawn(asks, a);
	struct ramet_question *q;

	CHECK_EQ(ramet_answer(taken(), "x", 1), 0);
	CHECK_EQ((intptr_t)join(t), 'x');
	t = spawn(asks, a);
	CHECK_EQ(ramet_answer(taken(), NULL, SIZE_MAX), 0);
	CHECK_EQ((intptr_t)join(t), -ECONNRESET);
	t = spawn(asks, a);
	q = taken(); /* and answered when its actor has gone */
	CHECK_EQ(stop(a), 0);
	CHECK_EQ((intptr_t)join(t), -ECONNRESET);
	CHECK_EQ(ramet_answer(q, "y", 1), 0);
	CHECK_EQ(ramet_loops_stop(), 0);
}

TEST(who_asks_may_leave)
{
	struct ramet_actor *a = start_far(takes, NULL);

	RAMET_WITHIN(5 * RAMET_MS)
		CHECK_ERR(ramet_ask(a, NULL, 0, NULL, 0), ETIMEDOUT);
	CHECK_EQ(ramet_answer(taken(), "x", 1), 0);
	CHECK_EQ(stop(a), 0);
	CHECK_EQ(ramet_loops_stop(), 0);
}

/* ---- links and monitors ------------------------------------------------- */

static int idles(struct ramet_actor *me, void *status)
{
	while (ramet_receive(me, NULL, 0) == 0)
		;
	return status ? *(int *)status : 0;
}

static int crash = 5;

static int links_to(struct ramet_actor *me, void *a)
{
	CHECK_EQ(ramet_actor_link(me, a), 0);
	CHECK_EQ(ramet_actor_link(me, a), 0);
	__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
	return idles(me, NULL);
}

static struct ramet_actor *linked_to(struct ramet_actor *a)
{
	struct ramet_actor *b = start(links_to, a);

	await_ready();
	return b;
}

TEST(a_crash_goes_from_loop_to_loop)
{
	struct ramet_actor *a = start_far(idles, &crash);
	struct ramet_actor *b = linked_to(a);

	CHECK_EQ(stop(a), 5);
	CHECK_EQ(finish(b), RAMET_WAS_LINKED);
	a = start_far(idles, &crash);
	b = linked_to(a);
	ramet_actor_kill(b);
	CHECK_EQ(finish(a), RAMET_WAS_LINKED);
	CHECK_EQ(finish(b), RAMET_WAS_KILLED);
	a = start_far(idles, NULL);
	b = linked_to(a);
	CHECK_EQ(stop(b), 0); /* that is no crash */
	CHECK_EQ(ramet_tell(a, NULL, 0), 0);
	CHECK_EQ(end_of((ramet_actor_stop(a), a)), 0);
	b = start(links_to, a); /* to the dead */
	CHECK_EQ(finish(b), RAMET_WAS_LINKED);
	ramet_actor_release(a);
	CHECK_EQ(ramet_loops_stop(), 0);
}

static int unlinks(struct ramet_actor *me, void *a)
{
	CHECK_EQ(ramet_actor_link(me, a), 0);
	CHECK_EQ(ramet_actor_monitor(me, a), 0);
	CHECK_EQ(ramet_actor_unlink(me, a), 0);
	CHECK_EQ(ramet_actor_demonitor(me, a), 0);
	ramet_actor_stop(a);
	CHECK_EQ(end_of(a), 5);
	RAMET_WITHIN(20 * RAMET_MS)
		CHECK_ERR(ramet_receive(me, NULL, 0), ETIMEDOUT);
	return 1;
}

TEST(what_is_undone_is_undone_elsewhere)
{
	struct ramet_actor *a = start_far(idles, &crash);

	CHECK_EQ(finish(start(unlinks, a)), 1);
	ramet_actor_release(a);
	CHECK_EQ(ramet_loops_stop(), 0);
}

static int watches(struct ramet_actor *me, void *a)
{
	struct ramet_exit e;

	CHECK_EQ(ramet_actor_monitor(me, a), 0);
	ramet_actor_stop(a);
	CHECK_EQ(ramet_receive(me, &e, sizeof e), sizeof e);
	CHECK_EQ(ramet_actor_tag(me), RAMET_TAG_DOWN);
	CHECK(e.actor == a && ramet_actor_sender(me) == a);
	CHECK_EQ(e.restarts, 0);
	CHECK_EQ(ramet_actor_monitor(me, a), 0); /* at once */
	CHECK_EQ(ramet_receive(me, &e, sizeof e), sizeof e);
	return e.status;
}

TEST(ends_are_told_from_loop_to_loop)
{
	struct ramet_actor *a = start_far(idles, &crash);

	CHECK_EQ(finish(start(watches, a)), 5);
	ramet_actor_release(a);
	CHECK_EQ(ramet_loops_stop(), 0);
}

/* ---- supervisors -------------------------------------------------------- */

TEST(children_may_be_elsewhere)
{
	struct ramet_child child = {.fn = answers,
				    .kind = RAMET_PERMANENT,
				    .shutdown = RAMET_NEVER};
	struct ramet_supervisor spec = {.strategy = RAMET_ONE_FOR_ALL,
					.restarts = 100,
					.within = RAMET_SEC};
	struct ramet_actor *s, *far, *near;
	struct ramet_actor_stats stats;
	int n = -1;

	s = start(ramet_supervise, &spec);
	near = made(ramet_supervisor_add(s, &child));
	child.opts.loop = other_loop();
	far = made(ramet_supervisor_add(s, &child));
	for (int i = 0; i < 10; i++) {
		CHECK_ERR(ramet_ask(i % 2 ? far : near, &n, sizeof n, NULL, 0),
			  ECONNRESET);
		CHECK_EQ(ask_number(far, 1), 2);
		CHECK_EQ(ask_number(near, 1), 2);
	}
	ramet_actor_get_stats(far, &stats);
	CHECK_EQ(stats.restarts, 10);
	CHECK_EQ(ramet_supervisor_remove(s, near), 0);
	CHECK_EQ(finish(near), 0);
	CHECK_EQ(stop(s), 0);
	CHECK_EQ(finish(far), 0);
	CHECK_EQ(ramet_loops_stop(), 0);
}

static void *manages(void *supervisor)
{
	struct ramet_child child = {.fn = answers, .shutdown = RAMET_SEC};
	struct ramet_actor *a, *same;

	for (int i = 0; i < 50; i++) {
		a = made(ramet_supervisor_add(supervisor, &child));
		same = made(ramet_supervisor_child(supervisor, 0));
		CHECK(same == a);
		CHECK_EQ(ask_number(a, i), i + 1);
		CHECK_EQ(ramet_supervisor_remove(supervisor, a), 0);
		CHECK_EQ(finish(a), 0);
		ramet_actor_release(same);
	}
	CHECK_NULL(ramet_supervisor_child(supervisor, 0), ESRCH);
	return NULL;
}

TEST(a_supervisor_may_be_elsewhere)
{
	struct ramet_supervisor spec = {.strategy = RAMET_ONE_FOR_ONE};
	struct ramet_actor *s = start_far(ramet_supervise, &spec);

	manages(s);
	run_thread(manages, s);
	CHECK_EQ(stop(s), 0);
	CHECK_NULL(ramet_supervisor_child(s = start_far(answers, NULL), 0),
		   EINVAL);
	CHECK_EQ(stop(s), 0);
	CHECK_EQ(ramet_loops_stop(), 0);
}

/* ---- a start that fails ------------------------------------------------- */

static long (*call_before)(long nr, long a, long b, long c, long d, long e,
			   long f);
static pthread_t starter;
static sem_t named, waiting;
static bool told;  /* who waits is about to */
static bool tried; /* to get memory, once at least */

/* Between its name and its ramet an actor is found and waited for; then memory
 * is short. */
static long call_when_waited_for(long nr, long a, long b, long c, long d,
				 long e, long f)
{
	bool mine = pthread_equal(pthread_self(), starter);

	if (nr == SYS_futex && !mine && !told) {
		told = true;
		sem_post(&waiting);
	}
	if (nr != SYS_mmap || !mine)
		return call_before(nr, a, b, c, d, e, f);
	if (!tried) {
		tried = true;
		sem_post(&named);
		while (sem_wait(&waiting) < 0)
			;
	}
	return -ENOMEM;
}

static void *finds_and_waits(void *unused)
{
	struct ramet_actor *a;

	while (sem_wait(&named) < 0)
		;
	a = made(ramet_actor_find("short"));
	CHECK_EQ(ramet_actor_wait(a, NULL), 0);
	CHECK_ERR(ramet_tell(a, NULL, 0), ESRCH);
	ramet_actor_release(a);
	return unused;
}

TEST(who_waits_for_one_that_cannot_be_started_is_told)
{
	struct kernel *own = (CHECK(ramet_self()), own_kernel());
	struct ramet_actor_opts opts = {.name = "short", .stack_size = 1 << 20};
	pthread_t thread;

	if (test_is_swept())
		test_skip("memory is short already");
	sem_init(&named, 0, 0);
	sem_init(&waiting, 0, 0);
	starter = pthread_self();
	thread = start_thread(finds_and_waits, NULL);
	call_before = own->call;
	own->call = call_when_waited_for;
	CHECK_NULL(ramet_actor_start(takes, NULL, &opts), ENOMEM);
	join_thread(thread);
	own->call = call_before;
}

/* ---- the loop ends ------------------------------------------------------ */

static void *starts_and_leaves(void *a)
{
	*(struct ramet_actor **)a = start(takes, NULL);
	CHECK_EQ(ramet_yield(), 0);
	return NULL; /* with its OS thread the loop ends */
}

TEST(with_its_loop_an_actor_ends_for_good)
{
	struct ramet_actor *a;

	run_thread(starts_and_leaves, &a);
	CHECK_ERR(ramet_tell(a, NULL, 0), ESRCH);
	CHECK_ERR(ramet_ask(a, NULL, 0, NULL, 0), ESRCH);
	CHECK_EQ(ramet_actor_wait(a, NULL), 0);
	ramet_actor_stop(a);
	ramet_actor_kill(a);
	ramet_actor_release(a);
}

static struct ramet_actor *leaving;

static void *leaves_when_told(void *unused)
{
	struct ramet_actor *a = start(takes, NULL);

	(void)unused;
	__atomic_store_n(&leaving, a, __ATOMIC_RELEASE);
	await_ready();
	return NULL;
}

static void *waits_for(void *a)
{
	CHECK_EQ(ramet_actor_wait(a, NULL), 0);
	return NULL;
}

TEST(who_waits_for_a_loop_that_ends_is_told)
{
	pthread_t thread = start_thread(leaves_when_told, NULL), waiter;
	struct ramet *asker, *watcher;
	struct ramet_question *q;
	int pauses = 0;

	while (!__atomic_load_n(&leaving, __ATOMIC_ACQUIRE))
		pause_once(&pauses);
	asker = spawn(asks, leaving);
	watcher = spawn(waits_for, leaving);
	waiter = start_thread(waits_for, leaving);
	q = taken();
	__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
	CHECK_EQ((intptr_t)join(asker), -ECONNRESET);
	join(watcher);
	join_thread(waiter);
	join_thread(thread);
	CHECK_EQ(ramet_answer(q, NULL, 0), 0); /* as who has one must */
	ramet_actor_release(leaving);
}

static void *supervises_elsewhere(void *found)
{
	struct ramet_child child = {.fn = answers,
				    .opts.loop = ramet_loop_at(0),
				    .kind = RAMET_PERMANENT};
	struct ramet_supervisor spec = {.children = &child, .count = 1};
	struct ramet_actor *s = start(ramet_supervise, &spec);

	*(struct ramet_actor **)found = made(ramet_supervisor_child(s, 0));
	ramet_actor_release(s);
	return NULL; /* and the loop ends */
}

TEST(children_end_with_the_loop_of_their_supervisor)
{
	struct ramet_actor *a;

	other_loop();
	run_thread(supervises_elsewhere, &a);
	end_of(a);
	ramet_actor_release(a);
	CHECK_EQ(ramet_loops_stop(), 0);
}

/* ---- fork --------------------------------------------------------------- */

static struct ramet_actor *near, *far;

static void in_the_child(void)
{
	int n = 1;

	CHECK(!ramet_actor_self());
	for (int i = 0; i < 2; i++) {
		struct ramet_actor *a = i ? far : near;

		CHECK_ERR(ramet_tell(a, &n, sizeof n), ESRCH);
		CHECK_ERR(ramet_ask(a, &n, sizeof n, NULL, 0), ESRCH);
		CHECK_EQ(ramet_actor_wait(a, NULL), 0);
		ramet_actor_stop(a);
		ramet_actor_kill(a);
	}
	CHECK_NULL(ramet_actor_find("near"), ESRCH);
	near = start_with(answers, NULL,
			  (struct ramet_actor_opts){.name = "near"});
	CHECK_EQ(ask_number(near, 5), 6);
	CHECK_EQ(stop(near), 0);
}

static void fork_once(void)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		in_the_child();
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static int forks(struct ramet_actor *me, void *arg)
{
	(void)arg;
	fork_once();
	CHECK(ramet_actor_self() == me);
	return 0;
}

TEST(the_child_of_a_fork_has_no_actors)
{
	near = start_with(answers, NULL,
			  (struct ramet_actor_opts){.name = "near"});
	far = start_far(answers, NULL);
	CHECK_EQ(ask_number(far, 1), 2);
	fork_once();
	CHECK_EQ(finish(start(forks, NULL)), 0);
	CHECK_EQ(ask_number(near, 2), 3);
	CHECK_EQ(ask_number(far, 2), 3);
	CHECK_EQ(stop(near), 0);
	CHECK_EQ(stop(far), 0);
	CHECK_EQ(ramet_loops_stop(), 0);
}
