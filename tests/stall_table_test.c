/* What the watchdog says of each way to keep a loop from turning.  Each stall
 * lasts until all that is expected has been said, however slow the machine is.
 */
#include "ramet.h"
#include "test.h"
#include "thread.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define LIMIT (30 * RAMET_MS)
#define PATIENCE_MS 15000

struct stall {
	const char *name;
	void *(*keep)(void *); /* by the culprit */
	void (*hold)(void);    /* by another OS thread before; may be NULL */
	void (*release)(void); /* by the same, when all was said */
	const char *words[4];
};

static char text[1 << 16], path[256];
static const struct stall *stall;
static volatile bool held, released;
static int fds[2], locked;
static pthread_t loop_thread;

/* ---- until it is said --------------------------------------------------- */

static bool is_said(void)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	close(fd);
	if (n < 0)
		return false;
	text[n] = '\0';
	for (size_t i = 0; i < 4 && stall->words[i]; i++)
		if (!strstr(text, stall->words[i]))
			return false;
	return strstr(text, "\"culprit\"") != NULL;
}

static void *release_when_said(void *unused)
{
	if (stall->hold)
		stall->hold();
	held = true;
	for (int ms = 0; ms < PATIENCE_MS && !is_said(); ms += 5)
		usleep(5000);
	released = true;
	if (stall->release)
		stall->release();
	return unused;
}

static NOINLINE void spin(void)
{
	while (!released)
		;
}

static void interrupt(void)
{
	pthread_kill(loop_thread, SIGUSR1);
}

static void on_usr1(int sig)
{
	(void)sig;
}

static void write_byte(void)
{
	CHECK_EQ(write(fds[1], "x", 1), 1);
}

/* ---- computing ---------------------------------------------------------- */

static NOINLINE void *compute(void *unused)
{
	spin();
	return unused;
}

static int compare(const void *a, const void *b)
{
	spin();
	return *(const int *)a - *(const int *)b;
}

static NOINLINE void *sort(void *unused)
{
	int items[] = {2, 1};

	qsort(items, 2, sizeof *items, compare);
	return unused;
}

static void clean_up(void *unused)
{
	(void)unused;
	spin();
	__asm__ volatile("" : : : "memory");
}

static void *defer(void *unused)
{
	CHECK_EQ(ramet_defer(clean_up, NULL), 0);
	return unused;
}

static void on_ended(struct ramet *t, void *unused)
{
	(void)t, (void)unused;
	spin();
	__asm__ volatile("" : : : "memory");
}

static void *link_to_itself(void *unused)
{
	CHECK_EQ(ramet_link(ramet_self(), on_ended, NULL), 0);
	return unused;
}

static void destroy(void *unused)
{
	(void)unused;
	spin();
	__asm__ volatile("" : : : "memory");
}

static void *keep_local(void *unused)
{
	struct ramet_local *key = ramet_local_new(destroy);

	CHECK(key != NULL);
	CHECK_EQ(ramet_local_set(key, key), 0);
	return unused;
}

static NOINLINE void *trylock_for_ever(void *unused)
{
	static struct ramet_mutex m;

	CHECK_EQ(ramet_mutex_lock(&m), 0);
	while (!released)
		CHECK_ERR(ramet_mutex_trylock(&m), EBUSY);
	CHECK_EQ(ramet_mutex_unlock(&m), 0);
	return unused;
}

/* A library's constructor reads a byte. */
static NOINLINE void *load_library(void *unused)
{
	char number[16];
	void *library;

	snprintf(number, sizeof number, "%d", fds[0]);
	CHECK_EQ(setenv("SLOW_FD", number, 1), 0);
	library = dlopen(SLOW_LIBRARY, RTLD_NOW);
	CHECK(library != NULL);
	dlclose(library);
	return unused;
}

/* ---- system calls that take their time ---------------------------------- */

static NOINLINE void *nap(void *unused)
{
	struct timespec ts = {60, 0};

	CHECK_ERR(nanosleep(&ts, NULL), EINTR);
	return unused;
}

static NOINLINE void *wait_in_poll(void *unused)
{
	struct pollfd p = {.fd = fds[0], .events = POLLIN};

	CHECK_EQ(poll(&p, 1, 60000), 1);
	return unused;
}

