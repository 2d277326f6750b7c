/* Child processes: started, fed, waited for and stopped. */
#include "door.h"
#include "fds.h"
#include "ramets.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Programs get their arguments as if they might change them. */
#define ARG(text) ((char *)(uintptr_t)(text))
#define SHELL(script)                                                          \
	(char *[])                                                             \
	{                                                                      \
		ARG("/bin/sh"), ARG("-c"), ARG(script), NULL                   \
	}
#define PIPES                                                                  \
	&(struct ramet_process_opts)                                           \
	{                                                                      \
		.in = RAMET_PIPE, .out = RAMET_PIPE, .err = RAMET_PIPE         \
	}

static struct ramet_process *start(const char *script,
				   const struct ramet_process_opts *opts)
{
	struct ramet_process *p = ramet_process_start(SHELL(script), opts);

	CHECK(p != NULL);
	return p;
}

static int wait_for(struct ramet_process *p)
{
	int status = -1;

	CHECK_EQ(ramet_process_wait(p, &status), 0);
	return status;
}

static void check_no_children(void)
{
	CHECK_ERR(waitpid(-1, NULL, WNOHANG), ECHILD);
}

/* What is left of a script's run: to be freed. */
static struct ramet_bytes output_of(const char *script,
				    const struct ramet_process_opts *opts)
{
	struct ramet_bytes out = {0};
	struct ramet_process *p = start(script, opts);

	CHECK_EQ(ramet_process_communicate(p, NULL, 0, &out, NULL), 0);
	ramet_process_free(p);
	return out;
}

static void check_output(const char *script,
			 const struct ramet_process_opts *opts,
			 const char *want)
{
	struct ramet_bytes out = output_of(script, opts);

	if (strcmp(out.data, want) != 0)
		test_fail(__FILE__, __LINE__, "%s: \"%s\" is not \"%s\"",
			  script, out.data, want);
	CHECK_EQ(out.size, strlen(want));
	free(out.data);
}

static const char *file(const char *name)
{
	static char path[2][256];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof path[0], "%s/%s", test_dir(), name);
	return path[turn];
}

/* The number that a script has written there. */
static pid_t pid_in(const char *name)
{
	FILE *f;
	int pid = 0;

	do {
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
		f = fopen(file(name), "r");
		if (f) {
			if (fscanf(f, "%d\n", &pid) != 1)
				pid = 0;
			fclose(f);
		}
	} while (!pid);
	return pid;
}

/* Init may take a while to reap an orphan. */
static void await_end(pid_t pid)
{
	char path[64], state = 0;
	FILE *f;

	for (;;) {
		snprintf(path, sizeof path, "/proc/%d/stat", pid);
		f = fopen(path, "r");
		if (!f)
			return;
		if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			state = 'X';
		fclose(f);
		if (state == 'Z' || state == 'X')
			return;
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	}
}

/* ---- start and wait ----------------------------------------------------- */

TEST(exit_codes_come_back)
{
	struct ramet_process *p = start("exit 7", NULL);

	CHECK(ramet_process_pid(p) > 0);
	CHECK_EQ(wait_for(p), 7 << 8);
	CHECK_EQ(wait_for(p), 7 << 8); /* as often as one likes */
	ramet_process_free(p);
	check_no_children();
}

TEST(signals_that_kill_show_in_the_status)
{
	struct ramet_process *p = start("kill -TERM $$", NULL);
	int status = wait_for(p);

	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTERM);
	CHECK_ERR(ramet_process_signal(p, SIGTERM), ESRCH);
	ramet_process_free(p);
}

static int seen_status[3];

static void *wait_too(void *p)
{
	static int n;

	seen_status[n++] = wait_for(p);
	return NULL;
}

TEST(any_number_wait_for_one)
{
	struct ramet_process *p =
		start("read x; exit 3",
		      &(struct ramet_process_opts){.in = RAMET_PIPE});
	struct ramet *t[3];

	for (int i = 0; i < 3; i++)
		t[i] = spawn(wait_too, p);
	CHECK_EQ(ramet_sleep(5 * RAMET_MS), 0);
	CHECK_EQ(ramet_process_close(p, RAMET_STDIN), 0);
	for (int i = 0; i < 3; i++) {
		join(t[i]);
		CHECK_EQ(seen_status[i], 3 << 8);
	}
	ramet_process_free(p);
	check_no_children();
}

