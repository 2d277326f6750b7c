/* Hosts: loops whose ramets run the code of a language runtime. */
#include "pair.h"
#include "ramet.h"
#include "ramets.h"
#include "thread.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a runtime would keep for each thread. */
static int state;

struct guest {
	int state;
	struct ramet *ramet;
	int result, error;
	struct guest *to;
};

static struct guest main_guest;
static int sleeps, wakes, interrupts, deadlocks, parks_allowed;
static struct guest *stuck;

static void on_switch(void *from, void *to)
{
	if (from)
		((struct guest *)from)->state = state;
	state = to ? ((struct guest *)to)->state : -1;
}

static void on_sleep(void)
{
	sleeps++;
}

static void on_wake(int interrupted)
{
	wakes++;
	interrupts += interrupted;
}

static int may_park(void)
{
	return parks_allowed;
}

static int64_t on_deadlock(void)
{
	deadlocks++;
	if (stuck)
		ramet_host_end(stuck->ramet, EDEADLK);
	return 10 * RAMET_SEC;
}

static const struct ramet_host host = {on_switch, on_sleep, on_wake,
				       may_park,  NULL,     on_deadlock,
				       NULL,      NULL};

static void open_host(void)
{
	CHECK_EQ(ramet_host_open(&host, &main_guest), 0);
	main_guest.ramet = ramet_self();
	state = 0;
}

static struct guest *guest(void *(*fn)(void *), int first_state)
{
	static struct guest guests[8];
	static int n;
	struct guest *g = &guests[n++];

	*g = (struct guest){.state = first_state, .to = &main_guest};
	g->ramet = made(ramet_host_spawn(fn, g, g, 0));
	return g;
}

static int park(struct guest *g, int64_t when)
{
	g->result = ramet_host_park("a wake", when);
	g->error = g->result < 0 ? errno : 0;
	return g->result;
}

static void *park_once(void *guest)
{
	struct guest *g = guest;

	state++;
	park(g, RAMET_NEVER);
	state++;
	g->state = state; /* nobody will ask */
	return NULL;
}

TEST(a_loop_has_one_host)
{
	open_host();
	CHECK_ERR(ramet_host_open(&host, &main_guest), EBUSY);
	ramet_host_close();
	ramet_host_close();
	open_host();
}

TEST(a_guest_runs_when_it_is_woken_with_its_own_state)
{
	struct guest *g;

	open_host();
	g = guest(park_once, 10);
	CHECK(strcmp(ramet_host_waits_for(g->ramet), "its start") == 0);
	ramet_yield();
	CHECK_EQ(g->state, 10);
	CHECK_EQ(ramet_host_wake(g->ramet), 1);
	CHECK_EQ(ramet_host_wake(g->ramet), 0);
	CHECK_EQ(ramet_host_waits_for(g->ramet) == NULL, 1);
	state = 100;
	ramet_yield();
	CHECK_EQ(state, 100);
	CHECK_EQ(g->state, 11);
	CHECK(strcmp(ramet_host_waits_for(g->ramet), "a wake") == 0);
	CHECK_EQ(ramet_host_wake(g->ramet), 1);
	ramet_yield();
	CHECK_EQ(g->state, 12);
	CHECK_EQ(g->result, 0);
}

static int counts; /* what the host says */

static int says_stuck(void)
{
	return !counts;
}

static void *sleep_long(void *guest)
{
	park(guest, ramet_now() + 3600 * (int64_t)RAMET_SEC);
	return NULL;
}

TEST(a_host_may_say_what_counts)
{
	struct ramet_host picky = host;
	struct guest *g;

	picky.is_stuck = says_stuck;
	CHECK_EQ(ramet_host_open(&picky, &main_guest), 0);
	main_guest.ramet = ramet_self();
	stuck = &main_guest;
	g = guest(sleep_long, 0);
	ramet_host_wake(g->ramet);
	ramet_yield();
	CHECK_EQ(ramet_host_timed(NULL), 1);
	CHECK_EQ(ramet_host_timed(g->ramet), 0);
	CHECK_EQ(park(&main_guest, RAMET_NEVER),
		 -1); /* g sleeps, but what of it */
	CHECK_EQ(main_guest.error, EDEADLK);
	CHECK_EQ(deadlocks, 1);
	counts = 1;
	CHECK_EQ(park(&main_guest, ramet_now() + RAMET_MS), -1);
	CHECK_EQ(main_guest.error, ETIMEDOUT);
	CHECK_EQ(deadlocks, 1);
	CHECK_EQ(ramet_host_end(g->ramet, ECANCELED), 1);
	ramet_yield();
	ramet_host_close();
}