static NOINLINE void *wait_in_select(void *unused)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	CHECK_EQ(select(fds[0] + 1, &set, NULL, NULL, NULL), 1);
	return unused;
}

static NOINLINE void *wait_in_epoll(void *unused)
{
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(0);

	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event), 0);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 60000), 1);
	close(epoll);
	return unused;
}

static NOINLINE void *read_one(void *unused)
{
	char c;

	CHECK_EQ(read(fds[0], &c, 1), 1);
	return unused;
}

static void open_pair(void)
{
	close(fds[0]);
	close(fds[1]);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static void open_terminal(void)
{
	struct {
		int controller, terminal;
	} t;

	t.controller = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK(t.controller >= 0);
	CHECK_EQ(grantpt(t.controller), 0);
	CHECK_EQ(unlockpt(t.controller), 0);
	t.terminal = open(ptsname(t.controller), O_RDWR | O_NOCTTY);
	CHECK(t.terminal >= 0);
	close(fds[0]);
	close(fds[1]);
	fds[0] = t.terminal;
	fds[1] = t.controller;
}

static void type_line(void)
{
	CHECK_EQ(write(fds[1], "x\n", 2), 2);
}

static NOINLINE void *fill_pipe(void *unused)
{
	static char much[1 << 20];

	CHECK_EQ(write(fds[1], much, sizeof much), sizeof much);
	return unused;
}

static void drain_pipe(void)
{
	static char much[1 << 16];
	size_t got = 0;

	while (got < 1 << 20)
		got += (size_t)read(fds[0], much, sizeof much);
}

static NOINLINE void *lock_file(void *unused)
{
	int fd = open(path, O_RDONLY);

	CHECK_EQ(flock(fd, LOCK_EX), 0);
	close(fd);
	return unused;
}

static void hold_file(void)
{
	locked = open(path, O_RDONLY);
	CHECK_EQ(flock(locked, LOCK_EX), 0);
}

static void release_file(void)
{
	close(locked);
}

static pid_t child;

static NOINLINE void *wait_for_child(void *unused)
{
	CHECK_EQ(waitpid(child, NULL, 0), child);
	return unused;
}

/* Before there are threads. */
static void make_child(void)
{
	child = fork();
	if (child == 0) {
		sleep(60);
		_exit(0);
	}
}

static void end_child(void)
{
	kill(child, SIGKILL);
}

static NOINLINE void *run_command(void *unused)
{
	char command[512];

	snprintf(command, sizeof command,
		 "while [ ! -e %s.go ]; do sleep 0.02; done", path);
	CHECK_EQ(system(command), 0);
	return unused;
}

static void let_command_end(void)
{
	char name[300];

	snprintf(name, sizeof name, "%s.go", path);
	close(open(name, O_CREAT | O_WRONLY, 0600));
}

/* ---- what OS threads share ---------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t sem;

static NOINLINE void *lock_mutex(void *unused)
{
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	return unused;
}

static void hold_mutex(void)
{
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
}

static void release_mutex(void)
{
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
}

static NOINLINE void *wait_cond(void *unused)
{
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	while (!released)
		CHECK_EQ(pthread_cond_wait(&cond, &mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	return unused;
}

static void signal_cond(void)
{
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	CHECK_EQ(pthread_cond_signal(&cond), 0);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
}

static NOINLINE void *wait_sem(void *unused)
{
	CHECK_EQ(sem_wait(&sem), 0);
	return unused;
}

static void post_sem(void)
{
	CHECK_EQ(sem_post(&sem), 0);
}

static void *spin_as_thread(void *unused)
{
	while (!released)
		usleep(1000);
	return unused;
}

static NOINLINE void *join_thread_of_os(void *unused)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, spin_as_thread, NULL), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	return unused;
}

/* ---- the table ---------------------------------------------------------- */

#define BLOCKED(call) "is blocked in " call
#define COMPUTES ", computes\n"
#define FRAME(function) "    " function "+0x"

static const struct stall stalls[] = {
	{"a loop", compute, NULL, NULL, {COMPUTES, FRAME("compute")}},
	{"qsort's comparison",
	 sort,
	 NULL,
	 NULL,
	 {COMPUTES, FRAME("compare"), FRAME("sort")}},
	{"a defer", defer, NULL, NULL, {COMPUTES, FRAME("clean_up")}},
	{"a link", link_to_itself, NULL, NULL, {COMPUTES, FRAME("on_ended")}},
	{"a local's destructor",
	 keep_local,
	 NULL,
	 NULL,
	 {COMPUTES, FRAME("destroy")}},
	{"a library's constructor",
	 load_library,
	 NULL,
	 write_byte,
	 {BLOCKED("read(2) on fd "), FRAME("be_slow"), FRAME("load_library")}},
	{"calls that never wait",
	 trylock_for_ever,
	 NULL,
	 NULL,
	 {COMPUTES, FRAME("trylock_for_ever")}},
	{"nanosleep",
	 nap,
	 NULL,
	 interrupt,
	 {BLOCKED("clock_nanosleep(2)"), FRAME("nap")}},
	{"poll",
	 wait_in_poll,
	 NULL,
	 write_byte,
	 {"poll(2)", FRAME("wait_in_poll")}},
	{"select",
	 wait_in_select,
	 NULL,
	 write_byte,
	 {"select", FRAME("wait_in_select")}},
	{"epoll_wait",
	 wait_in_epoll,
	 NULL,
	 write_byte,
	 {BLOCKED("epoll_"), "wait(2) on fd ", FRAME("wait_in_epoll")}},
	{"read of a pipe",
	 read_one,
	 NULL,
	 write_byte,
	 {BLOCKED("read(2) on fd "), FRAME("read_one")}},
	{"read of a socket",
	 read_one,
	 open_pair,
	 write_byte,
	 {BLOCKED("read(2) on fd "), " (socket)\n", FRAME("read_one")}},
	{"read of a terminal",
	 read_one,
	 open_terminal,
	 type_line,
	 {BLOCKED("read(2) on fd "), FRAME("read_one")}},
	{"write to a full pipe",
	 fill_pipe,
	 NULL,
	 drain_pipe,
	 {BLOCKED("write(2) on fd "), FRAME("fill_pipe")}},
	{"flock",
	 lock_file,
	 hold_file,
	 release_file,
	 {BLOCKED("flock(2) on fd "), FRAME("lock_file")}},
	{"waitpid",
	 wait_for_child,
	 NULL,
	 end_child,
	 {BLOCKED("wait4(2)"), FRAME("wait_for_child")}},
	{"system",
	 run_command,
	 NULL,
	 let_command_end,
	 {BLOCKED("wait4(2)"), FRAME("run_command")}},
	{"pthread_mutex_lock",
	 lock_mutex,
	 hold_mutex,
	 release_mutex,
	 {BLOCKED("futex(2)"), FRAME("lock_mutex")}},
	{"pthread_cond_wait",
	 wait_cond,
	 NULL,
	 signal_cond,
	 {BLOCKED("futex(2)"), FRAME("wait_cond")}},
	{"sem_wait",
	 wait_sem,
	 NULL,
	 post_sem,
	 {BLOCKED("futex(2)"), FRAME("wait_sem")}},
	{"pthread_join",
	 join_thread_of_os,
	 NULL,
	 NULL,
	 {BLOCKED("futex(2)"), FRAME("join_thread_of_os")}},
};

static void *wait_long(void *unused)
{
	ramet_sleep(60 * RAMET_SEC);
	return unused;
}

/* In a process of its own, with `path` for stderr. */
static void stall_so(void)
{
	struct sigaction usr1 = {.sa_handler = on_usr1};
	struct ramet_opts culprit = {.name = "culprit"};
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);
	pthread_t releaser;
	struct ramet *t;

	CHECK(fd >= 0 && dup2(fd, 2) == 2);
	loop_thread = pthread_self();
	CHECK_EQ(sigaction(SIGUSR1, &usr1, NULL), 0);
	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(sem_init(&sem, 0, 0), 0);
	if (stall->release == end_child)
		make_child();
	releaser = start_thread(release_when_said, NULL);
	while (!held)
		usleep(1000);
	CHECK_EQ(ramet_set_watchdog(LIMIT), 0);
	CHECK(ramet_go(NULL, wait_long, NULL) != NULL);
	t = ramet_spawn_opts(stall->keep, NULL, &culprit);
	CHECK(t != NULL);
	CHECK_EQ(ramet_join(t, NULL), 0);
	join_thread(releaser);
	_exit(0);
}