TEST(a_wait_ends_with_its_scope)
{
	struct ramet_process *p = start("exec sleep 100", NULL);

	RAMET_WITHIN(10 * RAMET_MS) {
		CHECK_ERR(ramet_process_wait(p, NULL), ETIMEDOUT);
	}
	CHECK_EQ(ramet_process_signal(p, SIGKILL), 0);
	CHECK_EQ(WTERMSIG(wait_for(p)), SIGKILL);
	ramet_process_free(p);
	check_no_children();
}

TEST(a_start_that_nobody_waits_for_leaves_no_child)
{
	int fds;

	ramet_process_free(
		start("exit 0", NULL)); /* the loop has its own now */
	fds = open_fds();
	RAMET_WITHIN(0) {
		CHECK_NULL(ramet_process_start(SHELL("exit 0"), NULL),
			   ETIMEDOUT);
	}
	for (int i = 0; i < test_rounds(30); i++) {
		struct ramet_process *p = NULL;

		RAMET_WITHIN(1 + i * 20 * RAMET_US) {
			p = ramet_process_start(SHELL("exec sleep 100"), PIPES);
		}
		ramet_process_free(p);
	}
	while (waitpid(-1, NULL, WNOHANG) != -1 || open_fds() > fds)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0); /* being buried */
}

TEST(somebody_elses_wait_is_no_hang)
{
	struct ramet_process *p = start("exit 1", NULL);

	CHECK_EQ(waitpid(ramet_process_pid(p), NULL, 0), ramet_process_pid(p));
	CHECK_ERR(ramet_process_wait(p, NULL), ECHILD);
	CHECK_ERR(ramet_process_wait(p, NULL), ECHILD);
	CHECK_ERR(ramet_process_signal(p, SIGTERM), ESRCH);
	CHECK_ERR(ramet_process_signal_tree(p, SIGTERM), ESRCH);
	ramet_process_free(p);
}

static void *reap_later(void *p)
{
	CHECK_EQ(ramet_sleep(5 * RAMET_MS), 0);
	kill(ramet_process_pid(p), SIGKILL);
	CHECK_EQ(waitpid(ramet_process_pid(p), NULL, 0), ramet_process_pid(p));
	return NULL;
}

TEST(somebody_elses_wait_ends_one_that_has_begun)
{
	struct ramet_process *p = start("exec sleep 100", NULL);
	struct ramet *t = spawn(reap_later, p);

	CHECK_ERR(ramet_process_wait(p, NULL), ECHILD);
	join(t);
	ramet_process_free(p);
}

TEST(children_that_the_kernel_reaps_are_gone)
{
	struct ramet_process *p;

	signal(SIGCHLD, SIG_IGN);
	p = start("exit 1", NULL);
	CHECK_ERR(ramet_process_wait(p, NULL), ECHILD);
	ramet_process_free(p);
	CHECK_NULL(ramet_process_start((char *[]){ARG("/none"), NULL}, NULL),
		   ENOENT);
}

TEST(what_cannot_be_started_says_why)
{
	char *none[] = {NULL}, *empty[] = {ARG(""), NULL};
	char *missing[] = {ARG("no-such-program"), NULL};
	char *path[] = {ARG("/no/such/program"), NULL};
	char *denied[] = {ARG("/etc/passwd"), NULL};
	char *dir[] = {ARG("/"), NULL};

	CHECK_NULL(ramet_process_start(none, NULL), EINVAL);
	CHECK_NULL(ramet_process_start(NULL, NULL), EINVAL);
	CHECK_NULL(ramet_process_start(empty, NULL), ENOENT);
	CHECK_NULL(ramet_process_start(missing, NULL), ENOENT);
	CHECK_NULL(ramet_process_start(path, PIPES), ENOENT);
	CHECK_NULL(ramet_process_start(denied, PIPES), EACCES);
	CHECK_NULL(ramet_process_start(dir, NULL), EACCES);
	check_no_children();
}

