/* A dump for programs, and dumps in bad places: during another one, while
 * malloc's lock is held. */
#include "net.h"
#include "ramet.h"
#include "said.h"
#include "thread.h"
#include "waits.h"

#include "debug/registry.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* No loop yet: what it does first is tested here. */
void test_begin(void)
{
}

/* ---- whether it is JSON ------------------------------------------------- */

static const char *value(const char *at);

static const char *blanks(const char *at)
{
	return at + strspn(at, " ");
}

static const char *string(const char *at)
{
	if (*at++ != '"')
		return NULL;
	for (; *at != '"'; at++) {
		if ((unsigned char)*at < ' ')
			return NULL;
		at += *at == '\\';
	}
	return at + 1;
}

static const char *items(const char *at, char end)
{
	at = blanks(at + 1);
	if (*at == end)
		return at + 1;
	for (;;) {
		if (end == '}') {
			at = string(blanks(at));
			if (!at || *at++ != ':')
				return NULL;
		}
		at = value(blanks(at));
		if (!at || (*at != ',' && *at != end))
			return NULL;
		if (*at++ == end)
			return at;
	}
}

/* Where the value ends; NULL if it is none. */
static const char *value(const char *at)
{
	if (*at == '{' || *at == '[')
		return items(at, *at == '{' ? '}' : ']');
	if (*at == '"')
		return string(at);
	return strspn(at, "-0123456789truefalsn")
		       ? at + strspn(at, "-0123456789truefalsn")
		       : NULL;
}

static const char *line(const char *at)
{
	const char *end = value(at);

	if (!end || *end != '\n')
		fprintf(stderr, "no JSON:\n%.20000s", at);
	CHECK(end && *end == '\n');
	return end ? end + 1 : NULL;
}

/* The text of the ramet of that name, up to the next one. */
static bool ramet_says(const char *name, const char *words)
{
	char key[64], *at, *end, *found;

	snprintf(key, sizeof key, "\"name\": \"%s\"", name);
	at = strstr(text, key);
	CHECK(at != NULL);
	end = strstr(at, "{\"id\": ");
	found = strstr(at, words);
	if (found && (!end || found < end))
		return true;
	fprintf(stderr, "%s is not said of:\n%.2000s\n", words, at);
	return false;
}

/* ---- what is said ------------------------------------------------------- */

static struct ramet_chan *chan;
static struct ramet_queue *queue;

static void *lock(void *unused)
{
	RAMET_WITHIN(3600 * RAMET_SEC) {
		ramet_mutex_lock(&mutex);
	}
	return unused;
}

static void *receive(void *unused)
{
	char c;

	ramet_chan_recv(chan, &c);
	return unused;
}

static void *get(void *unused)
{
	char c;

	ramet_queue_get(queue, &c);
	return unused;
}

static void *doze_shielded(void *unused)
{
	RAMET_SHIELD(RAMET_NEVER) {
		ramet_sleep(3600 * RAMET_SEC);
	}
	return unused;
}

static void start_all(void)
{
	struct ramet_queue_opts opts = {.item_size = 1, .capacity = 5};
	struct ramet *shielded;

	connect_tcp();
	chan = ramet_chan_new(1, 3);
	queue = ramet_queue_new(&opts);
	start("holder", hold, NULL);
	start("locker", lock, NULL);
	start("a \"b\"", wait_event, NULL);
	start("receiver", receive, NULL);
	start("getter", get, NULL);
	start("joiner", wait_join, start("sleeper", wait_sleep, NULL));
	shielded = start("shielded", doze_shielded, NULL);
	start("reader", wait_read, NULL);
	start("helped", wait_offload, NULL);
	start("ended", end, NULL);
	ramet_sleep(20 * RAMET_MS);
	CHECK_EQ(ramet_cancel(shielded), 0);
	start("new", end, NULL);
}

static void dump_all_as_json(void)
{
	start_all();
	CHECK_EQ(ramet_dump_json(2), 0);
	_exit(0);
}

static void check_waits(void)
{
	CHECK(ramet_says("locker", "\"kind\": \"mutex\""));
	CHECK(ramet_says("locker", "\"owner\": 2"));
	CHECK(ramet_says("locker", "\"left_ns\": 3599"));
	CHECK(ramet_says("a \\\"b\\\"", "\"kind\": \"event\""));
	CHECK(ramet_says("receiver", "\"count\": 0, \"capacity\": 3"));
	CHECK(ramet_says("getter", "\"kind\": \"queue get\""));
	CHECK(ramet_says("getter", "\"count\": 0, \"capacity\": 5"));
	CHECK(ramet_says("joiner", "\"target\": 7"));
	CHECK(ramet_says("sleeper", "\"sleep_left_ns\": 3599"));
	CHECK(ramet_says("reader", "\"local\": \"127.0.0.1:"));
	CHECK(ramet_says("reader", "\"peer\": \"127.0.0.1:"));
	CHECK(ramet_says("helped", "\"function\": \"block\""));
}

