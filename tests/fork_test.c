/* Fork: the child has one ramet, the caller, and a loop that works; the parent
 * notices nothing. */
#include "fds.h"
#include "ramets.h"

#include <pthread.h>
#include <stdlib.h>
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