TEST(bad_options_are_refused)
{
	struct ramet_process_opts dir = {.dir = "/no/such"};
	struct ramet_process_opts not_dir = {.dir = "/etc/passwd"};
	struct ramet_process_opts in = {.in = RAMET_TO_STDOUT};
	struct ramet_process_opts out = {.in = RAMET_PIPE, .out = -5};
	struct ramet_process_opts closed = {.in = RAMET_PIPE,
					    .out = RAMET_FROM_FD + 1000};

	CHECK_NULL(ramet_process_start(SHELL("exit 0"), &dir), ENOENT);
	CHECK_NULL(ramet_process_start(SHELL("exit 0"), &not_dir), ENOTDIR);
	CHECK_NULL(ramet_process_start(SHELL("exit 0"), &in), EINVAL);
	CHECK_NULL(ramet_process_start(SHELL("exit 0"), &out), EINVAL);
	CHECK_NULL(ramet_process_start(SHELL("exit 0"), &closed), EBADF);
	check_no_children();
}

/* ---- what the child has ------------------------------------------------- */

static const struct ramet_process_opts only_out = {.in = RAMET_NULL,
						   .out = RAMET_PIPE};

TEST(programs_are_looked_for_in_path)
{
	char *echo[] = {ARG("greet"), NULL};
	struct ramet_bytes out = {0};
	struct ramet_process *p;
	char path[600];
	FILE *f = fopen(file("greet"), "w");

	CHECK(f != NULL);
	fputs("#!/bin/sh\necho hello\n", f);
	fclose(f);
	/* One that may not be run, and one that is no directory, come first. */
	CHECK_EQ(mkdir(file("other"), 0777), 0);
	f = fopen(file("other/greet"), "w");
	CHECK(f != NULL);
	fclose(f);
	snprintf(path, sizeof path, "/etc/passwd:%s:/bin:%s/:/usr/bin",
		 file("other"), test_dir());
	CHECK_EQ(setenv("PATH", path, 1), 0);
	CHECK_NULL(ramet_process_start(echo, NULL), EACCES);
	CHECK_EQ(chmod(file("greet"), 0755), 0);
	p = ramet_process_start(echo, &only_out);
	CHECK(p != NULL);
	CHECK_EQ(ramet_process_communicate(p, NULL, 0, &out, NULL), 0);
	CHECK_EQ(strcmp(out.data, "hello\n"), 0);
	free(out.data);
	ramet_process_free(p);
}

TEST(environment_and_directory_are_as_asked)
{
	char *env[] = {ARG("A=1"), ARG("B=x y"), NULL};
	struct ramet_process_opts opts = only_out;

	CHECK_EQ(setenv("OURS", "yes", 1), 0);
	check_output("echo $OURS", &opts, "yes\n");
	opts.env = env;
	opts.dir = "/usr";
	check_output("echo $OURS-$A-$B; pwd", &opts, "-1-x y\n/usr\n");
}

/* The listing has one of its own open. */
TEST(only_the_streams_are_open_in_it)
{
	char *list[] = {ARG("ls"), ARG("/proc/self/fd"), NULL};
	int fds[2], devnull = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct ramet_bytes out = {0};
	struct ramet_process *p;

	for (int fd = 3; fd < 1024; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC); /* our parent's */
	CHECK(devnull >= 0);
	CHECK_EQ(ramet_pipe(fds, 0), 0);
	p = ramet_process_start(list, PIPES);
	CHECK(p != NULL);
	CHECK_EQ(ramet_process_communicate(p, NULL, 0, &out, NULL), 0);
	CHECK_EQ(strcmp(out.data, "0\n1\n2\n3\n"), 0);
	free(out.data);
	ramet_process_free(p);
	ramet_close(fds[0]);
	ramet_close(fds[1]);
	close(devnull);
}

