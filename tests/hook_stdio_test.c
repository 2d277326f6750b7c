/* FILEs: their reads and writes park, and so does who waits for one. */
#include "lib/pair.h"

#include "kernel/libc.h"
#include "patch/hook.h"
#include "patch/stdio/lock.h"
#include "patch/stdio/stdio.h"

#include <pthread.h>
#include <stdio_ext.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* The patch as `ramet run` begins it, but for threads. */
static void begin(void)
{
	patch_libc_find();
	ramet__loop()->hooks = RAMET_PATCH_ALL & ~RAMET_THREAD;
	CHECK_EQ(ramet__stdio_on(), 0);
}

/* A socket as a FILE, and the other end of it. */
struct line {
	FILE *file;
	int fds[2];
	char got[64];
	bool done, released;
};

static struct line line_new(const char *mode)
{
	struct line l = {0};

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, l.fds), 0);
	l.file = fdopen(l.fds[0], mode);
	CHECK(l.file);
	return l;
}

static void line_free(struct line *l)
{
	CHECK_EQ(HOOK(fclose)(l->file), 0);
	close(l->fds[1]);
}

static void *get_line(void *arg)
{
	struct line *l = arg;

	l->done = HOOK(fgets)(l->got, sizeof l->got, l->file) != NULL;
	return NULL;
}

static void *put_line(void *arg)
{
	struct line *l = arg;

	CHECK_EQ(HOOK(fprintf)(l->file, "%s %d\n", "number", 7), 9);
	CHECK_EQ(HOOK(fflush)(l->file), 0);
	l->done = true;
	return NULL;
}

TEST(fgets_waits_while_others_run)
{
	struct line l = line_new("r");
	struct ramet *reader;

	begin();
	reader = spawn(get_line, &l);
	settle();
	CHECK(!l.done);
	CHECK_EQ(write(l.fds[1], "one\ntwo\n", 8), 8);
	join(reader);
	CHECK_EQ(strcmp(l.got, "one\n"), 0);
	get_line(&l); /* from the buffer */
	CHECK_EQ(strcmp(l.got, "two\n"), 0);
	line_free(&l);
}

TEST(a_full_pipe_parks_who_writes)
{
	struct line l = line_new("w");
	char room[4096];
	struct ramet *writer;
	ssize_t n;

	begin();
	setvbuf(l.file, NULL, _IOLBF, 0);
	while (send(l.fds[0], room, sizeof room, MSG_DONTWAIT) > 0)
		;
	writer = spawn(put_line, &l);
	settle();
	CHECK(!l.done);
	do
		n = recv(l.fds[1], room, sizeof room, MSG_DONTWAIT);
	while (n > 0);
	join(writer);
	CHECK_EQ(recv(l.fds[1], room, sizeof room, MSG_DONTWAIT), 9);
	line_free(&l);
}

TEST(who_waits_for_the_file_waits_as_a_ramet_and_gets_it)
{
	struct line l = line_new("r+"), w;
	struct ramet *reader, *writer;

	begin();
	reader = spawn(get_line, &l);
	settle();
	w = l;
	writer = spawn(put_line, &w);
	settle();
	CHECK(!l.done && !w.done);
	CHECK_EQ(write(l.fds[1], "x\n", 2), 2);
	join(reader);
	join(writer);
	CHECK(l.done && w.done);
	CHECK_EQ(read(l.fds[1], l.got, sizeof l.got), 9);
	line_free(&l);
}

/* ---- the lock ------------------------------------------------------------ */

static void *lock_and_wait(void *arg)
{
	struct line *l = arg;

	HOOK(flockfile)(l->file);
	HOOK(flockfile)(l->file);
	CHECK_EQ(HOOK(ftrylockfile)(l->file), 0);
	l->done = true;
	CHECK_EQ(ramet_sleep(20 * RAMET_MS), 0);
	for (int i = 0; i < 3; i++) {
		CHECK(l->done);
		HOOK(funlockfile)(l->file);
	}
	l->done = false;
	return NULL;
}

TEST(flockfile_nests_and_keeps_others_out)
{
	struct line l = line_new("r+");
	struct ramet *holder;

	begin();
	holder = spawn(lock_and_wait, &l);
	settle();
	CHECK(l.done);
	CHECK(HOOK(ftrylockfile)(l.file) != 0);
	CHECK_EQ(HOOK(fputs)("x\n", l.file) >= 0, 1);
	CHECK(!l.done); /* it had to wait for the last unlock */
	CHECK_EQ(HOOK(ftrylockfile)(l.file), 0);
	HOOK(funlockfile)(l.file);
	join(holder);
	line_free(&l);
}