static int order[8], steps;

static void *note(void *guest)
{
	order[steps++] = ((struct guest *)guest)->state;
	return NULL;
}

TEST(first_is_before_all_that_are_ready)
{
	struct guest *a, *b, *c, *d;

	open_host();
	a = guest(note, 1);
	b = guest(note, 2);
	c = guest(note, 3);
	d = guest(note, 4);
	ramet_host_wake(a->ramet);
	ramet_host_wake(b->ramet);
	CHECK_EQ(ramet_host_wake_first(c->ramet), 1);
	ramet_host_wake(d->ramet);
	CHECK_EQ(ramet_host_wake_first(d->ramet), 1); /* the last one in line */
	CHECK_EQ(ramet_host_wake_first(ramet_self()), 0);
	ramet_yield();
	CHECK_EQ(steps, 4);
	CHECK(order[0] == 4 && order[1] == 3 && order[2] == 1 && order[3] == 2);
}

TEST(one_is_run_at_once_and_the_caller_next)
{
	struct guest *a, *b;

	open_host();
	a = guest(note, 1);
	b = guest(note, 2);
	ramet_host_wake(a->ramet);
	ramet_host_run(b->ramet);
	CHECK_EQ(steps, 1);
	CHECK_EQ(order[0], 2);
	ramet_yield();
	CHECK_EQ(steps, 2);
}

static void *plain(void *arg)
{
	CHECK_EQ(state, -1); /* of nobody */
	ramet_yield();
	CHECK_EQ(state, -1);
	return arg;
}

TEST(other_ramets_have_no_state)
{
	struct ramet *t;

	open_host();
	t = spawn(plain, NULL);
	state = 7;
	join(t);
	CHECK_EQ(state, 7);
}

TEST(a_park_ends_with_its_time_or_with_an_error)
{
	struct guest *g;

	open_host();
	CHECK_EQ(park(&main_guest, ramet_now() + RAMET_MS), -1);
	CHECK_EQ(main_guest.error, ETIMEDOUT);
	CHECK(sleeps >= 1);
	CHECK_EQ(sleeps, wakes);
	g = guest(park_once, 0);
	CHECK_EQ(ramet_host_end(g->ramet, ECANCELED), 0); /* has not begun */
	ramet_host_wake(g->ramet);
	ramet_yield();
	CHECK_EQ(ramet_host_timed(NULL), 0);
	CHECK_EQ(ramet_host_end(g->ramet, EINTR), 1);
	CHECK_EQ(ramet_host_end(g->ramet, EINTR), 0); /* does not wait now */
	ramet_yield();
	CHECK_EQ(g->error, EINTR);
}

/* ---- who waits for whom -------------------------------------------------- */

static struct guest *owner, *other;
static uint32_t held_by[2]; /* two locks */
static char text[1 << 20];

static void *lock_and_wait(void *guest)
{
	int first = guest == other;

	held_by[first] = ramet_host_self();
	ramet_yield();
	((struct guest *)guest)->result =
		ramet_host_park_lock(&held_by[!first], &held_by[!first],
				     RAMET_NEVER);
	((struct guest *)guest)->error = errno;
	held_by[first] = 0;
	ramet_yield();
	return NULL;
}

static void *wait_for_end(void *guest)
{
	((struct guest *)guest)->result =
		ramet_host_park_join(owner->ramet, RAMET_NEVER);
	return NULL;
}

static void start_both(void)
{
	open_host();
	ramet_set_name(ramet_self(), "main");
	owner = guest(lock_and_wait, 0);
	other = guest(lock_and_wait, 0);
	ramet_set_name(owner->ramet, "owner");
	ramet_set_name(other->ramet, "other");
	ramet_host_wake(owner->ramet);
	ramet_host_wake(other->ramet);
	let_run();
	let_run();
}