static bool is_reported(const struct stall *s)
{
	char rest[4096];
	int status;

	stall = s;
	snprintf(path, sizeof path, "%s/said", test_dir());
	unlink(path);
	status = test_stderr_of(stall_so, rest, sizeof rest);
	if (status == 0 && is_said())
		return true;
	fprintf(stderr, "%s: status 0x%x, said:\n%s", s->name, status, text);
	return false;
}

/* Some at a time: each test has its limit. */
enum { PARTS = 3 };

static void check_part(size_t part)
{
	size_t count = sizeof stalls / sizeof *stalls;

	if (TEST_ASAN || TEST_TSAN)
		test_skip("a snapshot's stack is not shown under a sanitizer");
	for (size_t i = part; i < count; i += PARTS)
		CHECK(is_reported(&stalls[i]));
}

TEST_WITHIN(stalls_are_reported, 60000)
{
	check_part(0);
}

TEST_WITHIN(more_stalls_are_reported, 60000)
{
	check_part(1);
}

TEST_WITHIN(the_other_stalls_are_reported, 60000)
{
	check_part(2);
}

/* ---- none --------------------------------------------------------------- */

static struct ramet_chan *chan;
static bool over;

static void *send_now_and_then(void *unused)
{
	for (int i = 0; !over; i++) {
		ramet_sleep((i % 20 + 1) * RAMET_MS);
		CHECK_EQ(ramet_chan_send(chan, &i), 1);
	}
	return unused;
}

