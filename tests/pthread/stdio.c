/* stdio.c - FILEs that threads share: POSIX.1-2017, XSH 2.5 and flockfile. */
#include "posix.h"

#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio_ext.h>
#include <sys/socket.h>
#include <wchar.h>

/* A socket as a FILE, and the other end of it. */
struct line {
	FILE *file;
	int fds[2];
	char got[64];
	volatile int begun, done;
	sem_t go;
};

static void open_line(struct line *l, const char *mode)
{
	memset(l, 0, sizeof *l);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, l->fds), 0);
	l->file = fdopen(l->fds[0], mode);
	CHECK(l->file);
	CHECK_EQ(sem_init(&l->go, 0, 0), 0);
}

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, arg), 0);
	return t;
}

static void join(pthread_t t)
{
	CHECK_EQ(pthread_join(t, NULL), 0);
}

/* Until a thread that has said so is waiting, in all likelihood. */
static void await(volatile int *flag)
{
	while (!*flag)
		sleep_ms(1);
	sleep_ms(20);
}

static void *get_line(void *arg)
{
	struct line *l = arg;

	l->begun = 1;
	if (fgets(l->got, sizeof l->got, l->file))
		l->done = 1;
	return NULL;
}

static void *put_line(void *arg)
{
	struct line *l = arg;

	l->begun = 1;
	CHECK_EQ(fprintf(l->file, "%s %d\n", "number", 7), 9);
	CHECK_EQ(fflush(l->file), 0);
	l->done = 1;
	return NULL;
}

TEST(fgets_on_a_socket_waits_while_others_run)
{
	struct line l;
	pthread_t t;

	open_line(&l, "r");
	t = start(get_line, &l);
	await(&l.begun);
	CHECK(!l.done);
	CHECK_EQ(write(l.fds[1], "hello\nworld\n", 12), 12);
	join(t);
	CHECK_EQ(strcmp(l.got, "hello\n"), 0);
	CHECK(fgets(l.got, sizeof l.got, l.file) != NULL);
	CHECK_EQ(strcmp(l.got, "world\n"), 0);
	CHECK_EQ(close(l.fds[1]), 0);
	CHECK_EQ(getc(l.file), EOF);
	CHECK(feof(l.file));
	CHECK_EQ(fclose(l.file), 0);
}

/* A byte at a time, so that every reader has to wait. */
static void *feed(void *arg)
{
	struct line *l = arg;

	for (const char *s = "abcxyz 1234,line\ndelim;"; *s; s++) {
		CHECK_EQ(write(l->fds[1], s, 1), 1);
		sleep_ms(1);
	}
	close(l->fds[1]);
	return NULL;
}

TEST(every_way_to_read_waits)
{
	struct line l;
	pthread_t t;
	int n = 0;
	char *s = NULL;
	size_t room = 0;

	open_line(&l, "r");
	t = start(feed, &l);
	CHECK_EQ(getc(l.file), 'a');
	CHECK_EQ(fgetc(l.file), 'b');
	CHECK_EQ(getc_unlocked(l.file), 'c');
	CHECK_EQ(ungetc('C', l.file), 'C');
	CHECK_EQ(getc(l.file), 'C');
	CHECK_EQ(fread(l.got, 1, 3, l.file), 3);
	CHECK_EQ(fscanf(l.file, " %d,", &n), 1);
	CHECK_EQ(n, 1234);
	CHECK_EQ(getline(&s, &room, l.file), 5);
	CHECK_EQ(strcmp(s, "line\n"), 0);
	CHECK_EQ(getdelim(&s, &room, ';', l.file), 6);
	CHECK_EQ(strcmp(s, "delim;"), 0);
	CHECK_EQ(getc(l.file), EOF);
	join(t);
	free(s);
	fclose(l.file);
}

TEST(a_writer_waits_for_a_reader_of_the_same_file)
{
	static struct line l, w;
	struct pollfd p = {.events = POLLIN};
	pthread_t reader, writer;

	open_line(&l, "r+");
	reader = start(get_line, &l);
	await(&l.begun);
	w = l;
	w.begun = 0;
	writer = start(put_line, &w);
	await(&w.begun);
	CHECK(!w.done); /* the reader has the lock */
	p.fd = l.fds[1];
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(write(l.fds[1], "x\n", 2), 2);
	join(reader);
	join(writer);
	CHECK(w.done);
	CHECK_EQ(read(l.fds[1], l.got, sizeof l.got), 9);
	fclose(l.file);
}

/* ---- flockfile ----------------------------------------------------------- */

