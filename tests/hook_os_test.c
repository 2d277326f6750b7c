/* Children, commands and forks under the patch, called from ramets: what a
 * scope and a cancel do, and who runs meanwhile. */
#include "hooked.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t sleeper(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		for (;;)
			pause();
	}
	return pid;
}

static void end(pid_t pid)
{
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

static pid_t ended_with(int status)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(status);
	return pid;
}

TEST(a_scope_ends_every_wait_for_children)
{
	siginfo_t info;
	pid_t pid;

	find_libc();
	pid = sleeper();
	RAMET_WITHIN(5 * RAMET_MS) {
		CHECK_ERR(HOOK(waitpid)(pid, NULL, 0), ETIMEDOUT);
		CHECK_ERR(HOOK(wait)(NULL), ETIMEDOUT);
	}
	RAMET_WITHIN(5 * RAMET_MS) {
		CHECK_ERR(HOOK(wait)(NULL), ETIMEDOUT);
	}
	RAMET_WITHIN(5 * RAMET_MS) {
		CHECK_ERR(HOOK(waitid)(P_PID, (id_t)pid, &info, WEXITED),
			  ETIMEDOUT);
	}
	RAMET_WITHIN(5 * RAMET_MS) {
		CHECK_ERR(HOOK(waitpid)(pid, NULL, WUNTRACED), ETIMEDOUT);
	}
	end(pid);
}

static void *wait_any(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)HOOK(wait)(NULL);
}

/* The helper that asked for the first is there for the second. */
TEST(a_question_is_asked_once)
{
	int threads;
	pid_t pid;

	find_libc();
	pid = sleeper();
	RAMET_WITHIN(2 * RAMET_MS) {
		CHECK_ERR(HOOK(wait)(NULL), ETIMEDOUT);
	}
	threads = os_threads();
	for (int i = 0; i < 10; i++)
		RAMET_WITHIN(RAMET_MS) {
			CHECK_ERR(HOOK(wait)(NULL), ETIMEDOUT);
		}
	CHECK_EQ(os_threads(), threads);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(HOOK(wait)(NULL), pid);
}

TEST(a_cancelled_ramet_waits_no_more)
{
	struct ramet *t;
	pid_t pid;

	find_libc();
	pid = sleeper();
	t = spawn(wait_any, NULL);
	let_run();
	CHECK_EQ(ramet_cancel(t), 0);
	CHECK_EQ((intptr_t)join(t), -1);
	end(pid);
}

TEST(a_child_that_has_ended_is_found_at_once)
{
	siginfo_t info;
	pid_t pid;
	int status;

	find_libc();
	pid = ended_with(3);
	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(HOOK(waitpid)(pid, &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 3);
	CHECK_ERR(HOOK(waitpid)(pid, &status, 0), ECHILD);
	CHECK_ERR(HOOK(wait)(NULL), ECHILD);
}

TEST(a_pidfd_is_waited_for)
{
	siginfo_t info;
	pid_t pid;
	int fd;

	find_libc();
	pid = sleeper();
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	CHECK(fd >= 0);
	RAMET_WITHIN(5 * RAMET_MS) {
		CHECK_ERR(HOOK(waitid)(P_PIDFD, (id_t)fd, &info, WEXITED),
			  ETIMEDOUT);
	}
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(HOOK(waitid)(P_PIDFD, (id_t)fd, &info, WEXITED), 0);
	CHECK_EQ(info.si_pid, pid);
	close(fd);
}

static struct ramet *interrupted;

static void *interrupt_later(void *unused)
{
	CHECK_EQ(ramet_sleep(5 * RAMET_MS), 0);
	interrupt(interrupted);
	return unused;
}

TEST(a_wait_can_be_interrupted)
{
	struct ramet *t;
	pid_t pid;

	find_libc();
	pid = sleeper();
	interrupted = ramet_self();
	t = spawn(interrupt_later, NULL);
	CHECK_ERR(HOOK(waitpid)(pid, NULL, 0), EINTR);
	join(t);
	t = spawn(interrupt_later, NULL);
	CHECK_ERR(HOOK(wait)(NULL), EINTR);
	join(t);
	end(pid);
}

/* ---- commands ----------------------------------------------------------- */

TEST(a_scope_kills_the_command)
{
	find_libc();
	RAMET_WITHIN(20 * RAMET_MS) {
		CHECK_ERR(HOOK(system)("exec sleep 30"), ETIMEDOUT);
	}
	CHECK_ERR(waitpid(-1, NULL, 0), ECHILD);
	CHECK_EQ(HOOK(system)("exit 4"), 4 << 8);
}

static void *run_command(void *status)
{
	*(int *)status = HOOK(system)("exit 5");
	return NULL;
}

TEST(commands_run_side_by_side)
{
	struct ramet *t[10];
	int status[10];

	find_libc();
	for (int i = 0; i < 10; i++)
		t[i] = spawn(run_command, &status[i]);
	for (int i = 0; i < 10; i++) {
		join(t[i]);
		CHECK_EQ(status[i], 5 << 8);
	}
}

TEST(pclose_waits_beside_others)
{
	int turns = 0;
	struct ramet *t;
	FILE *f;

	find_libc();
	f = HOOK(popen)("sleep 0.05; exit 3", "r");
	CHECK(f);
	t = spawn(count_turns, &turns);
	CHECK_EQ(HOOK(pclose)(f), 3 << 8);
	CHECK(turns > 3);
	ramet_cancel(t);
	join(t);
}

TEST(a_scope_ends_pclose)
{
	FILE *f;

	find_libc();
	f = HOOK(popen)("sleep 0.2", "r");
	CHECK(f);
	RAMET_WITHIN(5 * RAMET_MS) {
		CHECK_ERR(HOOK(pclose)(f), ETIMEDOUT);
	}
	while (waitpid(-1, NULL, WNOHANG) == 0) /* libc reaps it in the end */
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
}

/* ---- fork --------------------------------------------------------------- */

static void *fork_and_wait(void *arg)
{
	int status;
	pid_t pid = HOOK(fork)();

	CHECK(pid >= 0);
	if (pid == 0) {
		if (ramet_sleep(RAMET_MS) < 0)
			_exit(1);
		_exit(2);
	}
	CHECK_EQ(HOOK(waitpid)(pid, &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 2);
	return arg;
}

TEST(ramets_fork_at_the_same_time)
{
	struct ramet *t[8];

	find_libc();
	for (int i = 0; i < 8; i++)
		t[i] = spawn(fork_and_wait, NULL);
	for (int i = 0; i < 8; i++)
		join(t[i]);
}

static void *fork_plainly(void *unused)
{
	int status;
	pid_t pid = HOOK(_Fork)();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(ramet_sleep(RAMET_MS) == 0 ? 2 : 1);
	CHECK_EQ(HOOK(waitpid)(pid, &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 2);
	return unused;
}

TEST(the_fork_without_handlers_makes_a_loop_too)
{
	find_libc();
	fork_plainly(NULL);
	join(spawn(fork_plainly, NULL));
}
