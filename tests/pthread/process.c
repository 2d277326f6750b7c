/* Processes: fork from threads, waiting for children, commands. */
#include "posix.h"

#include <fcntl.h>
#include <semaphore.h>
#include <spawn.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/select.h>

extern char **environ;

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, arg), 0);
	return t;
}

static void *join(pthread_t t)
{
	void *value;

	CHECK_EQ(pthread_join(t, &value), 0);
	return value;
}

/* A child that ends after ms with a status. */
static pid_t child_of(long ms, int status)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		sleep_ms(ms);
		_exit(status);
	}
	return pid;
}

static volatile int ticks, stop;

static void *tick(void *unused)
{
	while (!stop) {
		sleep_ms(1);
		ticks++;
	}
	return unused;
}

/* Run fn while another thread ticks: it must not stand still. */
static void beside_a_ticker(void (*fn)(void))
{
	pthread_t t = start(tick, NULL);

	sleep_ms(5);
	ticks = 0;
	fn();
	CHECK(ticks >= 3);
	stop = 1;
	join(t);
}

/* ---- waiting ------------------------------------------------------------ */

static void wait_for_one(void)
{
	int status;
	pid_t pid = child_of(100, 7);

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

TEST(waitpid_lets_others_run)
{
	beside_a_ticker(wait_for_one);
}

static void wait_for_any(void)
{
	int status;
	pid_t a = child_of(60, 1), b = child_of(100, 2);

	CHECK_EQ(wait(&status), a);
	CHECK_EQ(WEXITSTATUS(status), 1);
	CHECK_EQ(waitpid(-1, &status, 0), b);
	CHECK_EQ(WEXITSTATUS(status), 2);
	CHECK_ERR(wait(NULL), ECHILD);
}

TEST(wait_lets_others_run)
{
	beside_a_ticker(wait_for_any);
}

TEST(waiting_without_children_fails_at_once)
{
	siginfo_t info;

	CHECK_ERR(wait(NULL), ECHILD);
	CHECK_ERR(waitpid(-1, NULL, 0), ECHILD);
	CHECK_ERR(waitpid(1, NULL, 0), ECHILD);
	CHECK_ERR(waitpid(0, NULL, WNOHANG), ECHILD);
	CHECK_ERR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	CHECK_ERR(waitid(P_ALL, 0, &info, 0), EINVAL);
	CHECK_ERR(waitpid(-1, NULL, 0x4000), EINVAL);
}

TEST(wnohang_does_not_wait)
{
	pid_t pid = child_of(50, 0);
	int n, status;

	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	while ((n = waitpid(pid, &status, WNOHANG)) == 0)
		sleep_ms(1);
	CHECK_EQ(n, pid);
}

TEST(a_process_group_is_waited_for)
{
	pid_t a = child_of(10, 1), b = child_of(40, 2);
	int status;

	CHECK_EQ(setpgid(b, b), 0);
	CHECK_EQ(waitpid(-b, &status, 0), b);
	CHECK_EQ(WEXITSTATUS(status), 2);
	CHECK_EQ(waitpid(0, &status, 0), a);
	CHECK_EQ(WEXITSTATUS(status), 1);
}

TEST(stops_and_continues_are_reported)
{
	pid_t pid = child_of(10000, 0);
	int status;

	CHECK_EQ(kill(pid, SIGSTOP), 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK_EQ(kill(pid, SIGCONT), 0);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	CHECK(WIFCONTINUED(status));
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* The stops of whom we trace are told without WUNTRACED. */
static void wait_for_traced(void)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		sleep_ms(50);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		sleep_ms(50);
		_exit(5);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK_EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
}

TEST(stops_of_a_traced_child_are_reported)
{
	beside_a_ticker(wait_for_traced);
}

TEST(waitid_can_leave_the_child)
{
	pid_t pid = child_of(10, 5);
	siginfo_t info;

	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_status, 5);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(waitid(P_PID, (id_t)pid, NULL, WEXITED), 0);
	CHECK_ERR(waitid(P_PID, (id_t)pid, &info, WEXITED), ECHILD);
}

TEST(wait4_reports_usage)
{
	struct rusage usage;
	pid_t pid = child_of(5, 0);

	memset(&usage, 0xff, sizeof usage);
	CHECK_EQ(wait4(pid, NULL, 0, &usage), pid);
	CHECK(usage.ru_utime.tv_sec >= 0 && usage.ru_utime.tv_sec < 10);
	pid = child_of(5, 0);
	CHECK_EQ(wait3(NULL, 0, &usage), pid);
}

static void *wait_for(void *pid)
{
	int status;

	CHECK_EQ(waitpid((pid_t)(long)pid, &status, 0), (long)pid);
	return (void *)(long)WEXITSTATUS(status);
}

TEST(many_threads_wait_for_a_child_each)
{
	pthread_t t[20];

	for (long i = 0; i < 20; i++)
		t[i] = start(wait_for, (void *)(long)child_of(20, (int)i));
	for (long i = 0; i < 20; i++)
		CHECK_EQ(join(t[i]), i);
}

static void *wait_any(void *unused)
{
	(void)unused;
	return (void *)(long)wait(NULL);
}

TEST(many_threads_wait_for_any_child)
{
	pthread_t t[8];
	long sum = 0;

	for (int i = 0; i < 8; i++)
		sum += child_of(20 + i, 0);
	for (int i = 0; i < 8; i++)
		t[i] = start(wait_any, NULL);
	for (int i = 0; i < 8; i++)
		sum -= (long)join(t[i]);
	CHECK_EQ(sum, 0);
}

static void nothing(int sig)
{
	(void)sig;
}

static void *signal_main(void *thread)
{
	sleep_ms(10);
	CHECK_EQ(pthread_kill(*(pthread_t *)thread, SIGUSR1), 0);
	return NULL;
}

TEST(waiting_ends_with_eintr_unless_restarted)
{
	struct sigaction a = {.sa_handler = nothing};
	pthread_t self = pthread_self(), t;
	pid_t pid = child_of(100, 0);

	sigemptyset(&a.sa_mask);
	CHECK_EQ(sigaction(SIGUSR1, &a, NULL), 0);
	t = start(signal_main, &self);
	CHECK_ERR(waitpid(pid, NULL, 0), EINTR);
	join(t);
	t = start(signal_main, &self);
	CHECK_ERR(wait(NULL), EINTR);
	join(t);
	a.sa_flags = SA_RESTART;
	CHECK_EQ(sigaction(SIGUSR1, &a, NULL), 0);
	t = start(signal_main, &self);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	join(t);
}

TEST(waiting_can_be_cancelled)
{
	pid_t pid = child_of(10000, 0);
	pthread_t a = start(wait_for, (void *)(long)pid),
		  b = start(wait_any, NULL);

	sleep_ms(10);
	CHECK_EQ(pthread_cancel(a), 0);
	CHECK_EQ(pthread_cancel(b), 0);
	CHECK(join(a) == PTHREAD_CANCELED);
	CHECK(join(b) == PTHREAD_CANCELED);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

/* ---- fork --------------------------------------------------------------- */

static void work_with_threads(void)
{
	pthread_t t[5];

	stop = 0;
	for (int i = 0; i < 5; i++)
		t[i] = start(tick, NULL);
	sleep_ms(10);
	stop = 1;
	for (int i = 0; i < 5; i++)
		join(t[i]);
}

static void *fork_here(void *unused)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		work_with_threads();
		_exit(9);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return unused ? unused : (void *)(long)WEXITSTATUS(status);
}

TEST(a_thread_forks)
{
	pthread_t t = start(tick, NULL);

	CHECK_EQ(join(start(fork_here, NULL)), 9);
	CHECK_EQ((long)fork_here(NULL), 9);
	stop = 1;
	join(t);
}

TEST(many_threads_fork)
{
	pthread_t t[10];

	for (int i = 0; i < 10; i++)
		t[i] = start(fork_here, NULL);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(join(t[i]), 9);
}

static pid_t forked;

static void *fork_and_return(void *unused)
{
	pid_t pid = fork();

	if (pid == 0) {
		sleep_ms(5);
		return unused;
	}
	forked = pid;
	return unused;
}

TEST(the_child_ends_with_its_last_thread)
{
	int status;

	join(start(fork_and_return, NULL));
	CHECK_EQ(waitpid(forked, &status, 0), forked);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void check_self(void)
{
	pthread_t self = pthread_self();

	CHECK_EQ(pthread_kill(self, 0), 0);
	sleep_ms(1);
}

TEST(other_threads_do_not_run_in_the_child)
{
	pthread_t t = start(tick, NULL);
	pid_t pid;
	int status, before;

	sleep_ms(5);
	pid = fork();
	if (pid == 0) {
		before = ticks;
		sleep_ms(20);
		check_self();
		CHECK_EQ(os_threads(), 1);
		_exit(ticks != before);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	stop = 1;
	join(t);
}

static char order[16];

static void note(char c)
{
	order[strlen(order)] = c;
}

static void prepare_a(void)
{
	note('a');
}
static void prepare_b(void)
{
	note('b');
}
static void parent_a(void)
{
	note('A');
}
static void parent_b(void)
{
	note('B');
}
static void child_a(void)
{
	note('1');
}
static void child_b(void)
{
	note('2');
}

TEST(atfork_handlers_run_in_order)
{
	int status;
	pid_t pid;

	CHECK_EQ(pthread_atfork(prepare_a, parent_a, child_a), 0);
	CHECK_EQ(pthread_atfork(prepare_b, parent_b, child_b), 0);
	pid = fork();
	if (pid == 0)
		_exit(strcmp(order, "ba12") != 0);
	CHECK_EQ(strcmp(order, "baAB"), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

TEST(vfork_shares_memory_until_exec)
{
	volatile int seen = 0;
	int fds[2], status;
	char c = 0;
	pid_t pid;

	CHECK_EQ(pipe(fds), 0);
	pid = vfork();
	if (pid == 0) {
		seen = 1;
		close(fds[0]);
		dup2(fds[1], 1);
		execl("/bin/sh", "sh", "-c", "echo x", (char *)NULL);
		_exit(1);
	}
	CHECK(pid > 0);
	CHECK_EQ(seen, 1);
	CHECK_EQ(read(fds[0], &c, 1), 1); /* ours is still open */
	CHECK_EQ(c, 'x');
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	pid = vfork();
	if (pid == 0)
		_exit(4);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 4);
}

static int from_daemon[2];

static void become_daemon(void)
{
	CHECK_EQ(daemon(1, 1), 0);
	work_with_threads();
	CHECK_EQ(write(from_daemon[1], "d", 1), 1);
	_exit(0);
}

TEST(daemon_goes_on_in_the_background)
{
	char c = 0;
	int status;
	pid_t pid;

	CHECK_EQ(pipe(from_daemon), 0);
	pid = fork();
	if (pid == 0)
		become_daemon();
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(read(from_daemon[0], &c, 1), 1);
	CHECK_EQ(c, 'd');
}

/* ---- other programs ----------------------------------------------------- */

static void run_command(void)
{
	CHECK_EQ(system("sleep 0.1; exit 3"), 3 << 8);
}

TEST(system_lets_others_run)
{
	beside_a_ticker(run_command);
}

TEST(system_reports)
{
	struct sigaction a;

	CHECK_EQ(system("true"), 0);
	CHECK(system(NULL) != 0);
	CHECK_EQ(system("kill -9 $$"), 9);
	CHECK_EQ(system("/nonexistent/program 2>/dev/null"), 127 << 8);
	CHECK_EQ(sigaction(SIGINT, NULL, &a), 0);
	CHECK(a.sa_handler == SIG_DFL);
}

static void *run_system(void *status)
{
	*(int *)status = system("exec sleep 30");
	return NULL;
}

TEST(system_can_be_cancelled)
{
	int status = -2;
	pthread_t t = start(run_system, &status);
	struct sigaction a;

	sleep_ms(50);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK(join(t) == PTHREAD_CANCELED);
	CHECK_EQ(status, -2);
	CHECK_ERR(wait(NULL), ECHILD); /* killed and reaped */
	CHECK_EQ(sigaction(SIGINT, NULL, &a), 0);
	CHECK(a.sa_handler == SIG_DFL);
}

static void *run_short(void *arg)
{
	CHECK_EQ(system(arg), 0);
	return NULL;
}

TEST(many_commands_at_once)
{
	char command[] = "sleep 0.05";
	pthread_t t[10];

	for (int i = 0; i < 10; i++)
		t[i] = start(run_short, command);
	for (int i = 0; i < 10; i++)
		join(t[i]);
}

static void read_command(void)
{
	FILE *f = popen("sleep 0.1; echo out; exit 2", "r");
	char line[16] = "";

	CHECK(f != NULL);
	CHECK(fgets(line, sizeof line, f) != NULL);
	CHECK_EQ(strcmp(line, "out\n"), 0);
	CHECK_EQ(pclose(f), 2 << 8);
}

TEST(popen_reads)
{
	read_command();
}

static void close_slow_command(void)
{
	FILE *f = popen("cat >/dev/null; sleep 0.1; exit 1", "w");

	CHECK(f != NULL);
	CHECK(fputs("in\n", f) >= 0);
	CHECK_EQ(pclose(f), 1 << 8);
}

TEST(pclose_lets_others_run)
{
	beside_a_ticker(close_slow_command);
}

TEST(posix_spawn_starts_programs)
{
	char sh[] = "sh", c[] = "-c", command[] = "exit 6";
	char *argv[] = {sh, c, command, NULL};
	pid_t pid;
	int status;

	CHECK_EQ(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 6);
	CHECK_EQ(posix_spawnp(&pid, "sh", NULL, NULL, argv, environ), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(posix_spawn(&pid, "/nonexistent", NULL, NULL, argv, environ),
		 ENOENT);
}

/* SIGUSR1 is 10: bit 9.  No shell: some unblock everything. */
static char *looks_for_usr1[] = {(char[]){"grep"}, (char[]){"-q"},
				 (char[]){"SigBlk:.*[2367abef]..$"},
				 (char[]){"/proc/self/status"}, NULL};

static int status_of_child(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static int usr1_is_blocked(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execvp("grep", looks_for_usr1);
		_exit(126);
	}
	status = status_of_child(pid);
	CHECK_EQ(posix_spawnp(&pid, "grep", NULL, NULL, looks_for_usr1,
			      environ),
		 0);
	CHECK_EQ(status_of_child(pid), status);
	pid = vfork();
	if (pid == 0) {
		execvp("grep", looks_for_usr1);
		_exit(126);
	}
	CHECK_EQ(status_of_child(pid), status);
	return status == 0;
}

static void *block_and_start(void *unused)
{
	sigset_t set;

	(void)unused;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	return (void *)(long)usr1_is_blocked();
}

TEST(programs_get_the_mask_of_their_thread)
{
	CHECK_EQ(join(start(block_and_start, NULL)), 1);
	CHECK_EQ(usr1_is_blocked(), 0);
}

TEST(exec_replaces_the_program)
{
	char *argv[] = {strdup("sh"), strdup("-c"), strdup("exit $V"), NULL};
	char *env[] = {strdup("V=5"), NULL};

	if (fork() == 0) {
		execve("/bin/sh", argv, env);
		_exit(126);
	}
	if (fork() == 0) {
		execle("/bin/sh", "sh", "-c", "exit $V", (char *)NULL, env);
		_exit(126);
	}
	for (int i = 0, status; i < 2; i++) {
		CHECK(wait(&status) > 0);
		CHECK_EQ(WEXITSTATUS(status), 5);
	}
	CHECK_ERR(execv("/nonexistent", argv), ENOENT);
	CHECK_ERR(execvp("nonexistent-program", argv), ENOENT);
	sleep_ms(1);
}