static void *nest(void *arg)
{
	struct line *l = arg;

	flockfile(l->file);
	flockfile(l->file);
	CHECK_EQ(ftrylockfile(l->file), 0);
	CHECK(putc('a', l->file) == 'a');
	l->begun = 1;
	CHECK_EQ(sem_wait(&l->go), 0);
	for (int i = 0; i < 3; i++) {
		CHECK(!l->done);
		funlockfile(l->file);
		sleep_ms(1);
	}
	return NULL;
}

static void *print_a_letter(void *arg)
{
	struct line *l = arg;

	CHECK(putc('b', l->file) == 'b');
	l->done = 1;
	return NULL;
}

TEST(flockfile_nests_and_keeps_others_out)
{
	struct line l;
	pthread_t holder, other;

	open_line(&l, "w");
	holder = start(nest, &l);
	await(&l.begun);
	CHECK(ftrylockfile(l.file) != 0);
	other = start(print_a_letter, &l);
	sleep_ms(20);
	CHECK(!l.done);
	CHECK_EQ(sem_post(&l.go), 0);
	join(holder);
	join(other);
	CHECK_EQ(ftrylockfile(l.file), 0);
	funlockfile(l.file);
	CHECK_EQ(fflush(l.file), 0);
	CHECK_EQ(read(l.fds[1], l.got, sizeof l.got), 2);
	CHECK_EQ(memcmp(l.got, "ab", 2), 0);
	fclose(l.file);
}

enum { PARTS = 5 };

static void *put_in_parts(void *arg)
{
	FILE *f = arg;

	for (int i = 0; i < 20; i++) {
		flockfile(f);
		for (int k = 0; k < PARTS; k++) {
			fprintf(f, "%c", 'a' + k);
			if (i % 4 == 0)
				sleep_ms(1);
		}
		putc_unlocked('\n', f);
		funlockfile(f);
	}
	return NULL;
}

TEST(flockfile_keeps_parts_together)
{
	enum { N = 10 };
	pthread_t t[N];
	int fds[2], lines = 0;
	char got[64];
	FILE *in, *out;

	CHECK_EQ(pipe(fds), 0);
	in = fdopen(fds[0], "r");
	out = fdopen(fds[1], "w");
	for (int i = 0; i < N; i++)
		t[i] = start(put_in_parts, out);
	for (int i = 0; i < N; i++)
		join(t[i]);
	fclose(out);
	while (fgets(got, sizeof got, in)) {
		CHECK_EQ(strcmp(got, "abcde\n"), 0);
		lines++;
	}
	CHECK_EQ(lines, N * 20);
	fclose(in);
}

/* ---- many at one FILE ---------------------------------------------------- */

enum { WRITERS = 50, LINES = 200 };

static const char dots[] =
	"............................................................";

struct writer {
	FILE *file;
	int number;
};

static void *put_lines(void *arg)
{
	struct writer *w = arg;

	for (int i = 0; i < LINES; i++)
		CHECK(fprintf(w->file, "%d %d .%.*s\n", w->number, i, i % 60,
			      dots) > 0);
	return NULL;
}

/* Starts them all, and closes the FILE after the last. */
static void *all_writers(void *arg)
{
	struct writer w[WRITERS];
	pthread_t t[WRITERS];
	FILE *out = arg;

	for (int i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){out, i};
		t[i] = start(put_lines, &w[i]);
	}
	for (int i = 0; i < WRITERS; i++)
		join(t[i]);
	CHECK_EQ(fclose(out), 0);
	return NULL;
}

/* The pipe is full most of the time. */
static void many_writers(char *room, int mode, size_t size)
{
	int fds[2], number, line, lines = 0, next[WRITERS] = {0};
	char got[128], rest[128];
	pthread_t t;
	FILE *in, *out;

	CHECK_EQ(pipe(fds), 0);
	in = fdopen(fds[0], "r");
	out = fdopen(fds[1], "w");
	CHECK(fcntl(fds[1], F_SETPIPE_SZ, 4096) >= 4096);
	CHECK_EQ(setvbuf(out, room, mode, size), 0);
	t = start(all_writers, out);
	sleep_ms(20);
	for (; fgets(got, sizeof got, in); lines++) {
		CHECK_EQ(sscanf(got, "%d %d %s", &number, &line, rest), 3);
		CHECK(number >= 0 && number < WRITERS);
		CHECK_EQ(line, next[number]++);
		CHECK_EQ(strlen(rest), line % 60 + 1);
	}
	join(t);
	CHECK_EQ(lines, WRITERS * LINES);
	fclose(in);
}

TEST(lines_of_many_threads_are_whole)
{
	many_writers(NULL, _IOLBF, 0);
}

