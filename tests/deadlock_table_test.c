/* What the runtime says of each kind of deadlock, to the letter: addresses
 * become 0x#, and where code is becomes its function. */
#include "ramet.h"
#include "test.h"
#include "waits.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

static char text[1 << 16], plain[1 << 16];

/* No loop yet: each case has its own process. */
void test_begin(void)
{
}

/* ---- what is compared --------------------------------------------------- */

/* Whether the line is one that says what called the place of a wait: of main
 * that is the test. */
static bool is_caller(const char *line)
{
	return strncmp(line, "    from ", 9) == 0;
}

static const char *skip_hex(const char *at)
{
	while (isxdigit((unsigned char)*at))
		at++;
	return at;
}

/* From "+0x12 (program)", or from a suffix of the compiler's before it. */
static const char *skip_place(const char *at)
{
	const char *plus = at + strcspn(at, "+ ,\n");

	if (*at == '.' && strncmp(plus, "+0x", 3) == 0)
		at = plus;
	if (strncmp(at, "+0x", 3) != 0)
		return at;
	at = skip_hex(at + 3);
	if (strncmp(at, " (", 2) == 0)
		at += strcspn(at, ")") + 1;
	return at;
}

static void make_plain(void)
{
	const char *at = text, *past;
	char *to = plain;

	while (*at) {
		past = skip_place(at);
		if ((at == text || at[-1] == '\n') && is_caller(at)) {
			at += strcspn(at, "\n") + 1;
		} else if (past != at) {
			at = past;
		} else if (strncmp(at, "0x", 2) == 0) {
			at = skip_hex(at + 2);
			to = stpcpy(to, "0x#");
		} else {
			*to++ = *at++;
		}
	}
	*to = '\0';
}

/* The name of a function, without a suffix of the compiler's. */
static const char *copy_function(char **to, const char *at)
{
	size_t n = strcspn(at, ".\"");

	*to = mempcpy(*to, at, n);
	return at + strcspn(at, "\"");
}

/* The same of JSON: numbers of the system and callers become #. */
static void make_json_plain(void)
{
	static const char *const keys[] = {"\"process\": ", "\"thread\": ",
					   "\"offset\": ",  "\"callers\": ",
					   "\"address\": ", "\"object\": "};
	static const char function[] = "\"function\": \"";
	const char *at = text;
	char *to = plain;

	while (*at) {
		size_t i = 0;

		while (i < 6 && strncmp(at, keys[i], strlen(keys[i])) != 0)
			i++;
		if (i < 6) {
			at += strlen(keys[i]);
			at += *at == '[' ? strcspn(at, "]") + 1
					 : strcspn(at, ",}");
			to = stpcpy(stpcpy(to, keys[i]), "#");
		} else if (strncmp(at, function, strlen(function)) == 0) {
			to = stpcpy(to, function);
			at = copy_function(&to, at + strlen(function));
		} else if (strncmp(at, "0x", 2) == 0) {
			at = skip_hex(at + 2);
			to = stpcpy(to, "0x#");
		} else {
			*to++ = *at++;
		}
	}
	*to = '\0';
}

#define HEAD "ramet: deadlock: nothing can ever wake anyone\n"
#define ADVICE "  advice: "
#define LOCKS                                                                  \
	ADVICE "lock in the same order everywhere, and wait for nobody while " \
	       "holding a lock that he may need\n"
#define ENDS                                                                   \
	ADVICE "who waits for others to end must hold or owe nothing that "    \
	       "they wait for\n"
#define UNLOCK                                                                 \
	ADVICE "unlock on every way out of whoever locked, before it ends or " \
	       "waits for others\n"
#define CHANNEL                                                                \
	ADVICE "close a channel when its last sender is done, and receive "    \
	       "until it is closed\n"
#define SET                                                                    \
	ADVICE "set an event or a future on every way out of who is to set "   \
	       "it\n"
#define QUEUE                                                                  \
	ADVICE "close a queue when nothing more is put, get until it is "      \
	       "closed, and tell it of each item that is done\n"

