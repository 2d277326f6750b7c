/* launch.c - a new process, by way of a child that lives in our memory.
 *
 * fork(2) would copy the page tables of a process with a million stacks.  So
 * the child shares our memory, as that of vfork(2), until it has called
 * execve(2), and the calling OS thread stands still until then; but it has a
 * stack of its own.  What it finds here is that of a process in the middle of
 * anything: it calls nothing of libc, takes no lock, runs no signal handler,
 * and leaves nothing behind but an error.
 */
#include "kernel/launch.h"

#include "arch/sanitizer.h"
#include "base/syscall.h"
#include "kernel/libc.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ARG(x) ((long)(uintptr_t)(x))

/* Frames that are never returned from must not be known to a sanitizer. */
#define CHILD static SANITIZER_BLIND

enum { SIGNALS = 64, STANDARD = 3, FAILED = 127 };

/* As the kernel has it. */
struct action {
	uintptr_t handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

/* ---- in the child ------------------------------------------------------- */

/* Our handlers would run here, and in our memory.  What is ignored stays so, as
 * for all programs. */
CHILD void reset_handlers(void)
{
	struct action now, none;

	none.handler = 0;
	none.flags = 0;
	none.restorer = NULL;
	none.mask = 0;
	for (int sig = 1; sig <= SIGNALS; sig++) {
		now.handler = 0;
		raw_syscall(SYS_rt_sigaction, sig, 0, ARG(&now),
			    sizeof now.mask, 0, 0);
		if (now.handler > 1) /* SIG_DFL and SIG_IGN are 0 and 1 */
			raw_syscall(SYS_rt_sigaction, sig, ARG(&none), 0,
				    sizeof none.mask, 0, 0);
	}
}

/* One that is in the way of another's place goes higher first. */
CHILD int clear_the_way(int streams[STANDARD])
{
	for (int i = 0; i < STANDARD; i++) {
		if (streams[i] < 0 || streams[i] >= STANDARD || streams[i] == i)
			continue;
		streams[i] =
			(int)raw_syscall(SYS_fcntl, streams[i], F_DUPFD_CLOEXEC,
					 STANDARD, 0, 0, 0);
		if (streams[i] < 0)
			return streams[i];
	}
	return 0;
}

CHILD int place_streams(int streams[STANDARD])
{
	long err = clear_the_way(streams);

	for (int i = 0; i < STANDARD && err >= 0; i++)
		if (streams[i] == i)
			err = raw_syscall(SYS_fcntl, i, F_SETFD, 0, 0, 0, 0);
		else if (streams[i] >= 0)
			err = raw_syscall(SYS_dup3, streams[i], i, 0, 0, 0, 0);
	if (err >= 0 && streams[2] == LAUNCH_AS_OUT)
		err = raw_syscall(SYS_dup3, 1, 2, 0, 0, 0, 0);
	return err < 0 ? (int)err : 0;
}

/* Our end is told to who is alive to be told: whoever finds another parent now
 * has come too late.  (0 is a parent in another pid namespace.) */
CHILD int tie_to_parent(const struct kernel_launch *k)
{
	long err =
		raw_syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
	long parent = raw_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0);

	if (err < 0)
		return (int)err;
	return parent == k->parent || parent == 0 ? 0 : -ESRCH;
}

CHILD int prepare(struct kernel_launch *k)
{
	long err = place_streams(k->streams);

	if (err == 0 && k->own_group)
		err = raw_syscall(SYS_setpgid, 0, 0, 0, 0, 0, 0);
	if (err == 0 && k->dies_with_us)
		err = tie_to_parent(k);
	if (err == 0 && k->dir)
		err = raw_syscall(SYS_chdir, ARG(k->dir), 0, 0, 0, 0, 0);
	return (int)err;
}

/* Whether the next directory may have it. */
CHILD bool may_be_elsewhere(long err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -EACCES ||
	       err == -ENODEV || err == -ESTALE || err == -ETIMEDOUT;
}

/* Of what was there but must not be run is told before what was nowhere. */
CHILD int run(const struct kernel_launch *k)
{
	long err, told = -ENOENT;

	for (char *const *path = k->paths; *path; path++) {
		err = raw_syscall(SYS_execve, ARG(*path), ARG(k->argv),
				  ARG(k->env), 0, 0, 0);
		if (!may_be_elsewhere(err))
			return (int)err;
		if (err == -EACCES || !path[1])
			told = told == -EACCES ? told : err;
	}
	return (int)told;
}

CHILD int child(void *launch)
{
	struct kernel_launch *k = launch;
	uint64_t none = 0;
	int err;

	reset_handlers();
	err = prepare(k);
	if (err == 0) {
		raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, ARG(&none), 0,
			    sizeof none, 0, 0);
		err = run(k);
	}
	k->error = err;
	raw_syscall(SYS_exit_group, FAILED, 0, 0, 0, 0, 0);
	__builtin_unreachable();
}

/* ---- in the parent ------------------------------------------------------ */

typedef int clone_function(int (*)(void *), void *, int, void *, ...);

/* A jump around the system call, without locks or handlers.  libc's own:
 * ThreadSanitizer's does in the child what is right in a copy of us only. */
static clone_function *libc_clone(void)
{
	void *own = kernel_libc_symbol("clone");

	return own ? (clone_function *)(uintptr_t)own : clone;
}

/* The descriptor is the process itself, whoever waits for its number. */
static int make_child(struct kernel_launch *k)
{
	clone_function *make = libc_clone();
	char *top = k->stack + sizeof k->stack;
	int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;

	k->pidfd = -1;
	k->pid = make(child, top, flags | CLONE_PIDFD, k, &k->pidfd);
	if (k->pid < 0 && errno == EINVAL) {
		k->pidfd = -1;
		k->pid = make(child, top, flags, k);
	}
	return k->pid < 0 ? -errno : 0;
}

/* It has failed, and ends. */
static void bury(struct kernel_launch *k)
{
	idtype_t type = k->pidfd >= 0 ? P_PIDFD : P_PID;
	long id = k->pidfd >= 0 ? k->pidfd : k->pid;

	while (raw_syscall(SYS_waitid, type, id, 0, WEXITED, 0, 0) == -EINTR)
		;
	if (k->pidfd >= 0)
		raw_syscall(SYS_close, k->pidfd, 0, 0, 0, 0, 0);
	k->pidfd = -1;
}

int kernel_real_launch(struct kernel_launch *k)
{
	uint64_t all = ~UINT64_C(0), mask = 0;
	int err, saved = errno;

	k->error = 0;
	k->parent = (pid_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, ARG(&all), ARG(&mask),
		    sizeof mask, 0, 0);
	err = make_child(k);
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, ARG(&mask), 0, sizeof mask,
		    0, 0);
	if (err == 0 && k->error) {
		bury(k);
		err = k->error;
	}
	errno = saved;
	return err;
}