struct turn {
	FILE *file;
	int *turn, mine;
};

static void *take_a_turn(void *arg)
{
	struct turn *t = arg;

	HOOK(flockfile)(t->file);
	CHECK_EQ((*t->turn)++, t->mine);
	ramet_yield();
	HOOK(funlockfile)(t->file);
	return NULL;
}

TEST(the_lock_goes_to_who_came_first)
{
	enum { N = 10 };
	struct line l = line_new("r+");
	struct ramet *r[N];
	struct turn t[N];
	int turn = 0;

	begin();
	HOOK(flockfile)(l.file);
	for (int i = 0; i < N; i++) {
		t[i] = (struct turn){l.file, &turn, i};
		r[i] = spawn(take_a_turn, &t[i]);
	}
	let_run();
	CHECK_EQ(turn, 0);
	HOOK(funlockfile)(l.file);
	/* It is theirs now, though none of them has run. */
	CHECK(HOOK(ftrylockfile)(l.file) != 0);
	for (int i = 0; i < N; i++)
		join(r[i]);
	CHECK_EQ(turn, N);
	line_free(&l);
}

static void *hold(void *arg)
{
	struct line *l = arg;

	HOOK(flockfile)(l->file);
	l->done = true;
	while (!l->released)
		ramet_yield();
	HOOK(funlockfile)(l->file);
	return NULL;
}

TEST(functions_that_do_not_lock_do_not_wait)
{
	struct line l = line_new("r+");
	struct ramet *holder;

	begin();
	CHECK_EQ(write(l.fds[1], "abc", 3), 3);
	holder = spawn(hold, &l);
	let_run();
	CHECK(l.done);
	CHECK_EQ(HOOK(getc_unlocked)(l.file), 'a');
	l.released = true;
	join(holder);
	line_free(&l);
}

static void *wake(void *arg)
{
	struct line *l = arg;

	CHECK_EQ(write(l->fds[1], "wake", 4), 4);
	return NULL;
}

TEST(functions_that_do_not_lock_park_too)
{
	struct line l = line_new("r");
	struct ramet *waker;

	begin();
	waker = spawn(wake, &l);
	CHECK_EQ(HOOK(getc_unlocked)(l.file), 'w');
	CHECK_EQ(HOOK(__uflow)(l.file), 'a');
	join(waker);
	line_free(&l);
}

TEST(a_file_locked_by_its_user_is_not_locked_by_us)
{
	struct line l = line_new("r+");
	struct ramet *holder;

	begin();
	__fsetlocking(l.file, FSETLOCKING_BYCALLER);
	holder = spawn(lock_and_wait, &l);
	settle();
	CHECK(HOOK(fputs)("x\n", l.file) >= 0);
	CHECK(l.done);
	join(holder);
	line_free(&l);
}

TEST(closing_gives_the_lock_to_the_next_file)
{
	begin();
	for (int i = 0; i < 10000; i++) {
		FILE *f = fopen("/dev/null", "w");

		CHECK(f);
		HOOK(flockfile)(f);
		CHECK(HOOK(fputs)("x", f) >= 0);
		CHECK_EQ(HOOK(fclose)(f), 0);
		CHECK(!file_lock_of(f));
	}
}

/* ---- OS threads ---------------------------------------------------------- */

static void *many_lines(void *arg)
{
	FILE *f = arg;

	for (int i = 0; i < 200; i++)
		CHECK_EQ(HOOK(fprintf)(f, "%s %s\n", "0123456789",
				       "abcdefghij"),
			 22);
	return NULL;
}

static int count_lines(struct line *l, int most)
{
	int n = 0;

	while (n < most && HOOK(fgets)(l->got, sizeof l->got, l->file)) {
		CHECK_EQ(strcmp(l->got, "0123456789 abcdefghij\n"), 0);
		n++;
	}
	return n;
}

