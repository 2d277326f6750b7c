/* The console: what is typed at a UNIX socket, and who may. */
#include "ramet.h"
#include "test.h"
#include "thread.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64];
static char text[1 << 20];

static void choose_path(void)
{
	snprintf(path, sizeof path, "/tmp/ramet-console-test.%d", getpid());
	unlink(path);
}

/* ---- a client, in an OS thread ------------------------------------------ */

static int try_dial(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	strcpy(a.sun_path, path);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	close(fd);
	return -1;
}

static int dial(void)
{
	int fd = try_dial();

	CHECK(fd >= 0);
	return fd;
}

static void type(int fd, const char *line)
{
	CHECK_EQ(write(fd, line, strlen(line)), (ssize_t)strlen(line));
}

/* What comes, up to a prompt. */
static char *hear(int fd)
{
	size_t used = 0;
	ssize_t n;

	do {
		n = read(fd, text + used, sizeof text - 1 - used);
		CHECK(n > 0);
		used += (size_t)n;
		text[used] = '\0';
	} while (used < 2 || strcmp(text + used - 2, "> ") != 0 ||
		 (used > 2 && text[used - 3] != '\n'));
	return text;
}

static char *ask(int fd, const char *line)
{
	type(fd, line);
	return hear(fd);
}

static bool contains(const char *all, const char *words)
{
	if (strstr(all, words))
		return true;
	fprintf(stderr, "no %s in:\n%.4000s", words, all);
	return false;
}

static int done; /* atomic */