static void dump_waits(void)
{
	struct guest *joins;

	start_both();
	joins = guest(wait_for_end, 0);
	ramet_host_wake(joins->ramet);
	let_run();
	CHECK(ramet_host_holder(owner->ramet) == other);
	CHECK(ramet_host_holder(other->ramet) == owner);
	CHECK(ramet_host_holder(joins->ramet) == owner);
	CHECK(ramet_host_holder(main_guest.ramet) == NULL);
	CHECK(strcmp(ramet_host_waits_for(owner->ramet), "a lock") == 0);
	CHECK(strcmp(ramet_host_waits_for(joins->ramet), "an end") == 0);
	held_by[0] = 0; /* nobody knows any more */
	CHECK(ramet_host_holder(other->ramet) == NULL);
	CHECK_EQ(ramet_dump(2), 0);
	_exit(0);
}

TEST(tools_tell_whom_a_guest_waits_for)
{
	CHECK_EQ(test_stderr_of(dump_waits, text, sizeof text), 0);
	CHECK(strstr(text, "\"owner\" waiting for lock 0x"));
	CHECK(strstr(text, ", held by ramet 4 \"other\", for "));
	CHECK(strstr(text, "waiting for the end of ramet 3 \"owner\", for "));
	CHECK(!strstr(text, "held by ramet 3"));
}

enum { PAIRS = 1000 }; /* more than anybody would look for one by one */

static void *park_for_good(void *unused)
{
	ramet_host_park("a wake", RAMET_NEVER);
	return unused;
}

static void *await_end(void *t)
{
	ramet_host_park_join(t, RAMET_NEVER);
	return NULL;
}

static void dump_pairs(void)
{
	struct ramet *t;
	char name[32];

	open_host();
	for (int i = 0; i < PAIRS; i++) {
		t = spawn(park_for_good, NULL);
		snprintf(name, sizeof name, "ends %d", i);
		ramet_set_name(t, name);
		t = spawn(await_end, t);
		snprintf(name, sizeof name, "waits %d", i);
		ramet_set_name(t, name);
	}
	let_run();
	CHECK_EQ(ramet_dump(2), 0);
	_exit(0);
}

TEST(of_many_each_is_told_its_own)
{
	char want[64];
	const char *at;

	CHECK_EQ(test_stderr_of(dump_pairs, text, sizeof text), 0);
	for (int i = 0; i < PAIRS; i++) {
		snprintf(want, sizeof want,
			 "\"waits %d\" waiting for the end of "
			 "ramet ",
			 i);
		at = strstr(text, want);
		snprintf(want, sizeof want, " \"ends %d\", for ", i);
		CHECK(at);
		at = strstr(at, "of ramet ") + strlen("of ramet ");
		CHECK_EQ(strncmp(at + strspn(at, "0123456789"), want,
				 strlen(want)),
			 0);
	}
}

static void report_cycle(void)
{
	ramet_set_lock_cycles(RAMET_LOCK_CYCLES_ERROR);
	start_both();
	CHECK_EQ(other->result, -1);
	CHECK_EQ(other->error, EDEADLK);
	CHECK(ramet_host_holder(owner->ramet) == NULL); /* it has let go */
	CHECK_EQ(ramet_host_wake(owner->ramet), 1);
	let_run();
	CHECK_EQ(owner->result, 0);
	_exit(0);
}

TEST(guests_that_wait_for_each_other_are_found)
{
	CHECK_EQ(test_stderr_of(report_cycle, text, sizeof text), 0);
	CHECK(strstr(text, "ramet: lock cycle: none of these can go on\n"
			   "  ramet 4 \"other\" waits for lock 0x"));
	CHECK(strstr(text, ", held by ramet 3 \"owner\""));
	CHECK(strstr(text, "ramet 3 \"owner\" waits for lock 0x"));
	CHECK(strstr(text, "advice: lock in the same order everywhere"));
}

/* ---- any wait ------------------------------------------------------------ */

static int pipe_fds[2];

static void *read_pipe(void *guest)
{
	struct guest *g = guest;
	char c;

	g->result = (int)ramet_read(pipe_fds[0], &c, 1);
	g->error = errno;
	return NULL;
}