static void *receive(void *unused)
{
	int item;

	while (ramet_chan_recv(chan, &item) > 0)
		ramet_yield();
	return unused;
}

static int64_t duration(void)
{
	return (getenv("TEST_LONG") ? 3600 : 4) * RAMET_SEC;
}

/* With the limit that programs have. */
static void wait_a_lot(void)
{
	struct ramet *ts[20];

	chan = ramet_chan_new(sizeof(int), 0);
	for (int i = 0; i < 20; i++)
		ts[i] = ramet_spawn(send_now_and_then, NULL);
	CHECK(ramet_go(NULL, receive, NULL) != NULL);
	ramet_sleep(duration());
	over = true;
	CHECK_EQ(ramet_joinall(ts, 20, 20), 20);
	ramet_chan_close(chan);
	ramet_sleep(RAMET_SEC); /* idle */
}

static void *wait_for_item(void *unused)
{
	int item;

	CHECK_EQ(ramet_chan_recv(chan, &item), 1);
	return unused;
}

static void *wait_for_byte(void *unused)
{
	char c;

	CHECK_EQ(ramet_recv(fds[0], &c, 1, 0), 1);
	return unused;
}

static void *wait_in_vain(void *unused)
{
	CHECK_ERR(ramet_sleep(RAMET_NEVER), ECANCELED);
	return unused;
}

/* Nothing happens, until all end.  The watchdog looks twenty times a second,
 * for two seconds; then it sleeps as well. */
static void be_idle(void)
{
	void *(*const fns[])(void *) = {wait_for_item, wait_for_byte,
					wait_in_vain};
	struct ramet *ts[3];
	struct rusage used;
	int item = 0;

	CHECK_EQ(ramet_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	chan = ramet_chan_new(sizeof(int), 0);
	for (int i = 0; i < 3; i++)
		ts[i] = ramet_spawn(fns[i], NULL);
	ramet_sleep(duration());
	CHECK_EQ(getrusage(RUSAGE_SELF, &used), 0);
	if (!test_slow()) /* sanitizers have threads, too */
		CHECK(used.ru_nvcsw < 500);
	CHECK_EQ(ramet_chan_send(chan, &item), 1);
	CHECK_EQ(ramet_send(fds[1], "", 1, 0), 1);
	ramet_cancel(ts[2]);
	CHECK_EQ(ramet_joinall(ts, 3, 3), 3);
	ramet_close(fds[0]);
	ramet_close(fds[1]);
}

/* Both in one hour. */
static void be_idle_and_wait_a_lot(void)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		be_idle();
		exit(0);
	}
	wait_a_lot();
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

TEST_WITHIN(who_is_idle_or_only_waits_is_never_reported, 3700 * 1000)
{
	int status = test_stderr_of(be_idle_and_wait_a_lot, text, sizeof text);

	if (status || *text)
		fprintf(stderr, "said:\n%s", text);
	CHECK_EQ(status, 0);
	CHECK_EQ(strlen(text), 0);
}
