/* waits.c - a program whose ramets wait for one thing of each kind, named after
 * it.  It says "ready" and stays as it is until its standard input ends, or for
 * two minutes.
 *
 * usage: waits [COUNT [DEPTH]]   that many more that sleep, so deep
 *        waits --busy            one that computes
 *        waits --loops           two more loops
 *        waits --short           ramets that come and go
 *        waits --fork            a child, whose number it says, does the same
 */
#include "ramet.h"
#include "ramet/actor.h"
#include "ramet/pool.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define HOUR (3600 * RAMET_SEC)

static struct ramet_mutex mutex;
static struct ramet_rwlock rwlock;
static struct ramet_once once;
static struct ramet_cond cond;
static struct ramet_mutex cond_mutex;
static struct ramet_sem sem;
static struct ramet_event event;
static struct ramet_wg wg;
static struct ramet_barrier barrier;
static struct ramet_chan *chan;
static struct ramet_queue *queue;
static struct ramet_future *future;
static struct ramet_pool *pool;
static struct ramet *joined;
static int fds[2], listener;

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static NOINLINE void *sleeps(void *unused)
{
	ramet_sleep(HOUR);
	return unused;
}

static NOINLINE void *holds_mutex(void *unused)
{
	ramet_mutex_lock(&mutex);
	return sleeps(unused);
}

static NOINLINE void *waits_mutex(void *unused)
{
	ramet_mutex_lock(&mutex);
	return unused;
}

static NOINLINE void *holds_rwlock(void *unused)
{
	ramet_rwlock_wrlock(&rwlock);
	return sleeps(unused);
}

static NOINLINE void *waits_rdlock(void *unused)
{
	ramet_rwlock_rdlock(&rwlock);
	return unused;
}

static int run_once(void *unused)
{
	sleeps(unused);
	return 0;
}

static NOINLINE void *runs_once(void *unused)
{
	ramet_once(&once, run_once, NULL);
	return unused;
}

static NOINLINE void *waits_cond(void *unused)
{
	ramet_mutex_lock(&cond_mutex);
	ramet_cond_wait(&cond, &cond_mutex);
	return unused;
}

static NOINLINE void *waits_sem(void *unused)
{
	ramet_sem_wait(&sem);
	return unused;
}

static NOINLINE void *waits_event(void *unused)
{
	ramet_event_wait(&event);
	return unused;
}

static NOINLINE void *waits_wg(void *unused)
{
	ramet_wg_wait(&wg);
	return unused;
}

static NOINLINE void *waits_barrier(void *unused)
{
	ramet_barrier_wait(&barrier);
	return unused;
}

static NOINLINE void *waits_recv(void *unused)
{
	int item;

	ramet_chan_recv(chan, &item);
	return unused;
}

static NOINLINE void *waits_get(void *unused)
{
	int item;

	ramet_queue_get(queue, &item);
	return unused;
}

static NOINLINE void *waits_future(void *unused)
{
	ramet_future_get(future, NULL);
	return unused;
}

static NOINLINE void *waits_place(void *unused)
{
	ramet_pool_spawn(pool, sleeps, NULL);
	return unused;
}

static NOINLINE void *waits_join(void *unused)
{
	ramet_join(joined, NULL);
	return unused;
}

static NOINLINE void *waits_group(void *unused)
{
	struct ramet_group g;

	ramet_group_open(&g, RAMET_ALL);
	ramet_go(&g, sleeps, NULL);
	ramet_group_wait(&g);
	return unused;
}

static NOINLINE void *waits_read(void *unused)
{
	char byte;

	RAMET_WITHIN(HOUR)
		ramet_read(fds[0], &byte, 1);
	return unused;
}

static NOINLINE void *waits_accept(void *unused)
{
	ramet_accept(listener, NULL, NULL);
	return unused;
}

static NOINLINE void *waits_poll(void *unused)
{
	struct pollfd p = {fds[0], POLLIN, 0};

	ramet_poll(&p, 1);
	return unused;
}

static void *blocks(void *unused)
{
	char byte;

	if (read(fds[0], &byte, 1) < 0)
		perror("read");
	return unused;
}

static NOINLINE void *waits_offload(void *unused)
{
	ramet_offload(blocks, NULL, NULL);
	return unused;
}

static NOINLINE void *waits_waker(void *unused)
{
	ramet_waker_wait(ramet_waker_new());
	return unused;
}

static int receive(struct ramet_actor *me, void *unused)
{
	char text[8];

	(void)unused;
	ramet_receive(me, text, sizeof text);
	return 0;
}

static NOINLINE void *never_begins(void *unused)
{
	return unused;
}