TEST(any_wait_can_be_ended)
{
	struct guest *g;

	open_host();
	CHECK_EQ(ramet_pipe(pipe_fds, 0), 0);
	g = guest(read_pipe, 0);
	ramet_host_wake(g->ramet);
	ramet_yield();
	CHECK_EQ(ramet_host_outside(), 1);
	CHECK_EQ(ramet_host_wake(g->ramet), 0); /* no park of the host's */
	CHECK_EQ(ramet_host_end(g->ramet, ECANCELED), 1);
	CHECK_EQ(ramet_host_outside(), 0);
	ramet_yield();
	CHECK_EQ(g->result, -1);
	CHECK_EQ(g->error, ECANCELED);
	ramet_close(pipe_fds[0]);
	ramet_close(pipe_fds[1]);
}

TEST(a_deadlock_is_the_hosts)
{
	open_host();
	stuck = &main_guest;
	CHECK_EQ(park(&main_guest, RAMET_NEVER), -1);
	CHECK_EQ(main_guest.error, EDEADLK);
	CHECK_EQ(deadlocks, 1);
}

struct told {
	struct ramet_host_call call;
	struct ramet *whom;
};

static void tell(struct ramet_host_call *call)
{
	struct told *t = (struct told *)call;

	CHECK_EQ(ramet_host_wake(t->whom), 1);
}

static void *post_later(void *told)
{
	struct told *t = told;

	usleep(20000);
	ramet_host_post(t->whom, &t->call);
	return NULL;
}