/* What fn says, whose main is told EDEADLK and exits with 3. */
static bool said(void (*fn)(void), void (*make)(void), const char *expected)
{
	int status;

	if (TEST_TSAN)
		test_skip("it has an OS thread, which might help");
	status = test_stderr_of(fn, text, sizeof text);
	make();
	if (WIFEXITED(status) && WEXITSTATUS(status) == 3 &&
	    strcmp(plain, expected) == 0)
		return true;
	fprintf(stderr, "status 0x%x, said:\n%s---- not:\n%s", status, plain,
		expected);
	return false;
}

#define SAYS(fn, expected) CHECK(said(fn, make_plain, expected))
#define SAYS_JSON(fn, expected) CHECK(said(fn, make_json_plain, expected))

/* ---- the cast ----------------------------------------------------------- */

static struct ramet *peers[3];

/* The wait of main, which fails. */
static void told(int r)
{
	_exit(r == -1 && errno == EDEADLK ? 3 : 1);
}

/* ---- joins -------------------------------------------------------------- */

static NOINLINE void *join_next(void *index)
{
	ramet_join(peers[((intptr_t)index + 1) % 3], NULL);
	return NULL;
}

static void ring(void)
{
	for (intptr_t i = 0; i < 3; i++)
		peers[i] = start("ring", join_next, (void *)i);
	told(ramet_sleep(RAMET_NEVER));
}

TEST(a_ring_of_joins)
{
	SAYS(ring,
	     HEAD "  ramet 2 \"ring\" waits for ramet 3 \"ring\" to end, at "
		  "join_next, spawned by ramet 1 at start\n"
		  "  ramet 3 \"ring\" waits for ramet 4 \"ring\" to end, at "
		  "join_next, spawned by ramet 1 at start\n"
		  "  ramet 4 \"ring\" waits for ramet 2 \"ring\" to end, at "
		  "join_next, spawned by ramet 1 at start\n"
		  "  ramet 1 \"main\" waits for a sleep that never ends, at "
		  "ring\n" ENDS);
}

static void join_self(void)
{
	told(ramet_join(ramet_self(), NULL));
}

static int ask_self(struct ramet_actor *me, void *unused)
{
	char c = 1;

	(void)unused;
	told((int)ramet_ask(me, &c, 1, &c, 1));
	return 0;
}

static void actor_of_itself(void)
{
	ramet_actor_wait(ramet_actor_start(ask_self, NULL, NULL), NULL);
}

/* Those are told at once. */
TEST(who_waits_for_itself)
{
	SAYS(join_self, "");
	SAYS(actor_of_itself, "");
}

/* ---- locks -------------------------------------------------------------- */

static void crosswise(void)
{
	struct ramet *a = start("a", lock_both, &left);

	start("b", lock_both, &right);
	told(ramet_join(a, NULL));
}

TEST(two_mutexes_in_two_orders)
{
	SAYS(crosswise, HEAD
	     "  ramet 2 \"a\" waits for mutex 0x#, held by ramet 3 \"b\", at "
	     "lock_both, spawned by ramet 1 at start\n"
	     "  ramet 3 \"b\" waits for mutex 0x#, held by ramet 2 \"a\", at "
	     "lock_both, spawned by ramet 1 at start\n"
	     "  ramet 1 \"main\" waits for ramet 2 \"a\" to end, at "
	     "crosswise\n" LOCKS);
}

static NOINLINE void *lock_left(void *unused)
{
	ramet_mutex_lock(&left);
	return unused;
}

static void forgotten(void)
{
	ramet_join(start("careless", lock_left, NULL), NULL);
	told(ramet_mutex_lock(&left));
}

TEST(a_mutex_of_one_that_has_ended)
{
	SAYS(forgotten,
	     HEAD "  ramet 1 \"main\" waits for mutex 0x#, held by ramet 2 "
		  "\"careless\", which has ended, at forgotten\n" UNLOCK);
}