static void *client(void *fn)
{
	((void (*)(void))(uintptr_t)fn)();
	__atomic_store_n(&done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* The loop turns while fn runs elsewhere. */
static void serve(void (*fn)(void))
{
	pthread_t thread;

	choose_path();
	CHECK_EQ(ramet_console(path), 0);
	thread = start_thread(client, (void *)(uintptr_t)fn);
	while (!__atomic_load_n(&done, __ATOMIC_SEQ_CST))
		ramet_sleep(RAMET_MS);
	join_thread(thread);
	__atomic_store_n(&done, 0, __ATOMIC_SEQ_CST);
	CHECK_EQ(ramet_console(NULL), 0);
	CHECK_EQ(access(path, F_OK), -1);
	for (int i = 0; i < 10; i++)
		ramet_sleep(RAMET_MS); /* they end */
}

/* ---- commands ----------------------------------------------------------- */

static int cleaned;

static void clean(void *unused)
{
	(void)unused;
	cleaned++;
}

static void *wait_long(void *unused)
{
	ramet_defer(clean, NULL);
	if (ramet_sleep(3600 * RAMET_SEC) < 0)
		CHECK_EQ(errno, ECANCELED);
	return unused;
}

static void *spawn_two(void *unused)
{
	struct ramet_opts opts = {.name = "child"};
	struct ramet *a = ramet_spawn_opts(wait_long, NULL, &opts);
	struct ramet *b = ramet_spawn_opts(wait_long, NULL, &opts);

	ramet_join(a, NULL);
	ramet_join(b, NULL);
	return unused;
}

static struct ramet *start_three(void)
{
	struct ramet_opts opts = {.name = "parent"};
	struct ramet *t = ramet_spawn_opts(spawn_two, NULL, &opts);

	CHECK(t != NULL);
	ramet_yield();
	return t;
}

static void look(void)
{
	int fd = dial();

	CHECK(contains(hear(fd), "ramet console of process "));
	CHECK(contains(ask(fd, "list\n"),
		       "ramet 3 \"child\" waiting for its sleep to end, "));
	CHECK(contains(ask(fd, "tree\n"), "\n  ramet 2 \"parent\" waiting "));
	CHECK(contains(text, "\n    ramet 3 \"child\" waiting "));
	CHECK(contains(ask(fd, "stacks\n"), "  2 ramets at\n"));
	CHECK(contains(text, "    wait_long+0x"));
	CHECK(contains(ask(fd, "  stacks   json \r\n"), "{\"process\": "));
	CHECK(contains(ask(fd, "stats\n"), "\nlive 6\n"));
	CHECK(contains(ask(fd, "help\n"), "\nkill ID "));
	CHECK_EQ(strcmp(ask(fd, "\n"), "> "), 0);
	type(fd, "quit\n");
	CHECK_EQ(read(fd, text, 1), 0);
	close(fd);
}

static void end_children(void)
{
	int fd = dial();

	hear(fd);
	CHECK(contains(ask(fd, "cancel 3\n"),
		       "ramet 3 \"child\" is cancelled"));
	CHECK(contains(ask(fd, "kill 4\n"), "ramet 4 \"child\" is killed"));
	close(fd);
}

TEST(commands_show_and_end_ramets)
{
	struct ramet *t = start_three();

	serve(look);
	CHECK_EQ(cleaned, 0);
	serve(end_children);
	CHECK_EQ(ramet_join(t, NULL), 0);
	CHECK_EQ(cleaned, 2);
}

static const struct {
	const char *line, *answer;
} bad[] = {
	{"nonsense\n", "error: there is no command \"nonsense\"; "},
	{"\033[2J\n", "error: there is no command \"?[2J\"; "},
	{"aCommandThatIsLongerThanAny\n", "error: there is no command \"aComm"},
	{"list 7\n", "error: \"list\" takes nothing\n"},
	{"stacks text\n", "error: \"stacks\" or \"stacks json\"\n"},
	{"trace\n", "error: \"trace start FILE\" or \"trace stop\"\n"},
	{"trace start\n", "error: \"trace start FILE\" or"},
	{"trace starts x\n", "error: \"trace start FILE\" or"},
	{"trace stop x\n", "error: \"trace start FILE\" or"},
	{"trace stop\n", "error: there is no recording; "},
	{"trace start /nonexistent/\033x\n",
	 "error: /nonexistent/?x cannot be written: No such file or directory"},
	{"cancel\n", "error: cancel what? "},
	{"kill x\n", "error: kill what? "},
	{"kill -1\n", "error: kill what? "},
	{"kill 0\n", "error: kill what? "},
	{"kill 99999999999999999999999\n", "error: kill what? "},
	{"kill 4711\n", "error: there is no ramet 4711\n"},
	{"kill 1\n", "error: a loop's main cannot be killed; "},
	{"kill 2\n", "ramet 2 cannot be ended here: it serves this console\n"},
	{"cancel 3\n", "ramet 3 cannot be ended here: it serves this"},
};

static void mistype(void)
{
	char line[1000];
	int fd = dial();

	hear(fd);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (!contains(ask(fd, bad[i].line), bad[i].answer))
			test_fail(__FILE__, __LINE__, "case %zu", i);
	}
	memset(line, 'x', sizeof line);
	line[sizeof line - 1] = '\0';
	type(fd, line);
	CHECK(contains(ask(fd, "\n"), "error: the line is too long\n"));
	CHECK(contains(ask(fd, "stats\n"), "live "));
	close(fd);
}

TEST(bad_input_is_answered)
{
	serve(mistype);
}

static void end_without_newline(void)
{
	int fd = dial();

	hear(fd);
	type(fd, "stats\nstats");
	shutdown(fd, SHUT_WR);
	hear(fd);
	if (!strstr(strstr(text, "live ") + 5, "live "))
		CHECK(contains(hear(fd), "live "));
	CHECK_EQ(read(fd, text, 1), 0);
	close(fd);
}

TEST(the_last_line_needs_no_end)
{
	serve(end_without_newline);
}

static void record(void)
{
	char file[80], line[100];
	int n, from, fd = dial();

	snprintf(file, sizeof file, "%s.json", path);
	snprintf(line, sizeof line, "trace  start  %s \n", file);
	hear(fd);
	CHECK(contains(ask(fd, line), "all loops are recorded; "));
	CHECK(contains(ask(fd, line), "error: there is a recording; "));
	snprintf(line, sizeof line, "written to %s\n", file);
	CHECK(contains(ask(fd, "trace stop\n"), line));
	close(fd);
	from = open(file, O_RDONLY | O_CLOEXEC);
	CHECK(from >= 0);
	n = (int)read(from, text, sizeof text - 1);
	close(from);
	unlink(file);
	CHECK(n > 0);
	text[n] = '\0';
	CHECK(contains(text, "\"name\":\"console client\""));
	CHECK_EQ(strcmp(text + n - 3, "]}\n"), 0);
}

TEST(what_loops_do_is_recorded)
{
	serve(record);
}

/* ---- several, and bad ones ---------------------------------------------- */

static void not_read(void)
{
	int deaf = dial(), other = dial(), gone = dial();

	/* Until neither takes more: it is stuck in an answer. */
	fcntl(deaf, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 2000; i++)
		if (write(deaf, "stacks\nhelp\n", 12) < 0)
			break;
	type(gone, "stacks\nstacks\n");
	close(gone);
	hear(other);
	CHECK(contains(ask(other, "list\n"), "\"console client\""));
	CHECK(contains(ask(other, "list\n"), "\"console client\""));
	close(other);
	close(deaf);
}

TEST(a_client_that_does_not_read_hurts_nobody)
{
	serve(not_read);
}

enum { MANY = 60 };

static void come_in_crowds(void)
{
	int fds[MANY], served = 0;
	char c;

	for (int i = 0; i < MANY; i++)
		fds[i] = dial();
	for (int i = 0; i < MANY; i++)
		served += read(fds[i], &c, 1) == 1;
	CHECK_EQ(served, 32);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
}

TEST(there_is_a_limit_of_clients)
{
	serve(come_in_crowds);
}

/* ---- the socket --------------------------------------------------------- */

TEST(only_the_user_may_connect)
{
	struct stat st;

	choose_path();
	umask(0);
	CHECK_EQ(ramet_console(path), 0);
	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(st.st_mode, S_IFSOCK | 0600);
	CHECK_ERR(ramet_console("/tmp/other"), EBUSY);
	CHECK_EQ(ramet_console(NULL), 0);
	CHECK_EQ(ramet_console(NULL), 0);
	CHECK_EQ(access(path, F_OK), -1);
	ramet_yield();
}

static void leave_behind(void)
{
	CHECK_EQ(ramet_console(path), 0);
	ramet_yield();
	_exit(0);
}

static void leave(void)
{
	CHECK_EQ(ramet_console(path), 0);
	ramet_yield();
}

TEST(exit_removes_it_and_what_is_left_behind_is_replaced)
{
	choose_path();
	CHECK_EQ(test_stderr_of(leave_behind, text, sizeof text), 0);
	CHECK_EQ(access(path, F_OK), 0);
	CHECK_EQ(test_stderr_of(leave, text, sizeof text), 0);
	CHECK_EQ(access(path, F_OK), -1);
}

static void *second_loop(void *unused)
{
	CHECK_ERR(ramet_console(path), EADDRINUSE);
	return unused;
}

static void second_process(void)
{
	CHECK_ERR(ramet_console(path), EADDRINUSE);
}

TEST(one_that_is_served_is_not_taken_over)
{
	choose_path();
	CHECK_EQ(ramet_console(path), 0);
	ramet_yield();
	run_thread(second_loop, NULL);
	CHECK_EQ(test_stderr_of(second_process, text, sizeof text), 0);
	CHECK_EQ(access(path, F_OK), 0);
	CHECK_EQ(ramet_console(NULL), 0);
	ramet_yield();
}

TEST(bad_paths_are_refused)
{
	char longest[200];
	int fd;

	choose_path();
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	close(fd);
	CHECK_ERR(ramet_console(path), EEXIST);
	CHECK_EQ(unlink(path), 0);
	CHECK_ERR(ramet_console(""), EINVAL);
	CHECK_ERR(ramet_console(longest), ENAMETOOLONG);
	CHECK_ERR(ramet_console("/nonexistent/folder/socket"), ENOENT);
}

static void in_child(void)
{
	CHECK_EQ(ramet_console(path), 0);
	ramet_yield();
	fflush(NULL);
	pid_t pid = fork();

	if (pid == 0) {
		ramet_sleep(RAMET_MS);
		exit(0); /* the parent's stays */
	}
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(access(path, F_OK), 0);
	close(dial());
}

TEST(the_child_of_a_fork_has_none)
{
	choose_path();
	CHECK_EQ(test_stderr_of(in_child, text, sizeof text), 0);
	CHECK_EQ(access(path, F_OK), -1);
}

static void *short_loop(void *unused)
{
	CHECK_EQ(ramet_console(path), 0);
	close(dial());
	ramet_sleep(RAMET_MS);
	return unused;
}

TEST(it_ends_with_its_thread)
{
	choose_path();
	run_thread(short_loop, NULL);
	CHECK_EQ(access(path, F_OK), -1);
}

/* ---- what it does not change -------------------------------------------- */

static void be_stuck(void)
{
	struct ramet_event never = {0};

	CHECK_EQ(ramet_console(path), 0);
	ramet_sleep(RAMET_MS);
	CHECK_ERR(ramet_event_wait(&never), EDEADLK);
}

TEST(a_deadlock_is_still_seen)
{
	choose_path();
	CHECK_EQ(test_stderr_of(be_stuck, text, sizeof text), 0);
	CHECK(contains(text, "ramet: deadlock: "));
}