TEST(another_os_thread_ends_what_seemed_a_deadlock)
{
	struct told told = {.call = {.fn = tell}};
	pthread_t thread;

	open_host();
	told.whom = ramet_self();
	thread = start_thread(post_later, &told);
	CHECK_EQ(park(&main_guest, RAMET_NEVER), 0);
	CHECK(deadlocks == 1 || test_is_swept()); /* asked after EINTR */
	join_thread(thread);
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST(the_host_hears_of_signals)
{
	struct sigaction action = {.sa_handler = on_alarm};

	open_host();
	sigaction(SIGALRM, &action, NULL);
	ualarm(20000, 0);
	CHECK_EQ(park(&main_guest, ramet_now() + 100 * RAMET_MS), -1);
	CHECK(interrupts >= 1);
}

TEST(a_guest_starts_with_the_stack_asked_for)
{
	open_host();
	CHECK(!ramet_host_spawn(note, NULL, NULL, (size_t)1 << 31));
	CHECK_EQ(errno, EINVAL);
}

/* ---- fork ---------------------------------------------------------------- */

static int pipe_ends[2], lived, child_status;

static void *sleep_a_little(void *unused)
{
	(void)unused;
	ramet_sleep(10 * RAMET_MS);
	lived |= 1;
	return NULL;
}

static void *read_the_pipe(void *unused)
{
	char c;

	(void)unused;
	CHECK_EQ(ramet_read(pipe_ends[0], &c, 1), 1);
	lived |= 2;
	return NULL;
}

static void *begin(void *unused)
{
	(void)unused;
	lived |= 4;
	return NULL;
}

static void *fork_and_wait(void *pid)
{
	struct guest *main = &main_guest;

	*(pid_t *)pid = fork();
	if (*(pid_t *)pid == 0)
		CHECK_EQ(ramet_write(pipe_ends[1], "x", 1), 1);
	else /* the child alone reads that */
		CHECK_EQ(waitpid(*(pid_t *)pid, &child_status, 0),
			 *(pid_t *)pid);
	ramet_sleep(30 * RAMET_MS);
	ramet_host_wake(main->ramet);
	return NULL;
}

TEST(guests_go_on_in_the_child_of_a_fork)
{
	static struct guest forker;
	pid_t pid = -1;

	if (TEST_TSAN)
		test_skip("TSan knows one thread in the child of a fork");
	open_host();
	CHECK_EQ(pipe(pipe_ends), 0);
	ramet_host_wake(guest(sleep_a_little, 1)->ramet);
	ramet_host_wake(guest(read_the_pipe, 2)->ramet);
	ramet_yield();
	guest(begin, 3); /* it does not begin, there or here */
	ramet_host_wake(
		made(ramet_host_spawn(fork_and_wait, &pid, &forker, 0)));
	CHECK_EQ(park(&main_guest, RAMET_NEVER), 0);
	if (pid == 0)
		_exit(lived == 3 ? 0 : 100 + lived);
	CHECK_EQ(lived, 1); /* nobody has written here */
	CHECK_EQ(WEXITSTATUS(child_status), 0);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

/* ---- descriptors --------------------------------------------------------- */

static int awaited[2]; /* a pair */
static int served;

/* As a runtime does that makes its calls by itself. */
static void *receive_one(void *guest)
{
	struct guest *g = guest;
	char c;

	while (recv(awaited[0], &c, 1, MSG_DONTWAIT) < 0) {
		g->result = ramet_host_await(awaited[0], POLLIN, RAMET_NEVER);
		g->error = g->result < 0 ? errno : 0;
		if (g->error)
			return NULL;
	}
	g->result = ++served;
	ramet_host_pass(awaited[0], POLLIN);
	return NULL;
}

TEST(guests_wait_for_a_descriptor_in_line)
{
	struct guest *g[3];

	open_host();
	unix_pair(awaited);
	for (int i = 0; i < 3; i++) {
		g[i] = guest(receive_one, 0);
		ramet_host_wake(g[i]->ramet);
	}
	ramet_yield();
	CHECK_EQ(served, 0);
	CHECK_EQ(ramet_send(awaited[1], "abc", 3, 0), 3); /* one event */
	for (int i = 0; i < 1000 && served < 3; i++)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(g[i]->result, i + 1);
	close_pair(awaited);
}

TEST(a_wait_for_a_descriptor_has_a_time_limit)
{
	int64_t start = ramet_now();

	open_host();
	unix_pair(awaited);
	CHECK_ERR(ramet_host_await(awaited[0], POLLIN, start + 5 * RAMET_MS),
		  ETIMEDOUT);
	CHECK(ramet_now() - start >= 5 * RAMET_MS);
	close_pair(awaited);
	CHECK_ERR(ramet_host_await(awaited[0], POLLIN, RAMET_NEVER), EBADF);
	CHECK_ERR(ramet_host_await(-1, POLLIN, RAMET_NEVER), EBADF);
}

TEST(who_waits_hears_that_a_descriptor_is_not_the_loops_any_more)
{
	struct guest *g;

	open_host();
	unix_pair(awaited);
	g = guest(receive_one, 0);
	ramet_host_wake(g->ramet);
	ramet_yield();
	ramet_host_disown(awaited[0]);
	ramet_yield();
	CHECK_EQ(g->error, EBADF);
	close_pair(awaited);
}

TEST(adopted_descriptors_are_as_the_librarys_own)
{
	char buf[8];

	open_host();
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, awaited),
		 0);
	CHECK_EQ(ramet_host_adopt(awaited[0], AF_UNIX, SOCK_STREAM, 0), 0);
	CHECK_EQ(ramet_host_adopt(awaited[1], AF_UNIX, SOCK_STREAM, 0), 0);
	CHECK(!ramet_host_drained(awaited[0]));
	CHECK_EQ(ramet_send(awaited[1], "abc", 3, 0), 3);
	CHECK_EQ(ramet_recv(awaited[0], buf, sizeof buf, 0), 3);
	close_pair(awaited);
}

/* Of TCP a short read tells; so the next one waits without asking. */
TEST(a_short_read_is_remembered)
{
	char buf[8];

	open_host();
	tcp_pair(awaited);
	CHECK_EQ(ramet_send(awaited[1], "a", 1, 0), 1);
	CHECK_EQ(ramet_host_await(awaited[0], POLLIN, RAMET_NEVER), 0);
	CHECK(!ramet_host_drained(awaited[0]));
	CHECK_EQ(ramet_recv(awaited[0], buf, sizeof buf, MSG_DONTWAIT), 1);
	CHECK(ramet_host_drained(awaited[0]));
	CHECK_EQ(ramet_send(awaited[1], "b", 1, 0), 1);
	CHECK_EQ(ramet_host_await(awaited[0], POLLIN, RAMET_NEVER), 0);
	CHECK(!ramet_host_drained(awaited[0]));
	close_pair(awaited);
}