static void join_with_lock(void)
{
	ramet_mutex_lock(&left);
	told(ramet_join(start("child", lock_left, NULL), NULL));
}

TEST(a_join_by_who_holds_the_lock)
{
	SAYS(join_with_lock,
	     HEAD "  ramet 1 \"main\" waits for ramet 2 \"child\" to end, at "
		  "join_with_lock\n"
		  "  ramet 2 \"child\" waits for mutex 0x#, held by ramet 1 "
		  "\"main\", at lock_left, spawned by ramet 1 at start\n" LOCKS
			  ENDS);
}

static struct ramet_rmutex again;

static NOINLINE void *lock_again(void *unused)
{
	ramet_rmutex_lock(&again);
	return unused;
}

static void recursive(void)
{
	ramet_rmutex_lock(&again);
	ramet_rmutex_lock(&again);
	start("child", lock_again, NULL);
	ramet_yield();
	ramet_rmutex_unlock(&again);
	told(ramet_sleep(RAMET_NEVER));
}

TEST(a_recursive_mutex_unlocked_too_seldom)
{
	SAYS(recursive,
	     HEAD "  ramet 1 \"main\" waits for a sleep that never ends, at "
		  "recursive\n"
		  "  ramet 2 \"child\" waits for mutex 0x#, held by ramet 1 "
		  "\"main\", at lock_again, spawned by ramet 1 at start\n");
}

static struct ramet_rwlock rw;

static void upgrade(void)
{
	ramet_rwlock_rdlock(&rw);
	told(ramet_rwlock_wrlock(&rw));
}

TEST(a_reader_that_would_write)
{
	SAYS(upgrade, HEAD
	     "  ramet 1 \"main\" waits to write-lock rwlock 0x#, held by 1 "
	     "readers, at upgrade\n" ADVICE
	     "a reader cannot become the writer: it has to unlock first, and "
	     "everybody on every way out\n");
}

static struct ramet_once once;

static NOINLINE void *call_once(void *fn)
{
	ramet_once(&once, fn, NULL);
	return NULL;
}

static int need_once(void *unused)
{
	ramet_join(start("helper", call_once, NULL), unused);
	return 0;
}

static void once_in_itself(void)
{
	start("runner", call_once, need_once);
	told(ramet_sleep(RAMET_NEVER));
}

TEST(a_once_that_needs_itself)
{
	SAYS(once_in_itself, HEAD
	     "  ramet 2 \"runner\" waits for ramet 3 \"helper\" to end, at "
	     "need_once, spawned by ramet 1 at start\n"
	     "  ramet 3 \"helper\" waits for once 0x#, run by ramet 2 "
	     "\"runner\", at call_once, spawned by ramet 2 at start\n"
	     "  ramet 1 \"main\" waits for a sleep that never ends, at "
	     "once_in_itself\n" ENDS ADVICE
	     "the function of a once must not need that once\n");
}

/* ---- signals ------------------------------------------------------------ */

static struct ramet_cond cond;

static void no_signal(void)
{
	ramet_mutex_lock(&left);
	told(ramet_cond_wait(&cond, &left));
}

TEST(a_condition_nobody_signals)
{
	SAYS(no_signal, HEAD
	     "  ramet 1 \"main\" waits for a signal on condition 0x#, which "
	     "nobody else is left to end, at no_signal\n" ADVICE
	     "signal a condition at each change of what is waited for, and "
	     "look at that before waiting\n");
}

static struct ramet_sem sem;

static void no_post(void)
{
	ramet_sem_init(&sem, 1);
	ramet_sem_wait(&sem);
	told(ramet_sem_wait(&sem));
}

TEST(a_semaphore_nobody_posts)
{
	SAYS(no_post, HEAD
	     "  ramet 1 \"main\" waits for semaphore 0x#, which nobody else "
	     "is left to end, at no_post\n" ADVICE
	     "post a semaphore once for each wait, also on the ways out that "
	     "fail\n");
}

static void no_event(void)
{
	struct ramet *t = NULL;

	for (int i = 0; i < 3; i++)
		t = start("guest", wait_event, NULL);
	told(ramet_join(t, NULL));
}

