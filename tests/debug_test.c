/* What the runtime says: of overflows and faults, of everything that waits, of
 * deadlocks. */
#include "net.h"
#include "own_faults.h"
#include "ramet.h"
#include "said.h"
#include "thread.h"
#include "waits.h"

#include "core/core.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

/* No loop yet: what it does first is tested here. */
void test_begin(void)
{
}

static void no_core(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
}

/* What happens in fn, with stderr in text. */
static int status_of(void (*fn)(void))
{
	return test_stderr_of(fn, text, sizeof text);
}

static bool ended_so(bool so, int status)
{
	if (!so)
		fprintf(stderr, "status 0x%x with:\n%s", status, text);
	return so;
}

static bool killed_by(int status, int sig)
{
	return ended_so(WIFSIGNALED(status) && WTERMSIG(status) == sig, status);
}

static bool exited(int status, int with)
{
	return ended_so(WIFEXITED(status) && WEXITSTATUS(status) == with,
			status);
}

/* ---- overflow ----------------------------------------------------------- */

static volatile int deepest = 1 << 30;

static NOINLINE int recurse(int n)
{
	volatile char frame[200];

	frame[n % 200] = (char)n;
	if (n == deepest)
		return 0;
	return recurse(n + 1) + frame[n % 200];
}

static NOINLINE void big_frame(void)
{
	char frame[300 * 1000];

	__asm__ volatile("" : : "r"(frame) : "memory");
}

static void *fill_by_depth(void *unused)
{
	recurse(0);
	return unused;
}

static void *fill_by_size(void *unused)
{
	big_frame();
	return unused;
}

static NOINLINE void spawn_the_victim(void *(*fn)(void *))
{
	struct ramet_opts opts = {.name = "json-parser", .stack_size = 65536};

	no_core();
	ramet_spawn_opts(fn, NULL, &opts);
	ramet_sleep(RAMET_SEC);
}

static void overflow_by_depth(void)
{
	spawn_the_victim(fill_by_depth);
}

static void overflow_by_size(void)
{
	spawn_the_victim(fill_by_size);
}

TEST(overflow_by_recursion_names_the_ramet_and_kills)
{
	CHECK(killed_by(status_of(overflow_by_depth), SIGSEGV));
	SAYS("stack overflow in ramet 2 \"json-parser\"",
	     "spawned by ramet 1 at spawn_the_victim+0x", "KiB usable",
	     "bytes below its end", "ramet_opts.stack_size", "recurse+0x",
	     " times", "fill_by_depth+0x");
}

TEST(overflow_by_one_frame_names_the_ramet_and_kills)
{
	CHECK(killed_by(status_of(overflow_by_size), SIGSEGV));
	SAYS("stack overflow in ramet 2 \"json-parser\"",
	     "spawned by ramet 1 at spawn_the_victim+0x", "KiB usable",
	     "big_frame+0x", "fill_by_size+0x");
}

static void *find_the_canary_dead(void *unused)
{
	ramet__die_of_overflow(ramet_self());
	return unused;
}

static void overflow_found_late(void)
{
	spawn_the_victim(find_the_canary_dead);
}

TEST(overflow_found_at_a_switch_names_the_ramet_and_kills)
{
	CHECK(killed_by(status_of(overflow_found_late), SIGABRT));
	SAYS("stack overflow in ramet 2 \"json-parser\"",
	     "spawned by ramet 1 at spawn_the_victim+0x", "KiB usable",
	     "found at a switch", "find_the_canary_dead+0x");
}

/* What the ramets before and after the victim have on their stacks. */
static volatile char *marks[2];
enum { MARK_SIZE = 1024 };

static void *keep(void *mark)
{
	volatile char mine[MARK_SIZE];

	for (int i = 0; i < MARK_SIZE; i++)
		mine[i] = 'k';
	*(volatile char **)mark = mine;
	ramet_sleep(RAMET_SEC);
	return NULL;
}

/* The program's own handler: the marks are whole, then the end. */
static void look_at_marks(int sig)
{
	for (int i = 0; i < 2 * MARK_SIZE; i++)
		if (marks[i / MARK_SIZE][i % MARK_SIZE] != 'k')
			_exit(1);
	_exit(sig == SIGSEGV ? 7 : 1);
}