TEST(streams_lead_where_they_should)
{
	int fds[2];
	char buf[16] = "";
	struct ramet_process *p;
	struct ramet_process_opts opts = {.in = RAMET_NULL,
					  .out = RAMET_PIPE,
					  .err = RAMET_TO_STDOUT};

	check_output("cat; echo a; echo b >&2", &opts, "a\nb\n");
	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	opts = (struct ramet_process_opts){.out = RAMET_NULL,
					   .err = RAMET_FROM_FD + fds[1]};
	p = start("echo lost; echo kept >&2", &opts);
	CHECK_EQ(wait_for(p), 0);
	CHECK_EQ(ramet_process_out(p), -1);
	CHECK_EQ(ramet_process_err(p), -1);
	CHECK_ERR(ramet_process_close(p, RAMET_STDERR), EBADF);
	CHECK_ERR(ramet_process_close(p, 3), EBADF);
	CHECK_EQ(ramet_read(fds[0], buf, sizeof buf), 5);
	CHECK_EQ(strcmp(buf, "kept\n"), 0);
	ramet_process_free(p);
	close(fds[0]);
	close(fds[1]);
}

/* 1 and 2 change places, and 0 is closed here. */
TEST(streams_may_be_crossed)
{
	int saved[3], out[2], err[2];
	char buf[16] = "";
	struct ramet_process *p;
	struct ramet_process_opts opts = {.in = RAMET_PIPE,
					  .out = RAMET_FROM_FD + 2,
					  .err = RAMET_FROM_FD + 1};

	for (int i = 0; i < 3; i++)
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
	CHECK_EQ(pipe2(out, O_CLOEXEC), 0);
	CHECK_EQ(pipe2(err, O_CLOEXEC), 0);
	CHECK_EQ(dup2(out[1], 1), 1);
	CHECK_EQ(dup2(err[1], 2), 2);
	CHECK_EQ(close(0), 0);
	p = ramet_process_start(SHELL("read x; echo $x; echo error >&2"),
				&opts);
	for (int i = 0; i < 3; i++)
		dup2(saved[i], i);
	CHECK(p != NULL);
	CHECK_EQ(ramet_process_communicate(p, "in\n", 3, NULL, NULL), 0);
	CHECK_EQ(ramet_read(err[0], buf, sizeof buf), 3);
	CHECK_EQ(strcmp(buf, "in\n"), 0);
	CHECK_EQ(ramet_read(out[0], buf, sizeof buf), 6);
	CHECK_EQ(strcmp(buf, "error\n"), 0);
	ramet_process_free(p);
	for (int i = 0; i < 2; i++) {
		close(out[i]);
		close(err[i]);
	}
	for (int i = 0; i < 3; i++)
		close(saved[i]);
}

static void ignore(int sig)
{
	(void)sig;
}

/* Blocked, ignored, caught: as /proc shows them. */
TEST(signals_are_as_for_a_new_program)
{
	struct ramet_bytes out;
	sigset_t blocked;

	signal(SIGUSR1, ignore);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGHUP);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
	out = output_of("exec cat /proc/self/status", &only_out);
	CHECK(strstr(out.data, "SigBlk:\t0000000000000000\n"));
	CHECK(strstr(out.data, "SigIgn:\t0000000000000800\n"));
	CHECK(strstr(out.data, "SigCgt:\t0000000000000000\n"));
	free(out.data);
}

TEST(it_leads_a_group_of_its_own_if_not_told_otherwise)
{
	struct ramet_process_opts same = {.same_group = 1};
	struct ramet_process *p = start("exec sleep 100", NULL);

	CHECK_EQ(getpgid(ramet_process_pid(p)), ramet_process_pid(p));
	ramet_process_free(p);
	p = start("exec sleep 100", &same);
	CHECK_EQ(getpgid(ramet_process_pid(p)), getpgid(0));
	ramet_process_free(p);
	check_no_children();
}

/* ---- communicate -------------------------------------------------------- */

TEST(big_outputs_on_both_pipes_at_once)
{
	enum { SIZE = 1 << 20 };
	struct ramet_bytes out = {0}, err = {0};
	struct ramet_process *p = start("head -c 1048576 /dev/zero >&2; head "
					"-c 1048576 /dev/zero; "
					"head -c 1048576 /dev/zero >&2; cat",
					PIPES);
	char *in = malloc(SIZE);

	memset(in, 'i', SIZE);
	CHECK_EQ(ramet_process_communicate(p, in, SIZE, &out, &err), 0);
	CHECK_EQ(out.size, 2 * SIZE);
	CHECK_EQ(err.size, 2 * SIZE);
	CHECK_EQ(memcmp(out.data + SIZE, in, SIZE), 0);
	CHECK_EQ(out.data[2 * SIZE], 0);
	CHECK_EQ(wait_for(p), 0);
	free(in);
	free(out.data);
	free(err.data);
	ramet_process_free(p);
	check_no_children();
}

