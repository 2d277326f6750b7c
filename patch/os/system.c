/* system.c - a command, and its end. */
#include "patch/os/mask.h"

#include "kernel/calls.h"
#include "task/child.h"

#include <unistd.h>

/* SIGINT and SIGQUIT are ignored as long as anybody waits for a command. */
static struct sigaction was_int, was_quit;
static int waiting;

static void ignore_keys(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	if (waiting++)
		return;
	HOOK(sigaction)(SIGINT, &ignore, &was_int);
	HOOK(sigaction)(SIGQUIT, &ignore, &was_quit);
}

static void heed_keys(void)
{
	if (--waiting)
		return;
	HOOK(sigaction)(SIGINT, &was_int, NULL);
	HOOK(sigaction)(SIGQUIT, &was_quit, NULL);
}

/* The shell gets what was in force before.  Returns 0 or an error number. */
static int start(pid_t *pid, const char *command, const sigset_t *mask)
{
	char shell[] = "sh", option[] = "-c";
	char *argv[] = {shell, option, (char *)(uintptr_t)command, NULL};
	posix_spawnattr_t attr;
	sigset_t defaults;
	int err;

	sigemptyset(&defaults);
	if (was_int.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGINT);
	if (was_quit.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGQUIT);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, mask);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	err = libc.posix_spawn(pid, "/bin/sh", NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	return err;
}

static void kill_and_reap(pid_t pid)
{
	kernel_call(SYS_kill, pid, SIGKILL, 0, 0, 0, 0);
	kernel_call(SYS_wait4, pid, 0, 0, 0, 0, 0);
}

/* Returns 0 or -errno: then it was killed; -EINTR: and the caller is to end. */
static int wait_for(struct loop *l, pid_t pid, int *status)
{
	long n;
	int err = 0;

	while ((n = kernel_call(SYS_wait4, pid, KERNEL_ARG(status), WNOHANG, 0,
				0, 0)) == 0) {
		err = ramet__child_wait(l, P_PID, (id_t)pid, WEXITED);
		if (err == -EINTR && !hook_is_cancelled(l)) {
			hook_handle(l);
			err = 0;
		}
		if (err < 0) {
			kill_and_reap(pid);
			return err;
		}
	}
	return n < 0 ? (int)n : 0;
}

static long run(struct loop *l, const char *command)
{
	sigset_t child, mask;
	int status = 127 << 8, err; /* as if the shell had not been found */
	pid_t pid;

	hook_begin(l);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	ignore_keys();
	HOOK(pthread_sigmask)(SIG_BLOCK, &child, &mask);
	err = -start(&pid, command, &mask);
	if (err == 0)
		err = wait_for(l, pid, &status);
	else
		errno = -err, err = 0;
	heed_keys();
	HOOK(pthread_sigmask)(SIG_SETMASK, &mask, NULL);
	if (err == -EINTR)
		hook_handle(l);
	return hook_end(l, err < 0 ? err : status);
}

int HOOK(system)(const char *command)
{
	struct loop *l = hook_loop(RAMET_OS);

	if (!l)
		return libc.system(command);
	if (!command)
		return run(l, "exit 0") == 0;
	return (int)run(l, command);
}
