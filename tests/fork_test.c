/* Fork: the child has one ramet, the caller, and a loop that works; the parent
 * notices nothing. */
#include "fds.h"
#include "ramets.h"
#include "thread.h"

#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Run fn in a child; its exit status. */
static int in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(fn());
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void *sleeper(void *ran)
{
	ramet_sleep(5 * RAMET_MS);
	++*(int *)ran;
	return NULL;
}

static int ran;

static int only_the_caller(void)
{
	struct ramet_stats stats;

	ramet_sleep(20 * RAMET_MS);
	if (ramet_get_stats(&stats) < 0)
		return 1;
	return ran == 0 && stats.live == 2 ? 0 : 2; /* one can be joined */
}

TEST(the_child_has_only_the_caller)
{
	struct ramet *t = spawn(sleeper, &ran);

	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(in_child(only_the_caller), 0);
	join(t);
	CHECK_EQ(ran, 1);
}

static int pipe_fds[2];

static void *write_later(void *unused)
{
	ramet_sleep(5 * RAMET_MS);
	CHECK_EQ(ramet_write(pipe_fds[1], "x", 1), 1);
	return unused;
}

static int spawn_and_read(void)
{
	struct ramet *t = ramet_spawn(write_later, NULL);
	char c = 0;

	if (ramet_read(pipe_fds[0], &c, 1) != 1 || c != 'x')
		return 1;
	return ramet_join(t, NULL) == 0 ? 0 : 2;
}

TEST(the_childs_loop_works)
{
	CHECK_EQ(ramet_pipe(pipe_fds, 0), 0);
	CHECK_EQ(spawn_and_read(), 0); /* the poller exists and watches */
	CHECK_EQ(in_child(spawn_and_read), 0);
	CHECK_EQ(spawn_and_read(), 0);
	ramet_close(pipe_fds[0]);
	ramet_close(pipe_fds[1]);
}

static void *read_one(void *c)
{
	CHECK_EQ(ramet_read(pipe_fds[0], c, 1), 1);
	return NULL;
}

static int read_again(void)
{
	return ramet_close(pipe_fds[0]) == 0 && ramet_close(pipe_fds[1]) == 0
		       ? 0
		       : 1;
}

/* The epoll is the same one in both: what the child does must not end the
 * parent's registrations. */
TEST(the_parents_waits_are_not_disturbed)
{
	char c = 0;
	struct ramet *t;

	CHECK_EQ(ramet_pipe(pipe_fds, 0), 0);
	t = spawn(read_one, &c);
	CHECK_EQ(ramet_sleep(RAMET_MS), 0); /* it waits, and is watched */
	CHECK_EQ(in_child(read_again), 0);
	CHECK_EQ(ramet_write(pipe_fds[1], "y", 1), 1);
	join(t);
	CHECK_EQ(c, 'y');
	ramet_close(pipe_fds[0]);
	ramet_close(pipe_fds[1]);
}

static struct ramet *others[2];

static int join_the_dead(void)
{
	errno = 0;
	if (ramet_join(others[0], NULL) != -1 || errno != ECHILD)
		return 1;
	return ramet_ended(others[1]) ? 0 : 2;
}

TEST(others_are_joined_as_killed)
{
	for (int i = 0; i < 2; i++)
		others[i] = spawn(sleeper, &ran);
	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(in_child(join_the_dead), 0);
	join(others[0]);
	join(others[1]);
}

static struct ramet_group group;

static int wait_for_group(void)
{
	return ramet_group_wait(&group) == -1 && errno == ECHILD ? 0 : 1;
}

TEST(a_group_is_told_that_its_children_are_gone)
{
	ramet_group_open(&group, RAMET_ALL);
	for (int i = 0; i < 3; i++)
		CHECK(ramet_go(&group, sleeper, &ran));
	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(in_child(wait_for_group), 0);
	CHECK_EQ(ramet_group_wait(&group), 0);
	ramet_group_close(&group);
}

