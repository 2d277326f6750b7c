/* Hosts: loops whose ramets run the code of a language runtime. */
#include "ramet.h"
#include "ramets.h"
#include "thread.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
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

static const struct ramet_host host = {on_switch, on_sleep, on_wake, may_park,
				       on_deadlock};

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
	CHECK_EQ(ramet_host_timed(), 0);
	CHECK_EQ(ramet_host_end(g->ramet, EINTR), 1);
	CHECK_EQ(ramet_host_end(g->ramet, EINTR), 0); /* does not wait now */
	ramet_yield();
	CHECK_EQ(g->error, EINTR);
}

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
	CHECK_EQ(deadlocks, 1);
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
	CHECK(!ramet_host_spawn(note, NULL, NULL, 1 << 31));
	CHECK_EQ(errno, EINVAL);
}