TEST(json_says_what_each_waits_for)
{
	hear(dump_all_as_json);
	CHECK_EQ(*line(text), '\0');
	SAYS("{\"process\": ");
	SAYS("\"count\": 13, \"ramets\": [{\"id\": 1, \"name\": \"main\", "
	     "\"state\": \"running\"");
	check_waits();
	CHECK(ramet_says("sleeper", "\"spawned_at\": {\"function\": \"start"));
	CHECK(ramet_says("sleeper", "\"parent\": 1"));
	CHECK(ramet_says("sleeper", "\"age_ns\": "));
	CHECK(ramet_says("sleeper", "\"stack_used\": "));
	CHECK(ramet_says("sleeper", "\"cancelled\": false"));
	CHECK(ramet_says("shielded", "\"cancelled\": true, \"killed\": false, "
				     "\"shielded\": true"));
	CHECK(ramet_says("ended", "\"state\": \"ended\""));
	CHECK(ramet_says("new", "\"state\": \"new\""));
	SAYS("{\"function\": \"ramet_event_wait\", \"offset\": ");
}

static void dump_all_as_text(void)
{
	start_all();
	CHECK_EQ(ramet_dump(2), 0);
	_exit(0);
}

TEST(text_says_both_addresses_and_how_much_stack)
{
	hear(dump_all_as_text);
	SAYS("\"reader\" waiting to read from fd ");
	SAYS(" to 127.0.0.1:");
	SAYS(", stack ");
	SAYS(", cancelled, shielded");
}

enum { TURNS = 70 * 1000 }; /* more than its low half holds */

static void *take_turns(void *unused)
{
	for (int i = 0; i < TURNS; i++)
		CHECK_EQ(ramet_yield(), 0);
	return wait_sleep(unused);
}

static void dump_busy(void)
{
	start("busy", take_turns, NULL);
	start("other", take_turns, NULL);
	start("once", wait_sleep, NULL);
	for (int i = 0; i < TURNS + 2; i++) /* until they have come to rest */
		ramet_yield();
	CHECK_EQ(ramet_dump_json(2), 0);
	CHECK_EQ(ramet_dump(2), 0);
	_exit(0);
}

TEST(switches_are_counted_for_each)
{
	hear(dump_busy);
	CHECK(ramet_says("busy", "\"switches\": 70001, "));
	CHECK(ramet_says("other", "\"switches\": 70001, "));
	CHECK(ramet_says("once", "\"switches\": 1, "));
	SAYS("\"busy\" waiting for its sleep to end", ", 70001 switches\n");
	SAYS("\"once\" waiting for its sleep to end", ", 1 switch\n");
}

enum { MANY = 10 * 1000 };

static void dump_many(void)
{
	for (int i = 0; i < MANY; i++)
		start("many", wait_event, NULL);
	start("other", wait_sleep, NULL);
	ramet_yield();
	CHECK_EQ(ramet_dump_json(2), 0);
	_exit(0);
}

TEST(ten_thousand_share_one_backtrace)
{
	hear(dump_many);
	line(text);
	CHECK_EQ(count("\"name\": \"many\""), MANY);
	SAYS("{\"ramets\": 10000, \"frames\": ");
	CHECK_EQ(count("\"frames\": "), 3);
}

static void dump_badly(void)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	CHECK_ERR(ramet_dump_json(-1), EBADF);
	CHECK_ERR(ramet_dump_json(full), ENOSPC);
	_exit(0);
}

TEST(errors_of_writing_are_returned)
{
	if (access("/dev/full", W_OK) != 0)
		test_skip("no /dev/full");
	hear(dump_badly);
}

/* ---- SIGQUIT ------------------------------------------------------------ */

static void quit_as_json(void)
{
	setenv("RAMET_SIGQUIT", "json", 1);
	start("sleeper", wait_sleep, NULL);
	ramet_sleep(RAMET_MS);
	raise(SIGQUIT);
	ramet_sleep(20 * RAMET_MS);
	_exit(0);
}

TEST(sigquit_writes_json_on_request)
{
	hear(quit_as_json);
	CHECK_EQ(*line(text), '\0');
	SAYS("\"name\": \"sleeper\"");
}

/* ---- guests ------------------------------------------------------------- */

static void nothing(void *from, void *to)
{
	(void)from, (void)to;
}

static void sleeps(void)
{
}

static void wakes(int interrupted)
{
	(void)interrupted;
}

static int may_park(void)
{
	return 1;
}

static int is_stuck(void)
{
	return 0;
}

static int64_t on_deadlock(void)
{
	return RAMET_NEVER;
}

/* A guest is a number. */
static void describe(void *guest,
		     void (*put)(void *, const char *, const char *, int),
		     void *arg)
{
	put(arg, "innermost", "app.lang", *(int *)guest);
	put(arg, "built-in", NULL, 0);
	for (int i = 1; i <= 100; i++)
		put(arg, "deep", "deep.lang", i);
}