static void *fork_and_return(void *status)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		ramet_sleep(RAMET_MS);
		return NULL;
	}
	CHECK_EQ(waitpid(pid, status, 0), pid);
	return NULL;
}

TEST(a_child_without_main_ends_with_its_last_ramet)
{
	int status = -1;

	join(spawn(fork_and_return, &status));
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 0);
}

static void *same(void *arg)
{
	return arg;
}

static int offload_in_child(void)
{
	void *value = NULL;

	if (ramet_offload(same, &group, &value) < 0)
		return 1;
	return value == &group ? 0 : 2;
}

TEST(helper_threads_are_made_anew)
{
	CHECK_EQ(offload_in_child(), 0);
	CHECK_EQ(in_child(offload_in_child), 0);
}

static int grandchild(void)
{
	return in_child(spawn_and_read);
}

TEST(a_child_may_fork)
{
	CHECK_EQ(ramet_pipe(pipe_fds, 0), 0);
	CHECK_EQ(in_child(grandchild), 0);
	ramet_close(pipe_fds[0]);
	ramet_close(pipe_fds[1]);
}

static int in_the_scope(void)
{
	return ramet_sleep(RAMET_SEC) == -1 && errno == ETIMEDOUT ? 0 : 1;
}

TEST(scopes_around_the_fork_hold_in_the_child)
{
	RAMET_WITHIN(100 * RAMET_MS) {
		CHECK_EQ(in_child(in_the_scope), 0);
	}
}

static int fds_of_parent;

static int count_fds_and_work(void)
{
	int fewer = open_fds();

	if (spawn_and_read())
		return 1;
	return open_fds() == fds_of_parent && fewer < fds_of_parent ? 0 : 2;
}

TEST(the_parents_poller_is_closed_in_the_child)
{
	CHECK_EQ(ramet_pipe(pipe_fds, 0), 0);
	CHECK_EQ(spawn_and_read(), 0);
	fds_of_parent = open_fds();
	CHECK_EQ(in_child(count_fds_and_work), 0);
	ramet_close(pipe_fds[0]);
	ramet_close(pipe_fds[1]);
}

/* ---- pools --------------------------------------------------------------- */

static struct ramet_pool *pool;

static void *for_ever(void *unused)
{
	ramet_sleep(RAMET_NEVER);
	return unused;
}

static void *waits_for_a_place(void *unused)
{
	CHECK_ERR(ramet_pool_spawn(pool, for_ever, NULL), EPIPE);
	return unused;
}

static void *next_number(void *n)
{
	return (void *)((intptr_t)n + 1);
}

static int use_pool(void)
{
	void *value = NULL;

	if (ramet_pool_running(pool) != 0 || ramet_pool_wait(pool) < 0)
		return 1;
	for (intptr_t i = 0; i < 5; i++)
		if (ramet_pool_apply(pool, next_number, (void *)i, &value) <
			    0 ||
		    value != (void *)(i + 1))
			return 2;
	ramet_pool_free(pool);
	return 0;
}

TEST(a_childs_pool_has_no_jobs)
{
	struct ramet *t;

	pool = made(ramet_pool_new(2, NULL));
	CHECK_EQ(ramet_pool_apply(pool, next_number, NULL, NULL), 0);
	CHECK_EQ(in_child(use_pool), 0); /* with one that is idle */
	CHECK_EQ(ramet_pool_spawn(pool, for_ever, NULL), 0);
	CHECK_EQ(ramet_pool_spawn(pool, for_ever, NULL), 0);
	t = spawn(waits_for_a_place, NULL);
	CHECK_EQ(ramet_yield(), 0);
	CHECK_EQ(in_child(use_pool), 0);
	CHECK_EQ(ramet_pool_running(pool), 2);
	ramet_pool_free(pool);
	join(t);
}

static void spawn_some(void)
{
	for (int i = 0; i < 10; i++)
		join(spawn(next_number, NULL));
}

/* In the child it ends as any other ramet does, and the process with it. */
static void *fork_in_job(void *number)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		spawn_some();
		return NULL;
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	return number;
}