TEST(os_threads_and_ramets_share_a_file)
{
	enum { N = 4 };
	struct line l = line_new("r");
	FILE *out;
	pthread_t os[N];
	struct ramet *r[N];
	char room[100];
	int lines;

	begin();
	out = fdopen(l.fds[1], "w");
	setvbuf(out, room, _IOFBF, sizeof room);
	for (int i = 0; i < N; i++) {
		CHECK_EQ(pthread_create(&os[i], NULL, many_lines, out), 0);
		r[i] = spawn(many_lines, out);
	}
	/* The last are in its buffer. */
	lines = count_lines(&l, 2 * N * 200 - 8);
	CHECK_EQ(lines, 2 * N * 200 - 8);
	for (int i = 0; i < N; i++) /* these first: it needs the loop */
		join(r[i]);
	for (int i = 0; i < N; i++)
		CHECK_EQ(pthread_join(os[i], NULL), 0);
	CHECK_EQ(HOOK(fclose)(out), 0);
	CHECK_EQ(lines + count_lines(&l, INT_MAX), 2 * N * 200);
	CHECK_EQ(HOOK(fclose)(l.file), 0);
}

/* ---- ends ---------------------------------------------------------------- */

TEST(a_deadline_ends_the_read_and_frees_the_file)
{
	struct line l = line_new("r+");

	begin();
	RAMET_WITHIN(10 * RAMET_MS) {
		errno = 0;
		CHECK(!HOOK(fgets)(l.got, sizeof l.got, l.file));
		CHECK_EQ(errno, ETIMEDOUT);
		CHECK(HOOK(ferror)(l.file));
	}
	HOOK(clearerr)(l.file);
	CHECK_EQ(HOOK(ftrylockfile)(l.file), 0);
	HOOK(funlockfile)(l.file);
	line_free(&l);
}

TEST(a_killed_reader_frees_the_file)
{
	struct line l = line_new("r+");
	struct ramet *reader;

	begin();
	reader = spawn(get_line, &l);
	settle();
	CHECK(HOOK(ftrylockfile)(l.file) != 0);
	CHECK_EQ(ramet_kill(reader), 0);
	ramet_join(reader, NULL);
	CHECK(!l.done);
	CHECK_EQ(HOOK(ftrylockfile)(l.file), 0);
	HOOK(funlockfile)(l.file);
	line_free(&l);
}

TEST(the_child_of_a_fork_finds_the_files_of_others_free)
{
	struct line l = line_new("r+");
	struct ramet *reader;
	int status;
	pid_t child;

	begin();
	reader = spawn(get_line, &l);
	settle();
	HOOK(flockfile)(stderr); /* ours: remains so */
	child = fork();
	if (!child) {
		CHECK(file_is_held(stderr));
		CHECK(HOOK(fputs)("child\n", l.file) >= 0);
		CHECK_EQ(HOOK(fflush)(l.file), 0);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	HOOK(funlockfile)(stderr);
	CHECK_EQ(read(l.fds[1], l.got, sizeof l.got), 6);
	CHECK_EQ(write(l.fds[1], "x\n", 2), 2);
	join(reader);
	line_free(&l);
}

TEST(libc_is_as_before_when_it_is_off)
{
	void **jumps = kernel_libc_symbol("_IO_file_jumps");
	void *before[21];
	struct line l;

	memcpy(before, jumps, sizeof before);
	begin();
	CHECK(memcmp(before, jumps, sizeof before) != 0);
	ramet__stdio_off();
	CHECK_EQ(memcmp(before, jumps, sizeof before), 0);
	CHECK_EQ(ramet__stdio_on(), 0);
	CHECK_EQ(ramet__stdio_on(), 0);
	l = line_new("r");
	CHECK_EQ(write(l.fds[1], "x\n", 2), 2);
	get_line(&l);
	ramet__stdio_off();
	ramet__stdio_off();
	CHECK_EQ(write(l.fds[1], "x\n", 2), 2);
	get_line(&l);
	CHECK(l.done);
	line_free(&l);
}

TEST(turned_off_under_a_reader_it_lets_go)
{
	struct line l = line_new("r+");
	struct ramet *reader;

	begin();
	reader = spawn(get_line, &l);
	settle();
	ramet__stdio_off();
	CHECK_EQ(write(l.fds[1], "x\n", 2), 2);
	join(reader);
	CHECK(l.done);
	begin();
	CHECK_EQ(HOOK(ftrylockfile)(l.file), 0);
	HOOK(funlockfile)(l.file);
	line_free(&l);
}
