/* What loops do is recorded, and what was recorded is told as it was. */
#include "ramets.h"
#include "thread.h"

#include "core/record.h"
#include "debug/chrome.h"
#include "ramet/debug.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[512], text[1 << 22];

static const char *file(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", test_dir(), name);
	return path;
}

static const char *read_file(const char *name)
{
	FILE *f = fopen(file(name), "r");
	size_t n;

	CHECK(f);
	n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

static size_t count(const char *word)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, word)); at++)
		n++;
	return n;
}

static void *nothing(void *arg)
{
	return arg;
}

static void *give_way(void *rounds)
{
	for (intptr_t i = 0; i < (intptr_t)rounds; i++)
		ramet_yield();
	return NULL;
}

/* ---- what a ring has ---------------------------------------------------- */

static const struct record_event *find(const struct record *r,
				       enum record_kind kind, uint64_t ramet)
{
	for (uint64_t i = 0; i < r->written; i++)
		if (record_kind(&r->events[i]) == kind &&
		    record_ramet(&r->events[i]) == ramet)
			return &r->events[i];
	return NULL;
}

TEST(a_ramets_life_is_recorded_in_its_order)
{
	struct loop *l = ramet__loop();
	const struct record_event *spawn_, *run, *end, *wake;
	struct ramet *t;
	uint64_t id;

	CHECK(l && !l->record);
	CHECK_EQ(ramet_trace_start(file("t")), 0);
	CHECK(l->record);
	t = spawn(nothing, NULL);
	id = ramet_id(t);
	join(t);
	spawn_ = find(l->record, RECORD_SPAWN, id);
	run = find(l->record, RECORD_SWITCH, id);
	end = find(l->record, RECORD_END, id);
	CHECK(spawn_ && run && end && spawn_ < run && run < end);
	CHECK(end->argument == (uintptr_t)nothing);
	CHECK(find(l->record, RECORD_PARK, 1));
	CHECK_EQ(record_detail(find(l->record, RECORD_PARK, 1)), WAIT_JOIN);
	wake = find(l->record, RECORD_WAKE, 1);
	CHECK(wake && wake > run && wake < end);
	CHECK_EQ(wake->argument, id);
	CHECK_EQ(ramet_trace_stop(), 0);
	CHECK(!l->record);
}

TEST(a_timer_wakes_in_the_loops_name)
{
	struct loop *l = ramet__loop();
	const struct record_event *wake;

	CHECK_EQ(ramet_trace_start(file("t")), 0);
	CHECK_EQ(ramet_sleep(200 * RAMET_MS), 0); /* slow machines, too */
	wake = find(l->record, RECORD_WAKE, 1);
	CHECK(wake);
	CHECK_EQ(wake->argument, 0);
	CHECK(find(l->record, RECORD_TIMER, 1));
	CHECK(find(l->record, RECORD_WAIT, 0));
	CHECK(find(l->record, RECORD_WAITED, 0));
	CHECK(find(l->record, RECORD_TURN, 0));
	CHECK_EQ(ramet_trace_stop(), 0);
}

TEST(offloaded_work_and_descriptors_are_recorded)
{
	struct loop *l = ramet__loop();
	int fds[2];
	char byte;

	CHECK_EQ(ramet_pipe(fds, 0), 0);
	CHECK_EQ(ramet_trace_start(file("t")), 0);
	CHECK_EQ(ramet_offload(nothing, NULL, NULL), 0);
	CHECK(find(l->record, RECORD_SEND, 1));
	CHECK(find(l->record, RECORD_BACK, 1));
	RAMET_WITHIN(RAMET_MS)
		CHECK_ERR(ramet_read(fds[0], &byte, 1), ETIMEDOUT);
	CHECK(find(l->record, RECORD_WATCH, 1));
	CHECK_EQ(find(l->record, RECORD_WATCH, 1)->argument, fds[0]);
	CHECK_EQ(ramet_write(fds[1], "x", 1), 1);
	CHECK_EQ(ramet_read(fds[0], &byte, 1), 1);
	CHECK_EQ(ramet_trace_stop(), 0);
	ramet_close(fds[0]);
	ramet_close(fds[1]);
}

TEST(the_oldest_events_are_written_over)
{
	struct loop *l;

	setenv("RAMET_TRACE_EVENTS", "1500", 1);
	CHECK_EQ(ramet_trace_start(file("t")), 0);
	l = ramet__loop();
	CHECK_EQ(l->record->mask, 2047);
	join(spawn(give_way, (void *)5000));
	CHECK(l->record->written > 5000);
	CHECK_EQ(ramet_trace_stop(), 0);
	read_file("t");
	CHECK(count("\"ph\":\"B\"") > 1000);
	CHECK_EQ(count("\"ph\":\"B\""), count("\"ph\":\"E\""));
	CHECK(count("\"ph\":\"B\"") < 2048);
	CHECK(count("\"name\":\"give_way\"") > 1000);
}

