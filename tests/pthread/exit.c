/* exit.c - the order in which a thread comes to its end. */
#include "posix.h"

#include <sched.h>

static char order[64];

static void note(char c)
{
	size_t n = strlen(order);

	order[n] = c;
	order[n + 1] = '\0';
}

static void note_it(void *c)
{
	note(*(const char *)c);
}

static char letters[] = "abcdhk";

/* A letter to be noted. */
static void *letter(char c)
{
	return strchr(letters, c);
}

static void *run(void *(*fn)(void *), void *arg)
{
	pthread_t t;
	void *value;

	CHECK_EQ(pthread_create(&t, NULL, fn, arg), 0);
	CHECK_EQ(pthread_join(t, &value), 0);
	return value;
}

static __attribute__((noinline)) void deep(int n, void *value)
{
	volatile char room[64];

	room[0] = (char)n;
	if (n == 0)
		pthread_exit(value);
	if (n > 0)
		deep(n - 1, value);
	room[1] = room[0];
}

static void *exit_deep(void *value)
{
	deep(20, value);
	return NULL;
}

TEST(pthread_exit_ends_the_thread_from_any_depth)
{
	CHECK_EQ(run(exit_deep, (void *)42L), 42);
}

static void *cleanups(void *how)
{
	pthread_cleanup_push(note_it, letter('a'));
	pthread_cleanup_push(note_it, letter('b'));
	pthread_cleanup_push(note_it, letter('c'));
	pthread_cleanup_pop(1);
	if (how)
		deep(3, how);
	pthread_cleanup_pop(0);
	pthread_cleanup_pop(0);
	return NULL;
}

TEST(cleanup_handlers_run_last_pushed_first_at_pthread_exit)
{
	CHECK_EQ(run(cleanups, (void *)7L), 7);
	CHECK(strcmp(order, "cba") == 0);
}

TEST(cleanup_handlers_that_were_popped_do_not_run)
{
	CHECK_EQ(run(cleanups, NULL), 0);
	CHECK(strcmp(order, "c") == 0);
}

static pthread_key_t key;

static void *handlers_and_keys(void *arg)
{
	CHECK_EQ(pthread_setspecific(key, letter('k')), 0);
	pthread_cleanup_push(note_it, letter('h'));
	pthread_exit(arg);
	pthread_cleanup_pop(0);
	return NULL;
}

TEST(cleanup_handlers_come_before_destructors_of_keys)
{
	CHECK_EQ(pthread_key_create(&key, note_it), 0);
	run(handlers_and_keys, NULL);
	CHECK(strcmp(order, "hk") == 0);
}

static void slow_note(void *c)
{
	for (int i = 0; i < 20; i++)
		sched_yield();
	note_it(c);
}

static void *set_key(void *arg)
{
	CHECK_EQ(pthread_setspecific(key, arg), 0);
	return NULL;
}

TEST(join_returns_after_the_destructors)
{
	CHECK_EQ(pthread_key_create(&key, slow_note), 0);
	run(set_key, letter('d'));
	note('j');
	CHECK(strcmp(order, "dj") == 0);
}

/* ---- main --------------------------------------------------------------- */

static void *outlive_main(void *arg)
{
	for (int i = 0; i < 50; i++)
		sched_yield();
	sleep_ms(20);
	CHECK_EQ(write(*(int *)arg, "x", 1), 1);
	return NULL;
}

static int fds[2];

static void main_exits_first(void)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, outlive_main, &fds[1]), 0);
	pthread_exit((void *)3L);
}

static long bytes_in_pipe(void)
{
	char buf[64];

	close(fds[1]);
	return read(fds[0], buf, sizeof buf);
}

TEST(pthread_exit_in_main_lets_the_others_finish_and_the_status_is_0)
{
	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(status_of(main_exits_first), 0);
	CHECK_EQ(bytes_in_pipe(), 1);
}

static void at_exit(void)
{
	CHECK_EQ(write(fds[1], "a", 1), 1);
}

static void main_exits_alone(void)
{
	atexit(at_exit);
	pthread_exit(NULL);
}

TEST(the_process_exits_with_its_last_thread_and_runs_atexit)
{
	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(status_of(main_exits_alone), 0);
	CHECK_EQ(bytes_in_pipe(), 1);
}

static pthread_t main_thread;

static void *join_main(void *arg)
{
	void *value;

	CHECK_EQ(pthread_join(main_thread, &value), 0);
	CHECK_EQ(value, 3);
	CHECK_EQ(write(*(int *)arg, "j", 1), 1);
	return NULL;
}

static void main_is_joined(void)
{
	pthread_t t;

	main_thread = pthread_self();
	CHECK_EQ(pthread_create(&t, NULL, join_main, &fds[1]), 0);
	pthread_exit((void *)3L);
}

TEST(main_can_be_joined)
{
	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(status_of(main_is_joined), 0);
	CHECK_EQ(bytes_in_pipe(), 1);
}

static void write_it(void *c)
{
	CHECK_EQ(write(fds[1], c, 1), 1);
}

static void main_cleans_up(void)
{
	CHECK_EQ(pthread_key_create(&key, write_it), 0);
	CHECK_EQ(pthread_setspecific(key, letter('k')), 0);
	atexit(at_exit);
	pthread_cleanup_push(write_it, letter('h'));
	pthread_exit(NULL);
	pthread_cleanup_pop(0);
}

TEST(pthread_exit_in_main_runs_handlers_keys_and_then_atexit)
{
	char buf[8] = "";

	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(status_of(main_cleans_up), 0);
	CHECK_EQ(read(fds[0], buf, sizeof buf), 3);
	CHECK(strcmp(buf, "hka") == 0);
}

static void *spin(void *arg)
{
	for (;;)
		sched_yield();
	return arg;
}

static int from_main(void)
{
	return 4;
}

static void return_from_main(void)
{
	pthread_t t;

	atexit(at_exit);
	CHECK_EQ(pthread_create(&t, NULL, spin, NULL), 0);
	sched_yield();
	exit(from_main());
}

TEST(exit_runs_atexit_handlers_while_threads_live)
{
	int status;

	CHECK_EQ(pipe(fds), 0);
	status = status_of(return_from_main);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 4);
	CHECK_EQ(bytes_in_pipe(), 1);
}

/* ---- fork --------------------------------------------------------------- */

static void *fork_and_return(void *arg)
{
	pid_t child = fork();

	if (child == 0) {
		pthread_t t;
		void *value;

		CHECK_EQ(pthread_create(&t, NULL, exit_deep, (void *)6L), 0);
		CHECK_EQ(pthread_join(t, &value), 0);
		CHECK_EQ(value, 6);
		return NULL; /* its only thread */
	}
	*(pid_t *)arg = child;
	return NULL;
}

TEST(a_forked_thread_is_its_childs_only_one_and_ends_it_with_0)
{
	pid_t child;

	run(fork_and_return, &child);
	CHECK_EQ(posix_wait(child), 0);
}