TEST(lines_of_many_threads_are_whole_unbuffered)
{
	many_writers(NULL, _IONBF, 0);
}

TEST(lines_of_many_threads_are_whole_in_a_small_buffer)
{
	char room[100];

	many_writers(room, _IOFBF, sizeof room);
}

/* ---- flushing ------------------------------------------------------------ */

static void *fill(void *arg)
{
	struct line *l = arg;

	l->begun = 1;
	for (int i = 0; i < 100; i++)
		CHECK(fputs(dots, l->file) >= 0);
	CHECK_EQ(fflush(l->file), 0);
	l->done = 1;
	return NULL;
}

static void *flush_everything(void *arg)
{
	struct line *l = arg;

	l->begun = 1;
	CHECK_EQ(fflush(NULL), 0);
	l->done = 1;
	return NULL;
}

static void small_pipe(struct line *l)
{
	memset(l, 0, sizeof *l);
	CHECK_EQ(pipe(l->fds), 0);
	CHECK(fcntl(l->fds[1], F_SETPIPE_SZ, 4096) >= 4096);
	CHECK_EQ(fcntl(l->fds[0], F_SETFL, O_NONBLOCK), 0);
	l->file = fdopen(l->fds[1], "w");
	CHECK(l->file);
}

static void drain(int fd, volatile int *until)
{
	char got[512];

	while (!*until)
		if (read(fd, got, sizeof got) <= 0)
			sleep_ms(1);
}

TEST(fflush_of_all_waits_for_a_file_in_use)
{
	static struct line l, other, flush;
	char got[8];
	pthread_t t, u;

	small_pipe(&l);
	small_pipe(&other);
	CHECK(fputs("other", other.file) >= 0);
	t = start(fill, &l);
	await(&l.begun);
	CHECK(!l.done);
	u = start(flush_everything, &flush);
	await(&flush.begun);
	CHECK(!flush.done);
	drain(l.fds[0], &l.done);
	join(t);
	join(u);
	CHECK_EQ(read(other.fds[0], got, sizeof got), 5);
	fclose(l.file);
	fclose(other.file);
}

TEST(opening_and_closing_go_on_while_all_are_flushed)
{
	static struct line l, flush;
	pthread_t t;

	small_pipe(&l);
	for (int i = 0; i < 4096; i++)
		CHECK_EQ(write(l.fds[1], "x", 1), 1);
	CHECK(fputs("more", l.file) >= 0);
	t = start(flush_everything, &flush);
	await(&flush.begun);
	CHECK(!flush.done);
	if (under_ramet()) { /* libc's own waits with its list locked */
		FILE *f = fopen("/dev/null", "w");

		CHECK(f);
		CHECK_EQ(fclose(f), 0);
	}
	drain(l.fds[0], &flush.done);
	join(t);
	fclose(l.file);
}

static void *close_file(void *arg)
{
	struct line *l = arg;

	l->begun = 1;
	CHECK_EQ(fclose(l->file), 0);
	l->done = 1;
	return NULL;
}

TEST(fclose_waits_till_all_is_written)
{
	static struct line l;
	char got[4096];
	pthread_t t;

	small_pipe(&l);
	for (int i = 0; i < 4096; i++)
		CHECK_EQ(write(l.fds[1], "x", 1), 1);
	CHECK(fputs("last", l.file) >= 0);
	t = start(close_file, &l);
	await(&l.begun);
	CHECK(!l.done);
	CHECK_EQ(read(l.fds[0], got, sizeof got), 4096);
	join(t);
	CHECK_EQ(read(l.fds[0], got, sizeof got), 4);
	CHECK_EQ(memcmp(got, "last", 4), 0);
	CHECK_EQ(read(l.fds[0], got, sizeof got), 0);
}

/* ---- a terminal's manners ------------------------------------------------ */

static void *hold_stdout(void *arg)
{
	struct line *l = arg;

	flockfile(stdout);
	l->begun = 1;
	CHECK_EQ(sem_wait(&l->go), 0);
	funlockfile(stdout);
	return NULL;
}

/* Reading from such a FILE flushes a line-buffered stdout. */
TEST(an_unbuffered_reader_waits_for_stdout)
{
	static struct line l;
	pthread_t t, u;

	open_line(&l, "r");
	CHECK_EQ(setvbuf(stdout, NULL, _IOLBF, 0), 0);
	CHECK_EQ(setvbuf(l.file, NULL, _IONBF, 0), 0);
	t = start(hold_stdout, &l);
	await(&l.begun);
	l.begun = 0;
	CHECK_EQ(write(l.fds[1], "x\n", 2), 2);
	u = start(get_line, &l);
	await(&l.begun);
	CHECK(!l.done);
	CHECK_EQ(sem_post(&l.go), 0);
	join(t);
	join(u);
	CHECK(l.done);
	fclose(l.file);
}