/* Main waits for one of them: it cannot help. */
TEST(an_event_nobody_sets)
{
	SAYS(no_event, HEAD
	     "  ramet 1 \"main\" waits for ramet 4 \"guest\" to end, at "
	     "no_event\n"
	     "  ramet 2 \"guest\" waits for event 0x#, which nobody else is "
	     "left to end, at wait_event, spawned by ramet 1 at start; so do 2 "
	     "like it\n" SET);
}

static struct ramet_wg wg;

static NOINLINE void *leave_early(void *unused)
{
	return unused;
}

static void no_done(void)
{
	ramet_wg_add(&wg, 1);
	start("worker", leave_early, NULL);
	told(ramet_wg_wait(&wg));
}

TEST(a_wait_group_nobody_tells)
{
	SAYS(no_done, HEAD
	     "  ramet 1 \"main\" waits for wait group 0x#, which nobody else "
	     "is left to end, at no_done\n" ADVICE
	     "each ramet_wg_add needs as many calls of ramet_wg_done, also on "
	     "the ways out that fail\n");
}

static struct ramet_barrier barrier;

static NOINLINE void *meet(void *unused)
{
	ramet_barrier_wait(&barrier);
	return unused;
}

static void too_few(void)
{
	ramet_barrier_init(&barrier, 3);
	start("early", meet, NULL);
	told(ramet_barrier_wait(&barrier));
}

TEST(a_barrier_too_few_come_to)
{
	SAYS(too_few, HEAD
	     "  ramet 1 \"main\" waits at barrier 0x#, where 2 of 3 are, which "
	     "nobody else is left to end, at too_few\n"
	     "  ramet 2 \"early\" waits at barrier 0x#, where 2 of 3 are, "
	     "which nobody else is left to end, at meet, spawned by ramet 1 at "
	     "start\n" ADVICE
	     "as many must come to a barrier as it was made for\n");
}

static struct ramet_future *future;

static void no_value(void)
{
	void *value;

	start("worker", leave_early, NULL);
	future = ramet_future_new();
	told(ramet_future_get(future, &value));
}

TEST(a_future_nobody_sets)
{
	SAYS(no_value, HEAD
	     "  ramet 1 \"main\" waits for future 0x#, which nobody else is "
	     "left to end, at no_value\n" SET);
}

/* ---- channels and queues ------------------------------------------------ */

static struct ramet_chan *chan;

static NOINLINE void *send_one(void *unused)
{
	int item = 1;

	ramet_chan_send(chan, &item);
	return unused;
}

static void both_send(void)
{
	int item = 1;

	chan = ramet_chan_new(sizeof item, 0);
	start("peer", send_one, NULL);
	told(ramet_chan_send(chan, &item));
}

TEST(a_channel_both_send_on)
{
	SAYS(both_send, HEAD
	     "  ramet 1 \"main\" waits to send on channel 0x#, which nobody "
	     "else is left to end, at both_send\n"
	     "  ramet 2 \"peer\" waits to send on channel 0x#, which nobody "
	     "else is left to end, at send_one, spawned by ramet 1 at "
	     "start\n" CHANNEL);
}

static NOINLINE void *receive_one(void *unused)
{
	int item;

	ramet_chan_recv(chan, &item);
	return unused;
}

static void both_receive(void)
{
	chan = ramet_chan_new(sizeof(int), 0);
	told(ramet_join(start("peer", receive_one, NULL), NULL));
}

TEST(a_channel_nobody_sends_on)
{
	SAYS(both_receive, HEAD
	     "  ramet 1 \"main\" waits for ramet 2 \"peer\" to end, at "
	     "both_receive\n"
	     "  ramet 2 \"peer\" waits to receive from channel 0x#, which "
	     "nobody else is left to end, at receive_one, spawned by ramet 1 "
	     "at start\n" CHANNEL);
}