static void handle_segv(void (*handler)(int))
{
	static char stack[65536];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
	struct sigaction action = {.sa_handler = handler,
				   .sa_flags = SA_ONSTACK};

	sigaltstack(&alternate, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

static void overflow_between_neighbours(void)
{
	no_core();
	start("below", keep, &marks[0]);
	ramet_spawn_opts(fill_by_depth, NULL,
			 &(struct ramet_opts){.delay = RAMET_MS});
	start("above", keep, &marks[1]);
	handle_segv(look_at_marks);
	ramet_sleep(RAMET_SEC);
}

TEST(neighbours_stay_intact_and_a_later_handler_is_kept)
{
	CHECK(exited(status_of(overflow_between_neighbours), 7));
	CHECK_EQ(count("ramet:"), 0);
}

static void overflow_main(void)
{
	struct rlimit small = {1 << 20, 1 << 20};

	no_core();
	setrlimit(RLIMIT_STACK, &small);
	ramet_yield();
	recurse(0);
}

TEST(overflow_of_main_is_not_taken_for_one_of_a_ramet)
{
	CHECK(killed_by(status_of(overflow_main), SIGSEGV));
	SAYS("SIGSEGV at address", "in ramet 1 \"main\"", "recurse+0x",
	     "overflow_main+0x");
	CHECK_EQ(count("overflow in"), 0);
}

/* ---- other faults ------------------------------------------------------- */

static void *follow(void *bad)
{
	*(volatile char *)bad = 1;
	return bad;
}

static void fault(void)
{
	no_core();
	start("careless", follow, (void *)16);
	ramet_sleep(RAMET_SEC);
}

TEST(a_fault_names_the_running_ramet_and_kills)
{
	CHECK(killed_by(status_of(fault), SIGSEGV));
	SAYS("SIGSEGV at address 0x10 in ramet 2 \"careless\"",
	     "spawned by ramet 1 at start", "follow+0x");
}

static void *(*volatile nothing)(void *);

static void *call_nothing(void *arg)
{
	nothing(arg);
	return arg;
}

static void bad_call(void)
{
	no_core();
	start("careless", call_nothing, NULL);
	ramet_sleep(RAMET_SEC);
}

TEST(a_call_of_nothing_names_the_caller)
{
	CHECK(killed_by(status_of(bad_call), SIGSEGV));
	SAYS("SIGSEGV at address 0x0 in ramet 2", "call_nothing+0x");
}

static void be_sent_a_fault(void)
{
	no_core();
	ramet_yield();
	if (raise(SIGSEGV) == 0)
		_exit(0);
}

TEST(a_fault_that_was_sent_kills_as_well)
{
	CHECK(killed_by(status_of(be_sent_a_fault), SIGSEGV));
	SAYS("SIGSEGV sent by process", "in ramet 1 \"main\"",
	     "be_sent_a_fault+0x");
}

static void leave(int sig)
{
	_exit(sig == SIGSEGV ? 9 : 1);
}

/* One that was sent: memcheck takes a real one for an error of the program. */
static void fault_handled_before(void)
{
	handle_segv(leave);
	be_sent_a_fault();
}

static void overflow_handled_before(void)
{
	handle_segv(leave);
	overflow_by_depth();
}

TEST(an_earlier_handler_gets_faults_but_not_overflows)
{
	CHECK(exited(status_of(fault_handled_before), 9));
	CHECK_EQ(count("ramet:"), 0);
	CHECK(killed_by(status_of(overflow_handled_before), SIGSEGV));
	SAYS("stack overflow in ramet 2");
}

/* ---- dump --------------------------------------------------------------- */

static struct ramet_cond cond;
static struct ramet_sem sem;
static struct ramet_wg wg;
static struct ramet_chan *full, *empty;
static struct ramet *holder;

static void *wait_write(void *unused)
{
	static char much[1 << 20];

	for (;;)
		ramet_write_all(tcp[0], much, sizeof much);
	return unused;
}

static void *wait_accept(void *unused)
{
	ramet_accept(listener, NULL, NULL);
	return unused;
}

static void *wait_poll(void *unused)
{
	struct pollfd p = {.fd = tcp[0], .events = POLLIN};

	ramet_poll(&p, 1);
	return unused;
}

static void *wait_waker(void *waker)
{
	ramet_waker_wait(waker);
	return NULL;
}

static void *wait_mutex(void *unused)
{
	RAMET_WITHIN(3570 * RAMET_SEC) { /* 59 min and a half */
		ramet_mutex_lock(&mutex);
	}
	return unused;
}

static void *wait_cond(void *unused)
{
	struct ramet_mutex own = {0};

	ramet_mutex_lock(&own);
	ramet_cond_wait(&cond, &own);
	return unused;
}

static void *wait_sem(void *unused)
{
	ramet_sem_wait(&sem);
	return unused;
}

static void *wait_wg(void *unused)
{
	ramet_wg_wait(&wg);
	return unused;
}

static void *wait_send(void *unused)
{
	ramet_chan_send(full, "x");
	return unused;
}

static void *wait_recv(void *unused)
{
	char byte;

	ramet_chan_recv(empty, &byte);
	return unused;
}

static void *wait_select(void *unused)
{
	char byte;
	struct ramet_case c = {.op = RAMET_SELECT_RECV,
			       .chan = empty,
			       .item = &byte};

	ramet_select(&c, 1);
	return unused;
}

static void *wait_group(void *unused)
{
	struct ramet_group g;

	ramet_group_open(&g, RAMET_ALL);
	ramet_go(&g, wait_sleep, NULL);
	ramet_go(&g, wait_sleep, NULL);
	ramet_group_wait(&g);
	return unused;
}

static int spins; /* atomic */

static void *spin(void *unused)
{
	for (;;) {
		ramet_yield();
		__atomic_add_fetch(&spins, 1, __ATOMIC_SEQ_CST);
	}
	return unused;
}

static void start_waits_for_outside(void)
{
	start("reader", wait_read, NULL);
	start("writer", wait_write, NULL);
	start("acceptor", wait_accept, NULL);
	start("poller", wait_poll, NULL);
	start("woken", wait_waker, ramet_waker_new());
	start("sleeper", wait_sleep, NULL);
	start("helped", wait_offload, NULL);
}

static void start_waits_for_others(void)
{
	holder = start("holder", hold, NULL);
	start("joiner", wait_join, holder);
	start("locker", wait_mutex, NULL);
	start("signalled", wait_cond, NULL);
	start("taker", wait_sem, NULL);
	start("listener", wait_event, NULL);
	start("counter", wait_wg, NULL);
	start("sender", wait_send, NULL);
	start("receiver", wait_recv, NULL);
	start("chooser", wait_select, NULL);
	start("parent", wait_group, NULL);
}

static void start_all_waits(void)
{
	connect_tcp();
	full = ramet_chan_new(1, 1);
	empty = ramet_chan_new(1, 1);
	ramet_chan_send(full, "x");
	ramet_wg_add(&wg, 1);
	start_waits_for_outside();
	start_waits_for_others();
	start("spinner", spin, NULL);
	start("ended", end, NULL);
	ramet_sleep(30 * RAMET_MS);
	start("new\033[2J", end, NULL);
}

static NOINLINE void dump_all_waits(void)
{
	start_all_waits();
	CHECK_EQ(ramet_dump(2), 0);
	_exit(0);
}

static void check_waits_for_outside(void)
{
	SAYS("\"reader\" waiting to read from fd ",
	     " (127.0.0.1:", "spawned by ramet 1 at start", "ramet_read+0x",
	     "wait_read+0x");
	SAYS("\"writer\" waiting to write to fd ",
	     " (127.0.0.1:", "ramet_write_all+0x", "wait_write+0x");
	SAYS("\"acceptor\" waiting to read from fd ",
	     " (at 127.0.0.1:", "ramet_accept", "wait_accept+0x");
	SAYS("\"poller\" waiting for one of the descriptors", "ramet_poll+0x",
	     "wait_poll+0x");
	SAYS("\"woken\" waiting for waker 0x", "wait_waker+0x");
	SAYS("\"sleeper\" waiting for its sleep to end, ", "wait_sleep+0x");
	SAYS("\"helped\" waiting for a helper thread to run block+0x0 (",
	     "ramet_offload+0x", "wait_offload+0x");
}

static void check_waits_for_others(void)
{
	SAYS("\"joiner\" waiting for ramet 9 \"holder\" to end",
	     "wait_join+0x");
	SAYS("\"locker\" waiting for mutex 0x", ", held by ramet 9 \"holder\"",
	     ", at most 59 min more", "ramet_mutex_lock+0x", "wait_mutex+0x");
	SAYS("\"signalled\" waiting for a signal on condition 0x",
	     "wait_cond+0x");
	SAYS("\"taker\" waiting for semaphore 0x", "wait_sem+0x");
	SAYS("\"listener\" waiting for event 0x", "wait_event+0x");
	SAYS("\"counter\" waiting for wait group 0x", "wait_wg+0x");
	SAYS("\"sender\" waiting to send on channel 0x", "wait_send+0x");
	SAYS("\"receiver\" waiting to receive from channel 0x", "wait_recv+0x");
	SAYS("\"chooser\" waiting in select", "wait_select+0x");
	SAYS("\"parent\" waiting for its group, 2 running", "wait_group+0x");
	SAYS("\"holder\" waiting for a sleep that never ends", "hold+0x");
}

TEST(dump_says_what_each_waits_for_and_where)
{
	CHECK(exited(status_of(dump_all_waits), 0));
	SAYS("ramet: 24 ramets in process ");
	SAYS("ramet 1 \"main\" running", "ramet_dump+0x", "dump_all_waits+0x");
	SAYS("\"spinner\" ready to run", "ramet_yield+0x", "spin+0x");
	SAYS("\"ended\" ended, not joined");
	SAYS("\"new?[2J\" ready to start", "end+0x0 ");
	check_waits_for_outside();
	check_waits_for_others();
}

static void dump_a_thousand(void)
{
	for (int i = 0; i < 1000; i++)
		start("many", wait_event, NULL);
	start("other", wait_sem, NULL);
	ramet_yield();
	CHECK_EQ(ramet_dump(2), 0);
	_exit(0);
}

TEST(dump_folds_a_thousand_equal_backtraces)
{
	CHECK(exited(status_of(dump_a_thousand), 0));
	CHECK_EQ(count("\"many\" waiting for event"), 1000);
	SAYS("  1000 ramets at\n", "ramet_event_wait+0x", "wait_event+0x");
	CHECK_EQ(count("ramet_event_wait+0x"), 1);
	SAYS("\"other\" waiting for semaphore", "ramet_sem_wait+0x");
}

TEST(dump_reports_errors_of_writing)
{
	int full_disk = open("/dev/full", O_WRONLY | O_CLOEXEC);

	CHECK_ERR(ramet_dump(-1), EBADF);
	if (full_disk < 0)
		test_skip("no /dev/full");
	CHECK_ERR(ramet_dump(full_disk), ENOSPC);
	close(full_disk);
}

/* ---- SIGQUIT ------------------------------------------------------------ */

static void start_detached(void *(*fn)(void *), void *arg)
{
	CHECK_EQ(pthread_detach(start_thread(fn, arg)), 0);
}

/* Loops that dump; when all have, the process ends. */
static struct {
	struct loop *loop; /* atomic */
	struct mail end;
} dumping[2];

static int dump_count, dumps_done; /* atomic */
static void (*handle_quit)(int sig);
static pthread_t quitter;

static void after_dump(struct loop *l, struct mail *mail)
{
	(void)l, (void)mail;
	if (__atomic_add_fetch(&dumps_done, 1, __ATOMIC_SEQ_CST) == dump_count)
		_exit(0);
}

/* Mail is delivered in the order of posting. */
static void quit_and_end(int sig)
{
	handle_quit(sig);
	for (int i = 0; i < dump_count; i++) {
		dumping[i].end.deliver = after_dump;
		ramet__post(dumping[i].loop, &dumping[i].end);
	}
}

static void dumps_here(int number)
{
	__atomic_store_n(&dumping[number].loop, ramet__loop(),
			 __ATOMIC_SEQ_CST);
}

static bool sleeps(int number)
{
	struct loop *l =
		__atomic_load_n(&dumping[number].loop, __ATOMIC_SEQ_CST);

	return l && __atomic_load_n(&l->sleeping, __ATOMIC_SEQ_CST);
}

static void *quit_when_all_sleep(void *unused)
{
	for (int i = 0; i < dump_count; i++)
		while (!sleeps(i))
			usleep(1000);
	pthread_kill(quitter, SIGQUIT);
	return unused;
}

static void *quit_when_busy(void *unused)
{
	while (__atomic_load_n(&spins, __ATOMIC_SEQ_CST) < 100)
		usleep(1000);
	pthread_kill(quitter, SIGQUIT);
	return unused;
}

/* The caller's loop is the first of `count` that dump. */
static void be_quit(void *(*when)(void *), int count)
{
	struct sigaction action;

	CHECK_EQ(sigaction(SIGQUIT, NULL, &action), 0);
	handle_quit = action.sa_handler;
	action.sa_handler = quit_and_end;
	CHECK_EQ(sigaction(SIGQUIT, &action, NULL), 0);
	quitter = pthread_self();
	dump_count = count;
	dumps_here(0);
	start_detached(when, NULL);
}

static void quit_while_all_wait(void)
{
	start("sleeper", wait_sleep, NULL);
	ramet_yield();
	be_quit(quit_when_all_sleep, 1);
	wait_sleep(NULL);
}

static void quit_while_busy(void)
{
	start("sleeper", wait_sleep, NULL);
	start("spinner", spin, NULL);
	be_quit(quit_when_busy, 1);
	spin(NULL);
}

TEST(sigquit_dumps_while_all_wait)
{
	CHECK(exited(status_of(quit_while_all_wait), 0));
	CHECK_EQ(count("ramet: 2 ramets in process"), 1);
	SAYS("ramet 1 \"main\" waiting for its sleep", "ramet_sleep+0x",
	     "wait_sleep+0x");
	SAYS("\"sleeper\" waiting for its sleep");
}

TEST(sigquit_dumps_while_ramets_are_busy)
{
	CHECK(exited(status_of(quit_while_busy), 0));
	CHECK_EQ(count("ramet: 3 ramets in process"), 1);
	SAYS("\"main\" ready to run", "ramet_yield+0x", "spin+0x");
	SAYS("\"sleeper\" waiting for its sleep");
}

static void *other_loop(void *unused)
{
	ramet_set_name(ramet_self(), "second");
	dumps_here(1);
	wait_sleep(NULL);
	return unused;
}

static void quit_two_loops(void)
{
	start("sleeper", wait_sleep, NULL);
	ramet_yield();
	start_detached(other_loop, NULL);
	be_quit(quit_when_all_sleep, 2);
	wait_sleep(NULL);
}

TEST(sigquit_dumps_all_loops)
{
	CHECK(exited(status_of(quit_two_loops), 0));
	CHECK_EQ(count(" in process"), 2);
	SAYS("ramet 1 \"second\" waiting for its sleep");
}

static void *short_loop(void *unused)
{
	ramet_yield();
	return unused;
}

static void quit_while_loops_end(void)
{
	pthread_t threads[4];

	ramet_yield();
	for (int round = test_rounds(50); round; round--) {
		for (int i = 0; i < 4; i++)
			threads[i] = start_thread(short_loop, NULL);
		for (int i = 0; i < 4; i++) {
			raise(SIGQUIT);
			join_thread(threads[i]);
		}
		ramet_yield();
	}
	_exit(0);
}

TEST(loops_end_while_sigquit_arrives)
{
	CHECK(exited(status_of(quit_while_loops_end), 0));
	CHECK(count(" in process") > 0);
}

static void quit_with_setting(void)
{
	no_core();
	setenv("RAMET_SIGQUIT", "0", 1);
	ramet_yield();
	raise(SIGQUIT);
}

static void quit_with_handler(void)
{
	signal(SIGQUIT, leave);
	ramet_yield();
	raise(SIGQUIT);
}

TEST(sigquit_is_left_alone_on_request)
{
	CHECK(killed_by(status_of(quit_with_setting), SIGQUIT));
	CHECK(exited(status_of(quit_with_handler), 1));
}

/* ---- deadlock ----------------------------------------------------------- */

static void deadlock(void)
{
	struct ramet *a = start("a", lock_both, &left);

	start("b", lock_both, &right);
	CHECK_ERR(ramet_join(a, NULL), EDEADLK);
	CHECK_ERR(ramet_join(a, NULL), EDEADLK);
	_exit(3);
}

static void check_cycle(void)
{
	SAYS("ramet: deadlock: nothing can ever wake anyone\n",
	     "  ramet 2 \"a\" waits for mutex 0x", ", held by ramet 3 \"b\"",
	     ", at lock_both+0x", "spawned by ramet 1 at start",
	     "  ramet 3 \"b\" waits for mutex 0x", ", held by ramet 2 \"a\"",
	     "  ramet 1 \"main\" waits for ramet 2 \"a\" to end, at deadlock");
}

TEST(deadlock_reports_the_cycle_once_and_main_gets_an_error)
{
	CHECK(exited(status_of(deadlock), 3));
	check_cycle();
	CHECK_EQ(count("ramet: deadlock"), 1);
}

static void deadlock_exit(void)
{
	ramet_set_deadlock_policy(RAMET_DEADLOCK_EXIT);
	printf("kept");
	deadlock();
}

TEST(deadlock_can_end_the_process)
{
	CHECK(exited(status_of(deadlock_exit), 86));
	check_cycle();
	SAYS("kept");
}

static void deadlock_exit_by_setting(void)
{
	setenv("RAMET_DEADLOCK", "exit", 1);
	deadlock();
}

static void deadlock_silent_by_setting(void)
{
	setenv("RAMET_DEADLOCK", "silent", 1);
	deadlock();
}

TEST(the_environment_sets_the_policy)
{
	CHECK(exited(status_of(deadlock_exit_by_setting), 86));
	CHECK(exited(status_of(deadlock_silent_by_setting), 3));
	CHECK_EQ(count("ramet:"), 0);
}

/* Three in a ring of joins, and a tail that leads into it. */
static struct ramet *ring[4];

static void *join_next(void *index)
{
	ramet_join(ring[((intptr_t)index + 1) % 3], NULL);
	return NULL;
}

static void deadlock_of_joins(void)
{
	for (intptr_t i = 0; i < 4; i++)
		ring[i] = start("ring", join_next, (void *)(i == 3 ? 3 : i));
	ramet_event_wait(&event);
	_exit(0);
}

TEST(deadlock_of_joins_shows_the_ring_first)
{
	CHECK(exited(status_of(deadlock_of_joins), 0));
	SAYS("  ramet 2 \"ring\" waits for ramet 3 \"ring\" to end",
	     "  ramet 3 \"ring\" waits for ramet 4 \"ring\" to end",
	     "  ramet 4 \"ring\" waits for ramet 2 \"ring\" to end",
	     "  ramet 1 \"main\" waits for event 0x");
	CHECK_EQ(count("\n  ramet "), 4);
}

static void *lock_left(void *unused)
{
	ramet_mutex_lock(&left);
	return unused;
}

static void deadlock_in_group(void)
{
	struct ramet_group g;

	ramet_mutex_lock(&left);
	ramet_group_open(&g, RAMET_ALL);
	ramet_go(&g, lock_left, NULL);
	ramet_group_wait(&g);
	_exit(0);
}

static void forget_to_unlock(void)
{
	struct ramet *t = start("careless", lock_left, NULL);

	ramet_join(t, NULL);
	ramet_mutex_lock(&left);
	_exit(0);
}

TEST(deadlock_with_a_group_or_an_owner_that_has_ended)
{
	CHECK(exited(status_of(deadlock_in_group), 0));
	SAYS("  ramet 1 \"main\" waits for its group, 1 running, ramet 2 among "
	     "them, at deadlock_in_group+0x",
	     "  ramet 2 waits for mutex 0x", ", held by ramet 1 \"main\"");
	CHECK(exited(status_of(forget_to_unlock), 0));
	SAYS("held by ramet 2 \"careless\", which has ended");
}

static void deadlock_of_many(void)
{
	for (int i = 0; i < 1000; i++)
		start("", wait_event, NULL);
	ramet_event_wait(&event);
	_exit(0);
}

TEST(a_deadlock_report_folds_what_is_alike)
{
	CHECK(exited(status_of(deadlock_of_many), 0));
	CHECK_EQ(count("\n  ramet "), 2);
	SAYS("  ramet 2 waits for event 0x", "; so do 999 like it\n");
}

static void *wait_own_event(void *own)
{
	ramet_event_wait(own);
	return NULL;
}

static void deadlock_of_different_ones(void)
{
	static struct ramet_event own[1000];

	for (int i = 0; i < 1000; i++)
		start("", wait_own_event, &own[i]);
	ramet_event_wait(&event);
	_exit(0);
}

TEST(a_deadlock_report_stays_short)
{
	CHECK(exited(status_of(deadlock_of_different_ones), 0));
	CHECK_EQ(count("\n  ramet "), 50);
	SAYS("  and 951 more\n");
}

/* ---- the way to where it waits ------------------------------------------ */

static NOINLINE int lock_deep(void *m)
{
	int r = ramet_mutex_lock(m);

	__asm__ volatile("" : : : "memory");
	return r;
}

static NOINLINE int lock_deeper(void *m)
{
	int r = lock_deep(m);

	__asm__ volatile("" : : : "memory");
	return r;
}

static void *lock_both_deep(void *first)
{
	lock_deeper(first);
	ramet_yield();
	lock_deeper(first == &left ? &right : &left);
	return NULL;
}

static void deadlock_deep(void)
{
	start("a", lock_both_deep, &left);
	start("b", lock_both_deep, &right);
	ramet_sleep(RAMET_NEVER);
	_exit(0);
}

TEST(deadlock_says_who_called_the_place_in_a_cycle)
{
	CHECK(exited(status_of(deadlock_deep), 0));
	SAYS("  ramet 2 \"a\" waits", ", at lock_deep+0x",
	     "\n    from lock_deeper+0x", "\n    from lock_both_deep+0x",
	     "  ramet 3 \"b\" waits", "\n    from lock_deeper+0x");
}

/* ---- who is told -------------------------------------------------------- */

static int told_so;

static void *lock_both_and_go_on(void *first)
{
	struct ramet_mutex *other = first == &left ? &right : &left;

	CHECK_EQ(ramet_mutex_lock(first), 0);
	ramet_yield();
	if (ramet_mutex_lock(other) == 0)
		CHECK_EQ(ramet_mutex_unlock(other), 0);
	else
		told_so += errno == EDEADLK;
	CHECK_EQ(ramet_mutex_unlock(first), 0);
	return NULL;
}

/* Main is in no cycle: its wait goes well. */
static void tell_who_is_in_the_cycle(void)
{
	struct ramet *ts[2];

	setenv("RAMET_DEADLOCK", "waiters", 1);
	ts[0] = start("a", lock_both_and_go_on, &left);
	ts[1] = start("b", lock_both_and_go_on, &right);
	CHECK_EQ(ramet_joinall(ts, 2, 2), 2);
	CHECK_EQ(told_so, 2);
	CHECK_EQ(ramet_mutex_trylock(&left), 0);
	CHECK_EQ(ramet_mutex_trylock(&right), 0);
	_exit(5);
}

static void *wait_and_be_told(void *unused)
{
	if (ramet_event_wait(&event) < 0)
		told_so += errno == EDEADLK;
	return unused;
}

static void *idle(void *unused)
{
	return unused;
}

/* Without a cycle it is all, but for a pool's worker without a job. */
static void tell_everybody(void)
{
	struct ramet_pool *p = ramet_pool_new(2, NULL);
	struct ramet *t;

	ramet_set_deadlock_policy(RAMET_DEADLOCK_WAITERS);
	CHECK_EQ(ramet_pool_spawn(p, idle, NULL), 0);
	t = start("a", wait_and_be_told, NULL);
	start("b", wait_and_be_told, NULL);
	CHECK_ERR(ramet_join(t, NULL), EDEADLK);
	ramet_yield();
	CHECK_EQ(told_so, 2);
	CHECK_EQ(ramet_join(t, NULL), 0);
	CHECK_EQ(ramet_pool_spawn(p, idle, NULL), 0);
	CHECK_EQ(ramet_pool_wait(p), 0);
	_exit(5);
}

/* What a reader that waits behind a writer, and a condition's mutex, go
 * through.
 */
static void *wait_cond_and_be_told(void *c)
{
	struct ramet_mutex own = {0};

	CHECK_EQ(ramet_mutex_lock(&own), 0);
	CHECK_ERR(ramet_cond_wait(c, &own), EDEADLK);
	CHECK_EQ(ramet_mutex_unlock(&own), 0);
	told_so++;
	return NULL;
}

static void *write_and_be_told(void *rw)
{
	CHECK_ERR(ramet_rwlock_wrlock(rw), EDEADLK);
	told_so++;
	return NULL;
}

static void *read_and_be_told(void *rw)
{
	if (ramet_rwlock_rdlock(rw) == 0) /* the writer left first */
		CHECK_EQ(ramet_rwlock_unlock(rw), 0);
	else
		CHECK_EQ(errno, EDEADLK);
	told_so++;
	return NULL;
}

static void tell_of_locks(void)
{
	struct ramet_rwlock rw = {0};
	struct ramet *ts[3];

	ramet_set_deadlock_policy(RAMET_DEADLOCK_WAITERS);
	CHECK_EQ(ramet_rwlock_rdlock(&rw), 0);
	ts[0] = start("c", wait_cond_and_be_told, &cond);
	ts[1] = start("w", write_and_be_told, &rw);
	ts[2] = start("r", read_and_be_told, &rw);
	CHECK_ERR(ramet_joinall(ts, 3, 3), EDEADLK);
	CHECK_EQ(ramet_joinall(ts, 3, 3), 3);
	CHECK_EQ(told_so, 3);
	CHECK_EQ(ramet_rwlock_unlock(&rw), 0);
	CHECK_EQ(ramet_rwlock_trywrlock(&rw), 0);
	_exit(5);
}

TEST(deadlock_can_end_the_waits_of_those_in_it)
{
	CHECK(exited(status_of(tell_who_is_in_the_cycle), 5));
	SAYS("ramet 2 \"a\" waits for mutex", "ramet 3 \"b\" waits for mutex");
	CHECK(exited(status_of(tell_everybody), 5));
	CHECK(exited(status_of(tell_of_locks), 5));
}

/* ---- cycles while others run -------------------------------------------- */

static void *run_on(void *stop)
{
	while (!*(volatile bool *)stop)
		ramet_yield();
	return NULL;
}

/* lock_both_and_go_on twice, while another runs; times that EDEADLK came. */
static int cross_while_others_run(int64_t limit)
{
	struct ramet *ts[2], *runs;
	bool stop = false;

	told_so = 0;
	runs = start("runs", run_on, &stop);
	RAMET_WITHIN(limit) {
		ts[0] = start("a", lock_both_and_go_on, &left);
		ts[1] = start("b", lock_both_and_go_on, &right);
		if (ramet_joinall(ts, 2, 2) < 2)
			CHECK_EQ(errno, ETIMEDOUT);
	}
	for (int i = 0; i < 2; i++)
		ramet_kill(ts[i]);
	stop = true;
	CHECK_EQ(ramet_join(runs, NULL), 0);
	return told_so;
}

static void cycle_that_fails(void)
{
	setenv("RAMET_LOCK_CYCLES", "error", 1);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(cross_while_others_run(10 * RAMET_SEC), 1);
	CHECK_EQ(ramet_mutex_trylock(&left), 0);
	CHECK_EQ(ramet_mutex_trylock(&right), 0);
	_exit(5);
}

TEST(a_lock_cycle_is_reported_and_fails_while_others_run)
{
	CHECK(exited(status_of(cycle_that_fails), 5));
	SAYS("ramet: lock cycle: none of these can go on\n",
	     "  ramet 4 \"b\" waits for mutex 0x", ", held by ramet 3 \"a\"",
	     "at lock_both_and_go_on+0x", "  ramet 3 \"a\" waits for mutex 0x",
	     ", held by ramet 4 \"b\"",
	     "  advice: lock in the same order everywhere");
	CHECK_EQ(count("deadlock"), 0);
	CHECK_EQ(count("ramet: lock cycle"), 3); /* of other ramets each */
}

static void cycle_that_is_told(void)
{
	setenv("RAMET_LOCK_CYCLES", "1", 1);
	CHECK_EQ(cross_while_others_run(50 * RAMET_MS), 0);
	_exit(5);
}

static void cycle_that_is_ignored(void)
{
	CHECK_EQ(cross_while_others_run(50 * RAMET_MS), 0);
	_exit(5);
}

TEST(a_lock_cycle_may_only_be_reported)
{
	CHECK(exited(status_of(cycle_that_is_told), 5));
	CHECK_EQ(count("ramet: lock cycle"), 1);
	CHECK(exited(status_of(cycle_that_is_ignored), 5));
	CHECK_EQ(count("ramet:"), 0);
}

static void cycle_that_is_told_as_json(void)
{
	setenv("RAMET_REPORTS", "json", 1);
	cycle_that_is_told();
}

TEST(a_lock_cycle_may_be_json)
{
	CHECK(exited(status_of(cycle_that_is_told_as_json), 5));
	SAYS("{\"report\": \"lock cycle\", \"process\": ",
	     "\"cycles\": [[{\"id\": 4, \"name\": \"b\", \"wait\": {",
	     ", \"owner\": 3}, \"waits_for\": 3, ",
	     "{\"id\": 3, \"name\": \"a\", \"wait\": {",
	     "}]], \"advice\": [\"lock in the same order everywhere");
	CHECK_EQ(count("\n"), 1);
}

/* One that waits for a lock, for once, and for an end. */
static struct ramet_rwlock shared;
static struct ramet_once a_once;
static struct ramet *chain[2];

static void *join_first_with_lock(void *unused)
{
	CHECK_EQ(ramet_rwlock_wrlock(&shared), 0);
	ramet_yield();
	CHECK_EQ(ramet_join(chain[0], NULL), 0);
	CHECK_EQ(ramet_rwlock_unlock(&shared), 0);
	return unused;
}

static int fail_to_read(void *unused)
{
	(void)unused;
	ramet_sleep(RAMET_MS);
	CHECK_ERR(ramet_rwlock_rdlock(&shared), EDEADLK);
	return 0;
}

static void *read_in_once(void *unused)
{
	CHECK_EQ(ramet_once(&a_once, fail_to_read, NULL), 0);
	return unused;
}

static void *join_and_see(void *t)
{
	CHECK_EQ(ramet_once(&a_once, fail_to_read, NULL), 0);
	return t;
}

static void mixed_cycle(void)
{
	bool stop = false;
	struct ramet *runs = start("runs", run_on, &stop);

	ramet_set_lock_cycles(RAMET_LOCK_CYCLES_ERROR);
	start("reader", read_in_once, NULL);
	chain[0] = start("waits", join_and_see, NULL);
	chain[1] = start("writer", join_first_with_lock, NULL);
	CHECK_EQ(ramet_join(chain[1], NULL), 0);
	stop = true;
	CHECK_EQ(ramet_join(runs, NULL), 0);
	ramet_set_lock_cycles(RAMET_LOCK_CYCLES_OFF);
	_exit(5);
}

TEST(a_lock_cycle_may_go_through_ends_and_onces)
{
	CHECK(exited(status_of(mixed_cycle), 5));
	SAYS("ramet: lock cycle",
	     "  ramet 3 \"reader\" waits to read-lock rwlock 0x",
	     ", held by ramet 5 \"writer\"",
	     "  ramet 5 \"writer\" waits for ramet 4 \"waits\" to end",
	     "  ramet 4 \"waits\" waits for once 0x",
	     ", run by ramet 3 \"reader\"");
}

/* Who gives up in time, or joins one of several, is no part of a cycle. */
static void *lock_for_a_while(void *first)
{
	struct ramet_mutex *other = first == &left ? &right : &left;

	CHECK_EQ(ramet_mutex_lock(first), 0);
	ramet_yield();
	RAMET_WITHIN(20 * RAMET_MS) {
		if (ramet_mutex_lock(other) == 0)
			ramet_mutex_unlock(other);
	}
	CHECK_EQ(ramet_mutex_unlock(first), 0);
	return NULL;
}

static void *lock_and_unlock(void *m)
{
	CHECK_EQ(ramet_mutex_lock(m), 0);
	CHECK_EQ(ramet_mutex_unlock(m), 0);
	return NULL;
}

static void *end_soon(void *unused)
{
	ramet_sleep(20 * RAMET_MS);
	return unused;
}

static void none(void)
{
	struct ramet *ts[2];

	ramet_set_lock_cycles(RAMET_LOCK_CYCLES_ERROR);
	ts[0] = start("a", lock_for_a_while, &left);
	ts[1] = start("b", lock_both_and_go_on, &right);
	CHECK_EQ(ramet_joinall(ts, 2, 2), 2);
	CHECK_EQ(ramet_mutex_lock(&left), 0);
	ts[0] = start("c", lock_and_unlock, &left);
	ts[1] = start("d", end_soon, NULL);
	CHECK_EQ(ramet_joinall(ts, 2, 1), 1);
	CHECK_EQ(ramet_mutex_unlock(&left), 0);
	_exit(5);
}

TEST(who_gives_up_in_time_is_in_no_lock_cycle)
{
	CHECK(exited(status_of(none), 5));
	CHECK_EQ(count("ramet:"), 0);
}

/* Someone may still be woken. */
static void wait_for_timer(void)
{
	RAMET_WITHIN(20 * RAMET_MS) {
		ramet_event_wait(&event);
	}
	_exit(0);
}

static void *write_later(void *fd)
{
	usleep(20 * 1000);
	return write((int)(intptr_t)fd, "x", 1) == 1 ? NULL : fd;
}

static void wait_for_descriptor(void)
{
	int fds[2];
	char byte;

	CHECK_EQ(ramet_pipe(fds, 0), 0);
	start_detached(write_later, (void *)(intptr_t)fds[1]);
	CHECK_EQ(ramet_read(fds[0], &byte, 1), 1);
	_exit(0);
}

static void *wake_later(void *waker)
{
	usleep(20 * 1000);
	ramet_waker_wake(waker);
	return NULL;
}

static void wait_for_waker(void)
{
	struct ramet_waker *w = ramet_waker_new();

	start_detached(wake_later, w);
	CHECK_EQ(ramet_waker_wait(w), 0);
	_exit(0);
}

static void *nap(void *unused)
{
	usleep(50 * 1000);
	return unused;
}

static void wait_for_helper(void)
{
	void *value = text;

	CHECK_EQ(ramet_offload(nap, NULL, &value), 0);
	CHECK(!value);
	_exit(0);
}

TEST(what_may_still_be_woken_is_no_deadlock)
{
	void (*const waits[])(void) = {wait_for_timer, wait_for_descriptor,
				       wait_for_waker, wait_for_helper};

	for (size_t i = 0; i < 4; i++) {
		CHECK(exited(status_of(waits[i]), 0));
		CHECK_EQ(count("deadlock"), 0);
	}
}

/* ---- misuse ------------------------------------------------------------- */

static void unlock_what_is_not_mine(void)
{
	struct ramet_mutex m = {0};

	setenv("RAMET_STRICT", "1", 1);
	ramet_set_name(ramet_self(), "careless");
	ramet_mutex_unlock(&m);
	_exit(0);
}

/* fn ends in a report that has all three. */
static void check_misuse(void (*fn)(void), const char *what, const char *call,
			 const char *caller)
{
	char said[4096];
	int status = test_stderr_of(fn, said, sizeof said);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(strstr(said, what));
	CHECK(strstr(said, call));
	CHECK(strstr(said, caller));
}

TEST(strict_mode_reports_a_misuse_and_aborts)
{
	check_misuse(unlock_what_is_not_mine,
		     "ramet: misuse (EPERM) by ramet 1 \"careless\"",
		     "ramet_mutex_unlock", "unlock_what_is_not_mine");
}

static void close_twice(void)
{
	int fd;

	setenv("RAMET_STRICT", "1", 1);
	fd = ramet_socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(ramet_close(fd), 0);
	CHECK_ERR(ramet_close(-1), EBADF); /* as after a failed open */
	ramet_close(fd);
	_exit(0);
}

TEST(strict_mode_reports_a_second_close)
{
	check_misuse(close_twice, "ramet: misuse (EBADF) by ramet 1 \"main\"",
		     "ramet_close", "close_twice");
}