TEST(a_waiting_reader_does_not_keep_stdout)
{
	static struct line l;
	pthread_t t;

	open_line(&l, "r");
	CHECK_EQ(setvbuf(stdout, NULL, _IOLBF, 0), 0);
	CHECK_EQ(setvbuf(l.file, NULL, _IONBF, 0), 0);
	t = start(get_line, &l);
	await(&l.begun);
	CHECK(printf("# not kept\n") > 0);
	CHECK_EQ(write(l.fds[1], "x\n", 2), 2);
	join(t);
	CHECK_EQ(strcmp(l.got, "x\n"), 0);
	fclose(l.file);
}

TEST(reading_flushes_the_prompt)
{
	struct line in, out;
	char got[8];

	open_line(&in, "r");
	open_line(&out, "w");
	CHECK_EQ(write(in.fds[1], "x\n", 2), 2);
	CHECK_EQ(setvbuf(in.file, NULL, _IOLBF, 100), 0);
	fflush(stdout);
	stdout = out.file;
	CHECK_EQ(setvbuf(stdout, NULL, _IOLBF, 100), 0);
	CHECK(fputs("? ", stdout) >= 0);
	CHECK_EQ(recv(out.fds[1], got, sizeof got, MSG_DONTWAIT), -1);
	CHECK_EQ(getc(in.file), 'x');
	CHECK_EQ(recv(out.fds[1], got, sizeof got, MSG_DONTWAIT), 2);
	_exit(0);
}

/* ---- wide ---------------------------------------------------------------- */

static void *get_wide(void *arg)
{
	struct line *l = arg;
	wchar_t got[16];

	l->begun = 1;
	CHECK(fgetws(got, 16, l->file) != NULL);
	CHECK_EQ(wcscmp(got, L"na\u00efve\n"), 0);
	CHECK_EQ(ungetwc(L'\u00ef', l->file), L'\u00ef');
	CHECK_EQ(fgetwc(l->file), L'\u00ef');
	l->done = 1;
	return NULL;
}

TEST(wide_streams_wait_too)
{
	struct line l;
	wchar_t word[16];
	pthread_t t;
	int n;

	if (!setlocale(LC_ALL, "C.UTF-8"))
		skip("no locale C.UTF-8");
	open_line(&l, "r+");
	t = start(get_wide, &l);
	await(&l.begun);
	CHECK(!l.done);
	CHECK_EQ(write(l.fds[1], "na\xc3\xafve\n", 7), 7);
	join(t);
	CHECK_EQ(write(l.fds[1], "word 12 ", 8), 8);
	CHECK_EQ(fwscanf(l.file, L"%ls %d", word, &n), 2);
	CHECK_EQ(n, 12);
	fclose(l.file);
	open_line(&l, "w");
	CHECK_EQ(fwprintf(l.file, L"%ls", L"\u00e9"), 1);
	CHECK_EQ(fflush(l.file), 0);
	CHECK_EQ(read(l.fds[1], l.got, sizeof l.got), 2);
	fclose(l.file);
}

/* ---- ends ---------------------------------------------------------------- */

TEST(cancel_in_fgets_releases_the_file)
{
	struct line l;
	void *value;
	pthread_t t;

	open_line(&l, "r+");
	t = start(get_line, &l);
	await(&l.begun);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK_EQ(pthread_join(t, &value), 0);
	CHECK(value == PTHREAD_CANCELED);
	CHECK_EQ(ftrylockfile(l.file), 0);
	funlockfile(l.file);
	CHECK_EQ(write(l.fds[1], "x\n", 2), 2);
	CHECK(fgets(l.got, sizeof l.got, l.file) != NULL);
	fclose(l.file);
}

static volatile sig_atomic_t handled;

static void handle(int sig)
{
	(void)sig;
	handled = 1;
}

static void *signal_main(void *arg)
{
	pthread_t *reader = arg;

	sleep_ms(30);
	CHECK_EQ(pthread_kill(*reader, SIGUSR1), 0);
	return NULL;
}