static void choose(void)
{
	int item;
	struct ramet_case cases[] = {{.op = RAMET_SELECT_RECV, .item = &item},
				     {.op = RAMET_SELECT_RECV, .item = &item}};

	cases[0].chan = ramet_chan_new(sizeof item, 0);
	cases[1].chan = ramet_chan_new(sizeof item, 0);
	told(ramet_select(cases, 2));
}

TEST(a_select_on_dead_channels)
{
	SAYS(choose, HEAD "  ramet 1 \"main\" waits in select, cases 0x#, at "
			  "choose\n" CHANNEL);
}

static struct ramet_queue *queue(void)
{
	struct ramet_queue_opts opts = {.item_size = sizeof(int),
					.capacity = 1};

	return ramet_queue_new(&opts);
}

static void fill(void)
{
	struct ramet_queue *q = queue();
	int item = 1;

	ramet_queue_put(q, &item);
	told(ramet_queue_put(q, &item));
}

TEST(a_queue_that_stays_full)
{
	SAYS(fill, HEAD "  ramet 1 \"main\" waits to put into queue 0x#, which "
			"nobody else is left to end, at fill\n" QUEUE);
}

static void drain(void)
{
	int item;

	told(ramet_queue_get(queue(), &item));
}

TEST(a_queue_that_stays_empty)
{
	SAYS(drain, HEAD "  ramet 1 \"main\" waits to get from queue 0x#, "
			 "which nobody else is left to end, at drain\n" QUEUE);
}

static void join_queue(void)
{
	struct ramet_queue *q = queue();
	int item = 1;

	ramet_queue_put(q, &item);
	ramet_queue_get(q, &item);
	told(ramet_queue_join(q));
}

TEST(a_queue_of_work_that_is_never_done)
{
	SAYS(join_queue, HEAD
	     "  ramet 1 \"main\" waits for the work to be done of queue 0x#, "
	     "which nobody else is left to end, at join_queue\n" QUEUE);
}

/* ---- groups, pools, actors ---------------------------------------------- */

static void lock_in_group(void)
{
	struct ramet_group g;

	ramet_mutex_lock(&left);
	ramet_group_open(&g, RAMET_ALL);
	ramet_go(&g, lock_left, NULL);
	told(ramet_group_wait(&g));
}

TEST(a_group_whose_child_needs_its_owner)
{
	SAYS(lock_in_group, HEAD
	     "  ramet 1 \"main\" waits for its group, 1 running, ramet 2 among "
	     "them, at lock_in_group\n"
	     "  ramet 2 waits for mutex 0x#, held by ramet 1 \"main\", at "
	     "lock_left, spawned by ramet 1 at lock_in_group\n" LOCKS ENDS);
}

static struct ramet_pool *pool;

static NOINLINE void *spawn_inside(void *unused)
{
	ramet_pool_spawn(pool, leave_early, NULL);
	return unused;
}

static void nested(void)
{
	pool = ramet_pool_new(1, NULL);
	ramet_pool_spawn(pool, spawn_inside, NULL);
	told(ramet_pool_wait(pool));
}

TEST(a_pool_that_needs_a_place_in_itself)
{
	SAYS(nested, HEAD
	     "  ramet 2 waits for a place in pool 0x#, 1 of 1 running, ramet 2 "
	     "among them, at spawn_inside, spawned by ramet 1 at nested\n"
	     "  ramet 1 \"main\" waits for jobs of pool 0x#, 1 of 1 running, "
	     "ramet 2 among them, at nested\n" ADVICE
	     "a job that needs a place in its own pool waits for itself: give "
	     "it another pool, or use ramet_pool_tryspawn\n");
}

static struct ramet_actor *actors[2];

static int ask_other(struct ramet_actor *me, void *unused)
{
	char c;

	(void)unused;
	while (ramet_receive(me, &c, 1) >= 0)
		ramet_ask(actors[me == actors[0]], &c, 1, &c, 1);
	return 0;
}