TEST(communicate_is_resumed_after_a_time_limit)
{
	enum { SIZE = 300000 };
	struct ramet_bytes out = {0};
	struct ramet_process *p =
		start("head -c 100000; sleep 0.05; cat; sleep 0.05; echo end",
		      PIPES);
	char *in = malloc(SIZE);
	int rounds = 0, err = -1;

	for (int i = 0; i < SIZE; i++)
		in[i] = (char)i;
	do {
		size_t before = out.size;

		errno = 0;
		RAMET_WITHIN(5 * RAMET_MS) {
			err = ramet_process_communicate(p, in, SIZE, &out,
							NULL);
		}
		CHECK(err == 0 || errno == ETIMEDOUT);
		CHECK(out.size >= before);
		rounds++;
	} while (err < 0);
	CHECK(rounds > 2);
	CHECK_EQ(out.size, SIZE + 4);
	CHECK_EQ(memcmp(out.data, in, SIZE), 0);
	CHECK_EQ(memcmp(out.data + SIZE, "end\n", 5), 0);
	free(in);
	free(out.data);
	ramet_process_free(p);
}

static volatile sig_atomic_t pipe_signals;

static void count_pipe_signal(int sig)
{
	(void)sig;
	pipe_signals++;
}

TEST(who_does_not_want_its_input_need_not_take_it)
{
	enum { SIZE = 1 << 20 };
	struct ramet_process *p = start("exec <&-; exit 5", PIPES);
	char *in = calloc(1, SIZE);

	signal(SIGPIPE, count_pipe_signal);
	CHECK_EQ(ramet_process_communicate(p, in, SIZE, NULL, NULL), 0);
	CHECK_EQ(wait_for(p), 5 << 8);
	CHECK_EQ(ramet_process_in(p), -1);
	CHECK_EQ(pipe_signals, 0);
	free(in);
	ramet_process_free(p);
}

TEST(silence_is_an_empty_string)
{
	struct ramet_bytes out = {0}, err = {0};
	struct ramet_process *p = start("exit 0", &only_out);

	CHECK_EQ(ramet_process_communicate(p, NULL, 0, &out, &err), 0);
	CHECK_EQ(out.size, 0);
	CHECK_EQ(strcmp(out.data, ""), 0);
	CHECK_EQ(strcmp(err.data, ""), 0);
	free(out.data);
	free(err.data);
	ramet_process_free(p);
}

TEST(pipes_are_read_and_written_as_any_other)
{
	struct ramet_process *p =
		start("while read x; do echo \"<$x>\"; done", PIPES);
	char buf[16] = "";

	CHECK_EQ(ramet_write(ramet_process_in(p), "a\n", 2), 2);
	CHECK_EQ(ramet_read(ramet_process_out(p), buf, sizeof buf), 4);
	CHECK_EQ(memcmp(buf, "<a>\n", 4), 0);
	CHECK_EQ(ramet_process_close(p, RAMET_STDIN), 0);
	CHECK_EQ(ramet_read(ramet_process_out(p), buf, sizeof buf), 0);
	CHECK_EQ(wait_for(p), 0);
	ramet_process_free(p);
}

/* ---- signals and stop --------------------------------------------------- */

TEST(one_that_ignores_sigterm_is_killed)
{
	struct ramet_process *p =
		start("trap '' TERM; echo; while :; do sleep 100; done",
		      &only_out);
	char c;
	int status;

	CHECK_EQ(ramet_read(ramet_process_out(p), &c, 1), 1);
	CHECK_EQ(ramet_process_stop(p, 20 * RAMET_MS, &status), 0);
	CHECK_EQ(WTERMSIG(status), SIGKILL);
	CHECK_EQ(ramet_process_stop(p, RAMET_SEC, &status), 0); /* has ended */
	CHECK_EQ(WTERMSIG(status), SIGKILL);
	ramet_process_free(p);
	check_no_children();
}