TEST(a_second_recording_begins_anew)
{
	CHECK_EQ(ramet_trace_start(file("t")), 0);
	join(spawn(give_way, (void *)10));
	CHECK_EQ(ramet_trace_stop(), 0);
	CHECK_EQ(ramet_trace_start(file("u")), 0);
	CHECK_EQ(ramet_trace_stop(), 0);
	read_file("t");
	CHECK(count("give_way") > 0);
	read_file("u");
	CHECK_EQ(count("give_way"), 0);
	CHECK(strcmp(text + strlen(text) - 4, "\n]}\n") == 0);
}

/* ---- what cannot be ----------------------------------------------------- */

TEST(what_cannot_be_recorded_is_an_error)
{
	CHECK_ERR(ramet_trace_start(NULL), EINVAL);
	CHECK_ERR(ramet_trace_start(""), ENOENT);
	CHECK_ERR(ramet_trace_start("/nowhere/t"), ENOENT);
	CHECK_ERR(ramet_trace_stop(), EINVAL);
	memset(text, 'a', 2000);
	text[2000] = '\0';
	CHECK_ERR(ramet_trace_start(text), ENAMETOOLONG);
	CHECK_EQ(ramet_trace_start(file("t")), 0);
	CHECK_ERR(ramet_trace_start(file("u")), EBUSY);
	CHECK_EQ(ramet_trace_stop(), 0);
	CHECK_ERR(ramet_trace_stop(), EINVAL);
}

TEST(a_path_may_have_the_number_of_the_process)
{
	char name[64];

	CHECK_EQ(ramet_trace_start(file("t-%p")), 0);
	CHECK_EQ(ramet_trace_stop(), 0);
	snprintf(name, sizeof name, "t-%d", (int)getpid());
	read_file(name);
	CHECK_EQ(count("process_name"), 1);
}

TEST(a_relative_path_is_that_of_the_start)
{
	CHECK_EQ(chdir(test_dir()), 0);
	CHECK_EQ(ramet_trace_start("t"), 0);
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(ramet_trace_stop(), 0);
	read_file("t");
	CHECK_EQ(count("process_name"), 1);
}

TEST(the_child_of_a_fork_records_nothing)
{
	int status;
	pid_t pid;

	CHECK_EQ(ramet_trace_start(file("t")), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		join(spawn(nothing, NULL));
		_exit(ramet__loop()->record != NULL ||
		      ramet_trace_stop() == 0 || errno != EINVAL ||
		      ramet_trace_start(file("u")) < 0 ||
		      ramet_trace_stop() < 0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(ramet_trace_stop(), 0);
	read_file("t");
	CHECK_EQ(count("process_name"), 1);
}

/* ---- other loops -------------------------------------------------------- */

static void *other_loop(void *arg)
{
	struct ramet *t =
		ramet_spawn_opts(give_way, (void *)10,
				 &(struct ramet_opts){.name = "elsewhere"});

	CHECK(t);
	join(t);
	return arg;
}

TEST(loops_that_have_ended_are_told_of)
{
	CHECK_EQ(ramet_trace_start(file("t")), 0);
	run_thread(other_loop, NULL);
	run_thread(other_loop, NULL);
	CHECK_EQ(ramet_trace_stop(), 0);
	read_file("t");
	CHECK_EQ(count("thread_name"), 3);
	CHECK(count("\"name\":\"elsewhere\"") >= 2 * 10);
	CHECK_EQ(count("\"ph\":\"B\""), count("\"ph\":\"E\""));
}

static int ready, stopped; /* atomic */

static void *busy_loop(void *arg)
{
	struct ramet *t = spawn(give_way, (void *)1000000000);

	__atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&stopped, __ATOMIC_SEQ_CST))
		ramet_yield();
	ramet_kill(t);
	CHECK_ERR(ramet_join(t, NULL), ECHILD);
	return arg;
}

TEST(a_loop_that_goes_on_is_told_of)
{
	pthread_t thread;
	int rounds = test_rounds(20);

	if (TEST_TSAN)
		test_skip("TSan calls it a race to read what is being written");
	setenv("RAMET_TRACE_EVENTS", "1024", 1);
	thread = start_thread(busy_loop, NULL);
	while (!__atomic_load_n(&ready, __ATOMIC_SEQ_CST))
		usleep(1000);
	for (int i = 0; i < rounds; i++) {
		CHECK_EQ(ramet_trace_start(file("t")), 0);
		usleep(2000);
		CHECK_EQ(ramet_trace_stop(), 0);
		read_file("t");
		CHECK_EQ(count("\"ph\":\"B\""), count("\"ph\":\"E\""));
	}
	__atomic_store_n(&stopped, 1, __ATOMIC_SEQ_CST);
	join_thread(thread);
}

/* ---- telling ------------------------------------------------------------ */

static struct record_event story[1024];
static size_t told;

static void tell(uint64_t clock, enum record_kind kind, unsigned detail,
		 uint64_t ramet, uint64_t argument)
{
	story[told++] = (struct record_event){clock, argument,
					      record_what(kind, detail, ramet)};
}

static char seen[1024];