static void *map_forks(void *unused)
{
	void *numbers[] = {(void *)1, (void *)2, (void *)3};

	CHECK_EQ(ramet_pool_map(pool, fork_in_job, numbers, numbers, 3), 0);
	for (intptr_t i = 0; i < 3; i++)
		CHECK(numbers[i] == (void *)(i + 1));
	return unused;
}

TEST(a_job_may_fork)
{
	pool = made(ramet_pool_new(2, NULL));
	join(spawn(map_forks, NULL));
	ramet_pool_free(pool);
}

/* ---- what others hold ------------------------------------------------------
 */

static int stop; /* atomic */

/* Takes and gives back whatever has a lock in it: memory, the helpers, the
 * tables of descriptors, the list of loops, the lot's mailboxes. */
static void *hold_locks(void *unused)
{
	void *value, *mem;
	int fds[2];
	char c;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		mem = malloc((size_t)test_rand(5000));
		CHECK_EQ(ramet_pipe(fds, 0), 0);
		CHECK_EQ(ramet_offload(same, mem, &value), 0);
		CHECK_EQ(ramet_write(fds[1], "x", 1), 1);
		CHECK_EQ(ramet_read(fds[0], &c, 1), 1);
		CHECK_EQ(ramet_close(fds[0]), 0);
		CHECK_EQ(ramet_close(fds[1]), 0);
		free(mem);
	}
	return unused;
}

/* Loops come and go. */
static void *start_loops(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		run_thread(same, ramet_self());
	return unused;
}

static int use_all(void)
{
	int fds[2], err;
	void *mem = malloc(5000);

	alarm(20);
	if (!mem || offload_in_child() || ramet_pipe(pipe_fds, 0) < 0)
		return 3;
	fds[0] = pipe_fds[0];
	fds[1] = pipe_fds[1];
	err = spawn_and_read();
	free(mem);
	if (ramet_close(fds[0]) < 0 || ramet_close(fds[1]) < 0)
		return 4;
	return err;
}