TEST(a_signal_ends_a_read_with_eintr)
{
	struct sigaction act = {.sa_handler = handle};
	pthread_t self = pthread_self(), t;
	struct line l;

	open_line(&l, "r");
	CHECK_EQ(sigaction(SIGUSR1, &act, NULL), 0);
	t = start(signal_main, &self);
	errno = 0;
	CHECK(fgets(l.got, sizeof l.got, l.file) == NULL);
	CHECK_EQ(errno, EINTR);
	CHECK(handled);
	join(t);
	CHECK(ferror(l.file));
	CHECK(!feof(l.file));
	clearerr(l.file);
	CHECK_EQ(write(l.fds[1], "x\n", 2), 2);
	CHECK(fgets(l.got, sizeof l.got, l.file) != NULL);
	fclose(l.file);
}

static struct line restarted;

static void answer(int sig)
{
	(void)sig;
	handled = 1;
	if (write(restarted.fds[1], "x\n", 2) != 2)
		_exit(POSIX_FAILED);
}

TEST(a_read_is_restarted_after_a_handler_that_asks_for_it)
{
	struct sigaction act = {.sa_handler = answer, .sa_flags = SA_RESTART};
	pthread_t self = pthread_self(), t;

	open_line(&restarted, "r");
	CHECK_EQ(sigaction(SIGUSR1, &act, NULL), 0);
	t = start(signal_main, &self);
	CHECK(fgets(restarted.got, sizeof restarted.got, restarted.file));
	CHECK(handled);
	join(t);
	fclose(restarted.file);
}

static void exit_beside_a_reader(void)
{
	static struct line l;
	int fds[2];

	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(dup2(fds[0], 0), 0);
	l.file = stdin;
	start(get_line, &l);
	await(&l.begun);
	exit(7);
}

TEST(exit_does_not_wait_for_a_reader)
{
	int status = status_of(exit_beside_a_reader);

	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 7);
}

TEST(buffered_data_is_written_by_parent_and_child)
{
	struct line l;
	pthread_t t;
	pid_t child;

	open_line(&l, "r");
	t = start(get_line, &l); /* holds its FILE all the time */
	await(&l.begun);
	close(l.fds[1]);
	join(t);
	fclose(l.file);

	open_line(&l, "w");
	CHECK(fputs("twice", l.file) >= 0);
	child = fork();
	if (child == 0)
		exit(fclose(l.file));
	CHECK_EQ(posix_wait(child), 0);
	CHECK_EQ(fclose(l.file), 0);
	CHECK_EQ(recv(l.fds[1], l.got, sizeof l.got, MSG_WAITALL), 10);
	CHECK_EQ(memcmp(l.got, "twicetwice", 10), 0);
}

static void use_the_file_of_a_reader(void)
{
	static struct line l;
	pid_t child;

	open_line(&l, "r+");
	start(get_line, &l);
	await(&l.begun);
	child = fork();
	if (child == 0) {
		CHECK_EQ(ftrylockfile(l.file), 0);
		funlockfile(l.file);
		CHECK(fputs("child", l.file) >= 0);
		_exit(0);
	}
	_exit(posix_wait(child) == 0 ? 0 : POSIX_FAILED);
}

TEST(the_child_of_a_fork_finds_files_free)
{
	CHECK_EQ(status_of(use_the_file_of_a_reader), 0);
}

static void *print_on_stderr(void *arg)
{
	struct line *l = arg;

	l->begun = 1;
	errno = ENOENT;
	perror("what");
	l->done = 1;
	return NULL;
}

TEST(messages_of_libc_wait_for_stderr)
{
	static struct line l;
	pthread_t t;

	open_line(&l, "r");
	CHECK_EQ(dup2(l.fds[0], 2), 2);
	CHECK(fwide(stderr, -1) < 0); /* else perror opens another FILE */
	flockfile(stderr);
	t = start(print_on_stderr, &l);
	await(&l.begun);
	CHECK(!l.done);
	funlockfile(stderr);
	join(t);
	CHECK(l.done);
	CHECK_EQ(dprintf(l.fds[0], "%d", 1), 1);
	CHECK(read(l.fds[1], l.got, sizeof l.got) > 7);
	CHECK_EQ(memcmp(l.got, "what: N", 7), 0);
	fclose(l.file);
}

static void *write_much(void *arg)
{
	struct line *l = arg;

	l->begun = 1;
	CHECK_EQ(dprintf(l->fds[1], "%8192d", 1), 8192);
	l->done = 1;
	return NULL;
}

TEST(dprintf_waits)
{
	static struct line l;
	pthread_t t;

	small_pipe(&l);
	t = start(write_much, &l);
	await(&l.begun);
	CHECK(!l.done);
	drain(l.fds[0], &l.done);
	join(t);
	fclose(l.file);
}

/* Of lib/early.c. */
extern char early_line[];

TEST(constructors_of_other_libraries_use_files_before_us)
{
	CHECK_EQ(strncmp(early_line, "Name:", 5), 0);
}