static void note(const char *what, const struct who *w, int64_t now)
{
	size_t n = strlen(seen);

	snprintf(seen + n, sizeof seen - n, "%s%s %d at %ld", n ? ", " : "",
		 what, (int)w->id, (long)now);
}

static void on_run(void *arg, struct track *track, struct who *w, int64_t now)
{
	(void)arg;
	(void)track;
	note("run", w, now);
}

static void on_stop(void *arg, struct track *track, struct who *w, int64_t now,
		    enum stop why)
{
	static const char *const words[] = {"park", "yield", "end", "lost"};

	(void)arg;
	(void)track;
	note(words[why], w, now);
}

static const struct view view = {.run = on_run, .stop = on_stop};

static void expect(struct track *track, const char *what)
{
	seen[0] = '\0';
	ramet__track_walk(track, &view, NULL);
	if (strcmp(seen, what) != 0)
		fprintf(stderr, "%s\n", seen);
	CHECK(strcmp(seen, what) == 0);
}

TEST(runs_end_where_others_begin_and_at_gaps)
{
	struct track track = {.events = story, .tick = 1};

	tell(1, RECORD_PARK, WAIT_SLEEP, 7, 0); /* it ran before all */
	tell(2, RECORD_SWITCH, 0, 1, 0);
	tell(3, RECORD_SPAWN, 0, 2, 100);
	tell(4, RECORD_SWITCH, 0, 2, 0); /* 1 yields */
	tell(5, RECORD_PARK, WAIT_READ, 2, 3);
	tell(6, RECORD_SWITCH, 0, 1, 0);
	tell(6, RECORD_GAP, 0, 0, 50);
	tell(9, RECORD_WAKE, 0, 2, 0);
	tell(10, RECORD_SWITCH, 0, 2, 0);
	tell(11, RECORD_END, 0, 2, 200);
	tell(10, RECORD_SWITCH, 0, 1, 0); /* a clock that went back */
	track.count = told;
	CHECK_EQ(ramet__track_open(&track), 0);
	CHECK_EQ(ramet__track_who(&track, 2)->fn, 200);
	CHECK_EQ(ramet__track_who(&track, 2)->site, 100);
	for (int i = 0; i < 2; i++)
		expect(&track,
		       "run 1 at 2, yield 1 at 4, run 2 at 4, park 2 at 5, "
		       "run 1 at 6, lost 1 at 6, run 2 at 10, end 2 at 11, "
		       "run 1 at 11, lost 1 at 11");
	ramet__track_close(&track);
}

/* Of a ring that something has written over. */
TEST(events_that_make_no_sense_are_left_out)
{
	struct track track = {.events = story, .tick = 1};
	char name[WHO_NAME];

	told = 0;
	for (int kind = 0; kind < 256; kind++)
		tell(1, (enum record_kind)kind, 255, 0, UINT64_MAX);
	tell(2, RECORD_SWITCH, 0, 1, 0);
	for (unsigned at = 0; at < 256; at++)
		tell(3, RECORD_NAME, at, 1, 0x6161616161616161);
	tell(UINT64_MAX / 2, RECORD_PARK, 255, 1, 0);
	track.count = told;
	CHECK_EQ(ramet__track_open(&track), 0);
	memcpy(name, ramet__track_who(&track, 1)->name, sizeof name);
	CHECK_EQ(strnlen(name, sizeof name), WHO_NAME - 1);
	expect(&track, "run 1 at 2, park 1 at 10000000000000000");
	ramet__track_close(&track);
}

TEST(many_ramets_are_told_apart)
{
	struct track track = {.tick = 1};
	enum { MANY = 300 };

	CHECK_EQ(ramet__track_open(&track), 0);
	for (uint64_t id = 1; id <= MANY; id++) {
		struct who *w = ramet__track_who(&track, id << 20);

		CHECK(w);
		w->fn = id;
	}
	for (uint64_t id = 1; id <= MANY; id++)
		CHECK_EQ(ramet__track_who(&track, id << 20)->fn, id);
	CHECK_EQ(track.who_count, MANY);
	ramet__track_close(&track);
}

TEST(names_are_written_so_that_json_holds)
{
	static const char *const names[][2] = {
		{"a\"b\\c", "\"a\\\"b\\\\c\""},
		{"new\nline\x7f", "\"new?line?\""},
		{"m\xc3\xbcller", "\"m\xc3\xbcller\""},
		{"\xff\xc3(\xe2\x82", "\"?\?(?\?\""},
		{"0123456789012345678901234567890", "\"01234567890123456789012"
						    "34567890\""},
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		CHECK_EQ(ramet_trace_start(file("t")), 0);
		join(made(ramet_spawn_opts(nothing, NULL,
					   &(struct ramet_opts){
						   .name = names[i][0]})));
		CHECK_EQ(ramet_trace_stop(), 0);
		read_file("t");
		if (!strstr(text, names[i][1]))
			fprintf(stderr, "case %zu: %s\n", i, text);
		CHECK(strstr(text, names[i][1]));
	}
}