TEST_WITHIN(other_threads_may_hold_locks, 60000)
{
	pthread_t threads[3];

	if (TEST_TSAN || TEST_ASAN)
		test_skip("the sanitizer's allocator has locks that fork does "
			  "not mind");
	if (strcmp(ramet_kernel_name(), "sim") == 0)
		test_skip("a simulation is for one OS thread");
	for (int i = 0; i < 2; i++)
		threads[i] = start_thread(hold_locks, NULL);
	threads[2] = start_thread(start_loops, NULL);
	for (int i = 0; i < test_rounds(200); i++) {
		CHECK_EQ(in_child(use_all), 0);
		CHECK_EQ(ramet_sleep(test_rand(300) * RAMET_US), 0);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		join_thread(threads[i]);
}

/* ---- under load ------------------------------------------------------------
 */

enum { LOAD = 3000, PIPES = 50 };

static struct ramet_mutex mutex;
static struct ramet_chan *chan;
static int load_pipes[PIPES][2];
static size_t finished;

static void *wait_somehow(void *number)
{
	int n = (int)(intptr_t)number, item;
	char c;

	switch (n % 5) {
	case 0: /* in the poller, several for one descriptor */
		if (ramet_read(load_pipes[n % PIPES][0], &c, 1) == 1)
			finished++;
		break;
	case 1:
		if (ramet_chan_recv(chan, &item) > 0)
			finished++;
		break;
	case 2:
		if (ramet_mutex_lock(&mutex) == 0) {
			finished++;
			ramet_mutex_unlock(&mutex);
		}
		break;
	case 3:
		if (ramet_sleep(RAMET_MS + n * RAMET_US) == 0)
			finished++;
		break;
	default:
		for (int i = 0; i < 20; i++)
			ramet_yield();
		finished++;
	}
	return NULL;
}

static size_t finished_before;

static int only_me_and_all_works(void)
{
	struct ramet_stats stats;
	int err = use_all();

	if (err)
		return err;
	if (ramet_sleep(10 * RAMET_MS) < 0 || ramet_get_stats(&stats) < 0)
		return 10;
	if (stats.live > 2 || finished != finished_before)
		return 11;
	for (int i = 0; i < 1000; i++)
		if (!ramet_go(NULL, wait_somehow, (void *)4))
			return 12;
	while (finished < finished_before + 1000) /* the alarm is set */
		if (ramet_sleep(RAMET_MS) < 0)
			return 13;
	return 0;
}

static void *fork_here(void *status)
{
	finished_before = finished;
	*(int *)status = in_child(only_me_and_all_works);
	return NULL;
}

static void release_load(void)
{
	for (int n = 0, item = 0; n < LOAD; n++)
		if (n % 5 == 1)
			CHECK_EQ(ramet_chan_send(chan, &item), 1);
		else if (n % 5 == 0)
			CHECK_EQ(ramet_write(load_pipes[n % PIPES][1], "x", 1),
				 1);
	CHECK_EQ(ramet_mutex_unlock(&mutex), 0);
}

TEST_WITHIN(thousands_may_wait_for_all_sorts_of_things, 60000)
{
	struct ramet_group load;
	int status = -1;

	chan = made(ramet_chan_new(sizeof(int), 0));
	for (int i = 0; i < PIPES; i++)
		CHECK_EQ(ramet_pipe(load_pipes[i], 0), 0);
	CHECK_EQ(ramet_mutex_lock(&mutex), 0);
	ramet_group_open(&load, RAMET_ALL);
	for (int n = 0; n < LOAD; n++)
		CHECK(ramet_go(&load, wait_somehow, (void *)(intptr_t)n));
	for (int i = 0; i < 5; i++) {
		join(spawn(fork_here, &status));
		CHECK_EQ(status, 0);
		CHECK_EQ(ramet_yield(), 0);
	}
	release_load();
	CHECK_EQ(ramet_group_wait(&load), 0);
	CHECK_EQ(finished, LOAD);
	ramet_group_close(&load);
	for (int i = 0; i < PIPES; i++) {
		ramet_close(load_pipes[i][0]);
		ramet_close(load_pipes[i][1]);
	}
	ramet_chan_free(chan);
}

/* ---- other ways to start a process -----------------------------------------
 */

extern char **environ;

static int status_of(pid_t pid)
{
	int status = -1;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

static void *start_in_all_ways(void *unused)
{
	static char sh[] = "/bin/sh", c[] = "-c", script[] = "exit 6";
	char *argv[] = {sh, c, script, NULL};
	pid_t pid;

	CHECK_EQ(system("exit 5"), 5 << 8);
	CHECK_EQ(posix_spawn(&pid, sh, NULL, NULL, argv, environ), 0);
	CHECK_EQ(status_of(pid), 6 << 8);
	pid = vfork();
	if (pid == 0) {
		execve(sh, argv, environ);
		_exit(127);
	}
	CHECK(pid > 0);
	CHECK_EQ(status_of(pid), 6 << 8);
	pid = vfork();
	if (pid == 0)
		_exit(8);
	CHECK_EQ(status_of(pid), 8 << 8);
	return unused;
}

/* They block the loop, but they hurt nobody. */
TEST(system_posix_spawn_and_vfork_are_safe_in_a_ramet)
{
	struct ramet *t[20], *reader;
	char c = 0;

	CHECK_EQ(ramet_pipe(pipe_fds, 0), 0);
	reader = spawn(read_one, &c);
	for (int i = 0; i < 20; i++)
		t[i] = spawn(i % 2 ? start_in_all_ways : sleeper, &ran);
	for (int i = 0; i < 20; i++)
		join(t[i]);
	CHECK_EQ(ran, 10);
	CHECK_EQ(ramet_write(pipe_fds[1], "z", 1), 1);
	join(reader);
	CHECK_EQ(c, 'z');
	ramet_close(pipe_fds[0]);
	ramet_close(pipe_fds[1]);
}
