/* deadlock.c - threads that wait for each other hang, as natively; under `ramet
 * run` the process says so, once. */
#include "posix.h"

#include <dlfcn.h>
#include <sched.h>
#include <semaphore.h>

static pthread_t ring[3];
static volatile int started;

static void *join_next(void *i)
{
	started++;
	while (started < 3)
		sched_yield();
	pthread_join(ring[((long)i + 1) % 3], NULL);
	return NULL;
}

static int fds[2];

static void wait_for_each_other(void)
{
	dup2(fds[1], 2);
	for (long i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&ring[i], NULL, join_next, (void *)i),
			 0);
	pthread_exit(NULL);
}

/* What a child writes to its stderr in 0.3 s; it is killed by SIGTERM then. */
static char *report_of(void (*fn)(void), int *status)
{
	static char text[8192];
	pid_t child;
	ssize_t n;

	CHECK_EQ(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		fn();
		_exit(0);
	}
	close(fds[1]);
	sleep_ms(300);
	kill(child, SIGTERM);
	*status = posix_wait(child);
	n = read(fds[0], text, sizeof text - 1);
	CHECK(n >= 0);
	text[n] = '\0';
	return text;
}

TEST(a_deadlock_hangs_until_a_signal_kills)
{
	int status;
	char *text = report_of(wait_for_each_other, &status);

	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTERM);
	if (!under_ramet()) {
		CHECK_EQ(*text, 0);
		return;
	}
	CHECK(strstr(text, "ramet: deadlock") == text);
	CHECK(strstr(text + 1, "ramet: deadlock") == NULL);
	CHECK(strstr(text, "as a pthread, to run") != NULL);
	CHECK(strstr(text, "join_next") != NULL);
}

static void do_nothing(int sig)
{
	(void)sig;
}

static void wait_with_a_handler(void)
{
	signal(SIGUSR1, do_nothing);
	wait_for_each_other();
}

TEST(nothing_is_said_where_a_signal_handler_may_help)
{
	int status;
	char *text = report_of(wait_with_a_handler, &status);

	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTERM);
	CHECK_EQ(*text, 0);
}

static pthread_mutex_t left = PTHREAD_MUTEX_INITIALIZER,
		       right = PTHREAD_MUTEX_INITIALIZER;

static void *lock_both(void *first)
{
	pthread_mutex_t *other = first == &left ? &right : &left;

	pthread_setname_np(pthread_self(), first == &left ? "lefty" : "righty");
	CHECK_EQ(pthread_mutex_lock(first), 0);
	sleep_ms(20);
	pthread_mutex_lock(other);
	return NULL;
}

static void lock_crosswise(void)
{
	pthread_t t[2];

	dup2(fds[1], 2);
	CHECK_EQ(pthread_create(&t[0], NULL, lock_both, &left), 0);
	CHECK_EQ(pthread_create(&t[1], NULL, lock_both, &right), 0);
	pthread_join(t[0], NULL);
}

TEST(the_report_names_the_locks_and_who_holds_them)
{
	int status;
	char *text = report_of(lock_crosswise, &status), *cycle;

	CHECK_EQ(WTERMSIG(status), SIGTERM);
	if (!under_ramet())
		return;
	cycle = strstr(text, "waits for mutex 0x");
	CHECK(cycle != NULL);
	CHECK(strstr(cycle, ", held by ramet ") != NULL);
	CHECK(strstr(cycle + 1, "waits for mutex 0x") != NULL);
	CHECK(strstr(text, "\"lefty\"") != NULL);
	CHECK(strstr(text, "\"righty\"") != NULL);
	CHECK(cycle < strstr(text, "\"main\"")); /* cycles come first */
}

/* ---- a table ------------------------------------------------------------ */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t sem;

static void *lock_and_end(void *unused)
{
	pthread_mutex_lock(&lock);
	return unused;
}

static void lock_of_one_that_ended(void)
{
	pthread_t t;

	pthread_create(&t, NULL, lock_and_end, NULL);
	pthread_join(t, NULL);
	pthread_mutex_lock(&lock);
}

static void lock_twice(void)
{
	pthread_mutex_lock(&lock);
	pthread_mutex_lock(&lock);
}

static void no_signal(void)
{
	pthread_mutex_lock(&lock);
	pthread_cond_wait(&cond, &lock);
}

static void no_post(void)
{
	sem_init(&sem, 0, 0);
	sem_wait(&sem);
}

static void upgrade(void)
{
	pthread_rwlock_rdlock(&rwlock);
	pthread_rwlock_wrlock(&rwlock);
}

static void too_few(void)
{
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_barrier_wait(&barrier);
}