static NOINLINE void *recurses(void *depth)
{
	volatile uintptr_t left = (uintptr_t)depth;

	if (left)
		recurses((void *)(left - 1));
	else
		sleeps(NULL);
	return (void *)left;
}

static NOINLINE struct ramet *start(const char *name, void *(*fn)(void *),
				    void *arg)
{
	struct ramet_opts opts = {.name = name};
	struct ramet *t = ramet_spawn_opts(fn, arg, &opts);

	must(t != NULL, name);
	return t;
}

static void start_locks(void)
{
	start("mutex holder", holds_mutex, NULL);
	ramet_yield();
	start("mutex", waits_mutex, NULL);
	start("rwlock holder", holds_rwlock, NULL);
	ramet_yield();
	start("rdlock", waits_rdlock, NULL);
	start("once runner", runs_once, NULL);
	ramet_yield();
	start("once", runs_once, NULL);
	start("cond", waits_cond, NULL);
	ramet_sem_init(&sem, 0);
	start("sem", waits_sem, NULL);
	start("event", waits_event, NULL);
	ramet_wg_add(&wg, 1);
	start("wg", waits_wg, NULL);
	ramet_barrier_init(&barrier, 3);
	start("barrier", waits_barrier, NULL);
}

static void start_items(void)
{
	static const struct ramet_queue_opts items = {.item_size = sizeof(int)};

	chan = ramet_chan_new(sizeof(int), 0);
	start("recv", waits_recv, NULL);
	queue = ramet_queue_new(&items);
	start("get", waits_get, NULL);
	future = ramet_future_new();
	start("future", waits_future, NULL);
	pool = ramet_pool_new(1, NULL);
	ramet_pool_spawn(pool, sleeps, NULL);
	start("place", waits_place, NULL);
	joined = start("joined", sleeps, NULL);
	start("join", waits_join, NULL);
	start("group", waits_group, NULL);
}

static void start_outside(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct ramet_actor_opts opts = {.name = "post\toffice"};
	socklen_t size = sizeof a;
	int client, pair[2];

	listener = socket(AF_INET, SOCK_STREAM, 0);
	must(bind(listener, (void *)&a, size) == 0, "bind");
	must(listen(listener, 8) == 0, "listen");
	getsockname(listener, (void *)&a, &size);
	client = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(client, (void *)&a, size) == 0, "connect");
	fds[0] = accept(listener, NULL, NULL);
	must(pipe(pair) == 0, "pipe");
	printf("port %d\n", ntohs(a.sin_port));
	start("read", waits_read, NULL);
	start("accept", waits_accept, NULL);
	ramet_yield();
	fds[0] = pair[0];
	start("poll", waits_poll, NULL);
	start("offload", waits_offload, NULL);
	start("waker", waits_waker, NULL);
	ramet_actor_start(receive, NULL, &opts);
}

static void *stays(void *unused)
{
	start("elsewhere", sleeps, NULL);
	sleeps(NULL);
	return unused;
}

static void *comes_and_goes(void *unused)
{
	for (;;) {
		struct ramet *t = start("short", never_begins, NULL);

		ramet_yield();
		ramet_join(t, NULL);
	}
	return unused;
}

static void say_ready(void)
{
	printf("ready\n");
	fflush(stdout);
}

static void *computes(void *unused)
{
	say_ready();
	for (volatile uint64_t n = 0;; n++)
		;
	return unused;
}

static void stay(void)
{
	char byte;

	say_ready();
	while (ramet_read(0, &byte, 1) > 0)
		;
	_exit(0);
}

/* A child that its parent takes with it. */
static void fork_child(void)
{
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid)
		printf("child %d\n", (int)pid);
	else
		prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static bool is(const char *word, const char *option)
{
	return word && strcmp(word, option) == 0;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	long count = word ? atol(word) : 0;
	pthread_t threads[2];

	alarm(120);
	start_locks();
	start_items();
	start_outside();
	start("bad \x1b[31m\"name\"", sleeps, NULL);
	if (is(word, "--loops"))
		for (int i = 0; i < 2; i++)
			must(pthread_create(&threads[i], NULL, stays, NULL) ==
				     0,
			     "pthread_create");
	if (is(word, "--short"))
		for (int i = 0; i < 50; i++)
			start("churn", comes_and_goes, NULL);
	for (long i = 0; i < count; i++)
		start(i % 2 ? "many" : "", recurses,
		      (void *)(argc > 2 ? atol(argv[2]) : 0));
	ramet_sleep(50 * RAMET_MS);
	if (is(word, "--fork"))
		fork_child();
	if (is(word, "--busy")) {
		start("busy", computes, NULL);
		start("late", never_begins, NULL);
		ramet_sleep(HOUR);
	}
	stay();
}