static void ask_in_circles(void)
{
	struct ramet_actor_opts a = {.name = "a"}, b = {.name = "b"};
	char c = 1;

	actors[0] = ramet_actor_start(ask_other, NULL, &a);
	actors[1] = ramet_actor_start(ask_other, NULL, &b);
	told((int)ramet_ask(actors[0], &c, 1, &c, 1));
}

TEST(actors_that_ask_in_circles)
{
	SAYS(ask_in_circles, HEAD
	     "  ramet 2 \"a\" waits for the answer of actor 0x# \"b\", at "
	     "ask_other, spawned by ramet 1 at ask_in_circles\n"
	     "  ramet 3 \"b\" waits for the answer of actor 0x# \"a\", at "
	     "ask_other, spawned by ramet 1 at ask_in_circles\n"
	     "  ramet 1 \"main\" waits for the answer of actor 0x# \"a\", at "
	     "ask_in_circles\n" ADVICE
	     "an actor that waits for an answer handles no message: it must "
	     "not ask who asks it\n");
}

/* ---- for programs ------------------------------------------------------- */

#define CODE(function)                                                         \
	"{\"function\": \"" function "\", \"offset\": #, \"module\": "         \
	"\"deadlock_table_test\", \"address\": #}"
#define JSON_HEAD "{\"report\": \"deadlock\", \"process\": #, \"thread\": #, "
#define JSON_ORIGIN "\"parent\": 1, \"spawned_at\": " CODE("start")
#define JSON_LOCKER(id, name, owner, its_name)                                 \
	"{\"id\": " id ", \"name\": \"" name "\", \"wait\": {\"kind\": "       \
	"\"mutex\", \"text\": \"for mutex 0x#, held by ramet " owner           \
	" \\\"" its_name "\\\"\", \"object\": #, \"owner\": " owner            \
	"}, \"waits_for\": " owner                                             \
	", \"at\": " CODE("lock_both") ", \"callers\": #, " JSON_ORIGIN "}"
#define JSON_BARRIER                                                           \
	"\"wait\": {\"kind\": \"barrier\", \"text\": \"at barrier 0x#, where " \
	"4 of 9 are\", \"object\": #, \"count\": 4, \"capacity\": 9}, "        \
	"\"nobody_left\": true, \"at\": "
#define JSON_LOCKS                                                             \
	"\"lock in the same order everywhere, and wait for nobody while "      \
	"holding a lock that he may need\""

static void crosswise_json(void)
{
	setenv("RAMET_REPORTS", "json", 1);
	crosswise();
}

static void three_too_few_json(void)
{
	setenv("RAMET_REPORTS", "json", 1);
	ramet_barrier_init(&barrier, 9);
	for (int i = 0; i < 3; i++)
		start("early", meet, NULL);
	told(ramet_barrier_wait(&barrier));
}

/* clang-format off */
TEST(json_has_the_cycle_first)
{
	SAYS_JSON(crosswise_json,
		JSON_HEAD
		"\"cycles\": [[" JSON_LOCKER("2", "a", "3", "b") ", "
		JSON_LOCKER("3", "b", "2", "a") "]], "
		"\"others\": [{\"id\": 1, \"name\": \"main\", "
		"\"wait\": {\"kind\": \"join\", "
		"\"text\": \"for ramet 2 \\\"a\\\" to end\", "
		"\"target\": 2, \"count\": 1}, \"waits_for\": 2, "
		"\"at\": " CODE("crosswise") "}], "
		"\"advice\": [" JSON_LOCKS "]}\n");
}

TEST(json_has_those_in_no_cycle)
{
	SAYS_JSON(three_too_few_json,
		JSON_HEAD
		"\"cycles\": [], "
		"\"others\": [{\"id\": 1, \"name\": \"main\", "
		JSON_BARRIER CODE("three_too_few_json") "}, "
		"{\"id\": 2, \"name\": \"early\", \"alike\": 3, "
		JSON_BARRIER CODE("meet") ", " JSON_ORIGIN "}], "
		"\"advice\": [\"as many must come to a barrier as it was "
		"made for\"]}\n");
}
/* clang-format on */