TEST(one_that_is_stopped_is_asked_all_the_same)
{
	struct ramet_process *p =
		start("trap 'exit 9' TERM; echo; while :; do sleep 0.01; done",
		      &only_out);
	char c;
	int status;

	CHECK_EQ(ramet_read(ramet_process_out(p), &c, 1), 1);
	CHECK_EQ(ramet_process_signal(p, SIGSTOP), 0);
	CHECK_EQ(ramet_process_stop(p, RAMET_NEVER, &status), 0);
	CHECK_EQ(status, 9 << 8);
	ramet_process_free(p);
}

/* In the group, out of it, and out of it as a grandchild. */
static const char tree[] =
	"cd $D; sleep 100 & echo $! >one; "
	"setsid sh -c 'echo $$ >two; sleep 101 & echo $! >three; wait' & "
	"wait";

static struct ramet_process *start_tree(pid_t pids[3])
{
	struct ramet_process *p;

	CHECK_EQ(setenv("D", test_dir(), 1), 0);
	for (int i = 0; i < 3; i++)
		unlink(file(i == 0 ? "one" : i == 1 ? "two" : "three"));
	p = start(tree, NULL);
	pids[0] = pid_in("one");
	pids[1] = pid_in("two");
	pids[2] = pid_in("three");
	return p;
}

TEST(free_kills_the_whole_tree)
{
	pid_t pids[3];

	ramet_process_free(start_tree(pids));
	for (int i = 0; i < 3; i++)
		await_end(pids[i]);
	check_no_children();
}

TEST(stop_ends_the_whole_tree)
{
	struct ramet_process *p;
	pid_t pids[3];
	int status;

	p = start_tree(pids);
	CHECK_EQ(ramet_process_stop(p, RAMET_NEVER, &status), 0);
	CHECK_EQ(WTERMSIG(status), SIGTERM);
	for (int i = 0; i < 3; i++)
		await_end(pids[i]);
	ramet_process_free(p);
	check_no_children();
}

TEST(a_signal_goes_to_the_whole_tree)
{
	struct ramet_process *p;
	pid_t pids[3];

	p = start_tree(pids);
	CHECK_EQ(ramet_process_signal_tree(p, SIGHUP), 0);
	CHECK_EQ(WTERMSIG(wait_for(p)), SIGHUP);
	for (int i = 0; i < 3; i++)
		await_end(pids[i]);
	ramet_process_free(p);
}

/* The leader ends at SIGTERM; what it had started, in a session of its own and
 * by then init's child, does not. */
TEST(what_outlives_its_parent_is_killed_after_the_grace)
{
	struct ramet_process *p;
	pid_t pid;
	int status;

	CHECK_EQ(setenv("D", test_dir(), 1), 0);
	p = start("cd $D; setsid sh -c \"trap '' TERM; echo \\$\\$ >deaf; "
		  "while :; do sleep 0.05; done\" & wait",
		  NULL);
	pid = pid_in("deaf");
	CHECK_EQ(ramet_process_stop(p, 60 * RAMET_MS, &status), 0);
	CHECK_EQ(WTERMSIG(status), SIGTERM);
	await_end(pid);
	ramet_process_free(p);
	check_no_children();
}

TEST(a_stop_ends_with_its_scope_and_can_be_repeated)
{
	struct ramet_process *p =
		start("trap '' TERM; echo; while :; do sleep 100; done",
		      &only_out);
	char c;
	int status;

	CHECK_EQ(ramet_read(ramet_process_out(p), &c, 1), 1);
	RAMET_WITHIN(10 * RAMET_MS) {
		CHECK_ERR(ramet_process_stop(p, RAMET_NEVER, &status),
			  ETIMEDOUT);
	}
	CHECK_EQ(ramet_process_stop(p, 0, &status), 0);
	CHECK_EQ(WTERMSIG(status), SIGKILL);
	ramet_process_free(p);
}