static void call_again(void)
{
	pthread_once(&once, call_again);
}

static void once_in_itself(void)
{
	pthread_once(&once, call_again);
}

static void *join_with_lock(void *unused)
{
	pthread_mutex_lock(&lock);
	return unused;
}

static void join_who_needs_our_lock(void)
{
	pthread_t t;

	pthread_mutex_lock(&lock);
	pthread_create(&t, NULL, join_with_lock, NULL);
	pthread_join(t, NULL);
}

static const struct {
	const char *name;
	void (*fn)(void);
	const char *words[3];
} table[] = {
	{"ended",
	 lock_of_one_that_ended,
	 {"waits for mutex 0x", ", held by a thread that has ended"}},
	{"twice",
	 lock_twice,
	 {"  ramet 1 \"main\" waits for mutex 0x",
	  ", held by ramet 1 \"main\""}},
	{"condition", no_signal, {"waits for a signal on condition 0x"}},
	{"semaphore", no_post, {NULL}},
	{"upgrade", upgrade, {"waits to write-lock 0x"}},
	{"barrier", too_few, {"waits at barrier 0x"}},
	{"once", once_in_itself, {"waits for pthread_once 0x"}},
	{"join",
	 join_who_needs_our_lock,
	 {"waits for ramet 2", "  ramet 2 waits for mutex 0x",
	  ", held by ramet 1 \"main\""}},
};

static void (*entry)(void);

static void run_entry(void)
{
	dup2(fds[1], 2);
	entry();
}

/* The words come in their order, after the first line of the one report.  No
 * words: a signal handler may help, and nothing is said. */
static int says(const char *text, const char *const *words)
{
	if (!words[0])
		return !*text;
	if (strncmp(text, "ramet: deadlock: ", 17) != 0)
		return 0;
	for (int i = 0; i < 3 && words[i]; i++) {
		text = strstr(text, words[i]);
		if (!text)
			return 0;
		text += strlen(words[i]);
	}
	return 1;
}

TEST(each_kind_of_wait_is_named)
{
	int status;

	if (!under_ramet())
		skip("natively nothing is said");
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char *text;

		entry = table[i].fn;
		text = report_of(run_entry, &status);
		if (!says(text, table[i].words))
			posix_fail(table[i].name, (int)i, text, status,
				   SIGTERM);
		CHECK_EQ(WTERMSIG(status), SIGTERM);
		close(fds[0]);
	}
}

/* ---- cycles while others run -------------------------------------------- */

static void *run_on(void *unused)
{
	for (;;)
		sleep_ms(1);
	return unused;
}

static void lock_crosswise_meanwhile(void)
{
	void (*set)(int) = NULL;
	pthread_t t;

	*(void **)&set = dlsym(RTLD_DEFAULT, "ramet_set_lock_cycles");
	if (set)
		set(1); /* RAMET_LOCK_CYCLES_REPORT */
	CHECK_EQ(pthread_create(&t, NULL, run_on, NULL), 0);
	lock_crosswise();
}

TEST(a_cycle_of_locks_is_found_while_others_run)
{
	int status;
	char *text = report_of(lock_crosswise_meanwhile, &status);

	CHECK_EQ(WTERMSIG(status), SIGTERM);
	if (!under_ramet()) {
		CHECK_EQ(*text, 0);
		return;
	}
	CHECK(strstr(text, "ramet: lock cycle") == text);
	CHECK(strstr(text, "\"lefty\" waits for mutex 0x") != NULL);
	CHECK(strstr(text, "\"righty\" waits for mutex 0x") != NULL);
}

/* One that locks again and again, each time another's owner: nobody waits for
 * ever, so nothing is to be said. */
static void *take_turns(void *unused)
{
	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&left);
		sched_yield();
		pthread_mutex_lock(&right);
		pthread_mutex_unlock(&right);
		pthread_mutex_unlock(&left);
	}
	return unused;
}

static void *take_one(void *unused)
{
	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&right);
		sched_yield();
		pthread_mutex_unlock(&right);
		pthread_mutex_lock(&left);
		sched_yield();
		pthread_mutex_unlock(&left);
	}
	return unused;
}

static void contend(void)
{
	void (*set)(int) = NULL;
	pthread_t t[4];

	dup2(fds[1], 2);
	*(void **)&set = dlsym(RTLD_DEFAULT, "ramet_set_lock_cycles");
	if (set)
		set(1);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL,
					i % 2 ? take_turns : take_one, NULL),
			 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
}

TEST(locks_that_change_hands_are_no_cycle)
{
	int status;
	char *text = report_of(contend, &status);

	CHECK_EQ(*text, 0);
}