/* That of the first is not known. */
static void describe_spawn(void *guest,
			   void (*put)(void *, const char *, const char *, int),
			   void *arg)
{
	if (*(int *)guest != 11)
		put(arg, "spawner", "app.lang", *(int *)guest + 100);
}

static const struct ramet_host host = {nothing,  sleeps,        wakes,
				       may_park, is_stuck,      on_deadlock,
				       describe, describe_spawn};

static void *be_guest(void *unused)
{
	ramet_host_park("a test", RAMET_NEVER);
	return unused;
}

static void start_guests(void)
{
	static int numbers[] = {11, 12, 12};

	CHECK_EQ(ramet_host_open(&host, numbers), 0);
	for (size_t i = 0; i < countof(numbers); i++)
		CHECK_EQ(ramet_host_wake(ramet_host_spawn(be_guest, NULL,
							  numbers + i, 0)),
			 1);
	ramet_yield();
}

static void dump_guests(void)
{
	start_guests();
	CHECK_EQ(ramet_dump(2), 0);
	_exit(0);
}

TEST(the_frames_of_guests_come_first)
{
	hear(dump_guests);
	SAYS("    innermost (app.lang:11)\n    built-in\n"
	     "    deep (deep.lang:1)\n");
	SAYS("  2 ramets at\n    innermost (app.lang:12)\n");
	SAYS(", spawned by ramet 1 at start_guests+0x");
	SAYS(", spawned by ramet 1 at spawner (app.lang:112)");
	SAYS("    ... 54 frames left out\n    ramet_host_park+0x");
}

static void dump_guests_as_json(void)
{
	start_guests();
	CHECK_EQ(ramet_dump_json(2), 0);
	_exit(0);
}

TEST(json_has_the_frames_of_guests)
{
	hear(dump_guests_as_json);
	line(text);
	SAYS("{\"ramets\": 2, \"guest_frames\": [{\"function\": \"innermost\", "
	     "\"file\": \"app.lang\", \"line\": 12}, "
	     "{\"function\": \"built-in\"}, ");
	SAYS("\"spawned_at\": {\"function\": \"spawner\", "
	     "\"file\": \"app.lang\", \"line\": 112}");
}

/* ---- in bad places ------------------------------------------------------ */

static int no_malloc; /* atomic */

/* libc's own, under names that it has for this. */
void *__libc_malloc(size_t size);
void __libc_free(void *p);

#if !TEST_ASAN && !TEST_TSAN
void *malloc(size_t size)
{
	if (__atomic_load_n(&no_malloc, __ATOMIC_SEQ_CST))
		abort();
	return __libc_malloc(size);
}

void free(void *p)
{
	if (__atomic_load_n(&no_malloc, __ATOMIC_SEQ_CST))
		abort();
	__libc_free(p);
}
#endif

static void dump_without_malloc(void)
{
	start_all();
	__atomic_store_n(&no_malloc, 1, __ATOMIC_SEQ_CST);
	CHECK_EQ(ramet_dump(2), 0);
	CHECK_EQ(ramet_dump_json(2), 0);
	_exit(0);
}

/* Whoever uses it while its lock is held would wait for ever. */
TEST(malloc_is_not_used)
{
	if (TEST_ASAN || TEST_TSAN)
		test_skip("malloc is the sanitizer's");
	hear(dump_without_malloc);
	SAYS("\"sleeper\" waiting");
	SAYS("\"name\": \"sleeper\"");
}

static int pipes[2];

/* Once the dump is stuck in a full pipe. */
static void *quit_during_a_dump(void *thread)
{
	usleep(300 * 1000);
	for (int i = 0; i < 3; i++) {
		pthread_kill(*(pthread_t *)thread, SIGQUIT);
		usleep(50 * 1000);
	}
	return NULL;
}

static void dump_during_a_dump(void)
{
	static char much[1 << 16];
	pthread_t me = pthread_self(), other;

	CHECK_EQ(ramet_set_watchdog(50 * RAMET_MS), 0);
	CHECK_EQ(pipe2(pipes, O_NONBLOCK), 0);
	while (write(pipes[1], much, sizeof much) > 0)
		;
	start("sleeper", wait_sleep, NULL);
	ramet_sleep(RAMET_MS);
	other = start_thread(quit_during_a_dump, &me);
	CHECK_ERR(ramet_dump(pipes[1]), EAGAIN);
	ramet_sleep(100 * RAMET_MS);
	join_thread(other);
	_exit(0);
}

/* The one in between waits for its turn. */
TEST(a_dump_during_a_dump_comes_after_it)
{
	hear(dump_during_a_dump);
	SAYS("ramet: 2 ramets in process ");
	SAYS("\"sleeper\" waiting for its sleep");
}