/* Bears children all the time, each in a session of its own. */
TEST(a_tree_that_grows_is_killed_whole)
{
	struct ramet_process *p;
	char *left[] = {ARG("pgrep"), ARG("-f"), NULL, NULL};
	char mark[64];
	struct ramet_bytes out = {0};

	snprintf(mark, sizeof mark, "sleep 9%d.5", getpid());
	CHECK_EQ(setenv("MARK", mark, 1), 0);
	/* Under sweep the machine has other work than thousands of them. */
	p = start(test_is_swept()
			  ? "echo; while :; do setsid $MARK & sleep 0.005; done"
			  : "echo; while :; do setsid $MARK & done",
		  &only_out);
	CHECK_EQ(ramet_read(ramet_process_out(p), mark + 40, 1), 1);
	CHECK_EQ(ramet_sleep(20 * RAMET_MS), 0);
	ramet_process_free(p);
	if (access("/usr/bin/pgrep", X_OK) < 0)
		test_skip("there is no pgrep");
	left[2] = mark;
	do {
		free(out.data);
		out = (struct ramet_bytes){0};
		p = ramet_process_start(left, &only_out);
		CHECK(p != NULL);
		CHECK_EQ(ramet_process_communicate(p, NULL, 0, &out, NULL), 0);
		ramet_process_free(p);
	} while (out.size);
	free(out.data);
}

/* ---- the process that dies with us --------------------------------------- */

static void start_and_exit(void)
{
	struct ramet_process_opts opts = {.dies_with_us = 1};
	struct ramet_process *p =
		start("echo $$ >$D/tied; exec sleep 100", &opts);

	pid_in("tied");
	_exit(ramet_process_pid(p) > 0 ? 0 : 1);
}

TEST(it_dies_with_us_if_asked_to)
{
	int status;
	pid_t pid;

	CHECK_EQ(setenv("D", test_dir(), 1), 0);
	pid = fork();
	if (pid == 0)
		start_and_exit();
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	await_end(pid_in("tied"));
}

/* ---- many ---------------------------------------------------------------- */

static int done;

static void *run_one(void *number)
{
	struct ramet_bytes out = {0};
	char script[64], want[32];
	struct ramet_process *p;
	int n = (int)(intptr_t)number;

	snprintf(script, sizeof script, "read x; echo $x %d; exit %d", n,
		 n % 100);
	snprintf(want, sizeof want, "in %d\n", n);
	p = start(script, &(struct ramet_process_opts){.in = RAMET_PIPE,
						       .out = RAMET_PIPE});
	CHECK_EQ(ramet_process_communicate(p, "in\n", 3, &out, NULL), 0);
	CHECK_EQ(strcmp(out.data, want), 0);
	CHECK_EQ(wait_for(p), n % 100 << 8);
	free(out.data);
	ramet_process_free(p);
	done++;
	return NULL;
}

TEST_WITHIN(two_hundred_at_once, 60000)
{
	struct ramet_group group;
	int count = test_rounds(200);

	allow_fds(4096);
	ramet_group_open(&group, RAMET_ALL);
	for (int i = 0; i < count; i++)
		CHECK(ramet_go(&group, run_one, (void *)(intptr_t)i));
	CHECK_EQ(ramet_group_wait(&group), 0);
	ramet_group_close(&group);
	CHECK_EQ(done, count);
	check_no_children();
}

/* ---- turns -------------------------------------------------------------- */

static int (*launch)(struct kernel_launch *k);
static int starting, starting_most, started; /* atomic */
static sem_t here, go;

static int launch_and_count(struct kernel_launch *k)
{
	int now = __atomic_add_fetch(&starting, 1, __ATOMIC_SEQ_CST);
	int most = __atomic_load_n(&starting_most, __ATOMIC_SEQ_CST);
	int err;

	while (now > most &&
	       !__atomic_compare_exchange_n(&starting_most, &most, now, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	sem_post(&here);
	while (sem_wait(&go) < 0)
		;
	err = launch(k);
	__atomic_sub_fetch(&starting, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
	return err;
}

/* From now on a start waits until it is told to go. */
static void hold_starts(int at_once)
{
	struct kernel *own = own_kernel();

	sem_init(&here, 0, 0);
	sem_init(&go, 0, 0);
	launch = own->launch;
	own->launch = launch_and_count;
	CHECK(ramet_offload_limit(RAMET_LANE_FILE, at_once) > 0);
}

static void *run_nothing(void *unused)
{
	struct ramet_process *p = start("exit 0", NULL);

	CHECK_EQ(wait_for(p), 0);
	ramet_process_free(p);
	return unused;
}

TEST(many_starts_take_turns)
{
	enum { MANY = 30, AT_ONCE = 3 };
	struct ramet *ts[MANY];

	if (test_is_swept())
		test_skip("without a helper the loop itself would be held");
	hold_starts(AT_ONCE);
	for (int i = 0; i < MANY; i++)
		ts[i] = spawn(run_nothing, NULL);
	while (__atomic_load_n(&starting, __ATOMIC_SEQ_CST) < AT_ONCE)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	CHECK_EQ(ramet_sleep(20 * RAMET_MS), 0); /* more would have come */
	for (int i = 0; i < MANY; i++)
		sem_post(&go);
	for (int i = 0; i < MANY; i++)
		join(ts[i]);
	CHECK_EQ(starting_most, AT_ONCE);
	CHECK_EQ(started, MANY);
	check_no_children();
}

TEST(who_leaves_before_its_turn_has_started_nothing)
{
	struct ramet *first;

	if (test_is_swept())
		test_skip("without a helper the loop itself would be held");
	hold_starts(1);
	first = spawn(run_nothing, NULL);
	while (sem_trywait(&here) < 0)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	for (int i = 0; i < 3; i++)
		RAMET_WITHIN(RAMET_MS) {
			CHECK_NULL(ramet_process_start(SHELL("exit 0"), PIPES),
				   ETIMEDOUT);
		}
	sem_post(&go);
	join(first);
	CHECK_EQ(started, 1);
	check_no_children();
}

static int beats;

static void *beat(void *unused)
{
	while (ramet_sleep(RAMET_MS) == 0)
		beats++;
	return unused;
}

TEST(others_run_meanwhile)
{
	struct ramet *t = spawn(beat, NULL);
	struct ramet_process *p = start("sleep 0.1", NULL);

	CHECK_EQ(wait_for(p), 0);
	CHECK(beats >= 5);
	ramet_cancel(t);
	join(t);
	ramet_process_free(p);
}

/* ---- whose it is ----------------------------------------------------------
 */

static void *use_elsewhere(void *p)
{
	CHECK_ERR(ramet_process_wait(p, NULL), EPERM);
	CHECK_ERR(ramet_process_signal(p, SIGTERM), EPERM);
	CHECK_ERR(ramet_process_signal_tree(p, SIGTERM), EPERM);
	CHECK_ERR(ramet_process_close(p, RAMET_STDIN), EPERM);
	CHECK_ERR(ramet_process_stop(p, 0, NULL), EPERM);
	CHECK_ERR(ramet_process_communicate(p, NULL, 0, NULL, NULL), EPERM);
	ramet_process_free(p);
	return NULL;
}

TEST(it_belongs_to_one_loop)
{
	struct ramet_process *p = start("exec sleep 100", PIPES);
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, use_elsewhere, p), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(ramet_process_signal(p, SIGTERM), 0);
	CHECK_EQ(WTERMSIG(wait_for(p)), SIGTERM);
	ramet_process_free(p);
	ramet_process_free(NULL);
}

/* It is the parent's child, not ours: free must not kill it. */
TEST(a_forked_child_has_no_part_in_it)
{
	struct ramet_process *p = start("exec sleep 100", PIPES);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		status = ramet_process_wait(p, NULL) < 0 && errno == ECHILD;
		ramet_process_free(p);
		_exit(status ? 0 : 1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(ramet_process_signal(p, SIGTERM), 0);
	CHECK_EQ(WTERMSIG(wait_for(p)), SIGTERM);
	ramet_process_free(p);
}

static void free_process(struct ramet *t, void *p)
{
	(void)t;
	ramet_process_free(p);
}

static void *nothing(void *unused)
{
	return unused;
}

/* Where nobody can wait. */
TEST(it_may_be_freed_in_a_link)
{
	struct ramet_process *p = start("exec sleep 100", NULL);
	struct ramet *t = spawn(nothing, NULL);

	CHECK_EQ(ramet_link(t, free_process, p), 0);
	join(t);
	check_no_children();
}
