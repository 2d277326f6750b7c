/* process.c - child processes: start, wait, free.
 *
 * A process is its pidfd: that tells when it ends and takes signals for it, and
 * never means another one, as its number may once it has been waited for.  Who
 * waits looks first, so the first to look after the end gets the status and
 * keeps it for the others.
 */
#include "task/process.h"

#include "io/fd.h"
#include "kernel/calls.h"
#include "kernel/launch.h"
#include "task/child.h"
#include "task/launch.h"
#include "task/tree.h"

#include <signal.h>
#include <string.h>

int ramet__process_mine(struct loop *l, const struct ramet_process *p)
{
	if (!l)
		return -ENOMEM;
	return p->loop == l ? 0 : (int)ramet__misuse(-EPERM);
}

/* ---- streams ------------------------------------------------------------ */

/* A simulation's pipes lead nowhere outside. */
static int real_pipe(int fds[2])
{
	if (strcmp(ramet__kernel->name, "sim") == 0)
		return (int)kernel_real_call(SYS_pipe2, KERNEL_ARG(fds),
					     O_CLOEXEC, 0, 0, 0, 0);
	return kernel_pipe2(fds, O_CLOEXEC);
}

/* Only our end does not block: the child expects what everybody does. */
static int open_pipe(struct ramet_process *p, int stream, int *theirs)
{
	int fds[2], mine = stream == RAMET_STDIN;
	int err = real_pipe(fds);

	if (err < 0)
		return err;
	err = kernel_fcntl(fds[mine], F_SETFL, O_NONBLOCK);
	if (err >= 0)
		err = ramet__fd_new(fds[mine], FD_PIPE, true);
	if (err < 0) {
		kernel_close(fds[0]);
		kernel_close(fds[1]);
		return err;
	}
	p->fds[stream] = fds[mine];
	*theirs = fds[!mine];
	return 0;
}

static int open_null(int *theirs)
{
	static const char null[] = "/dev/null";

	*theirs = (int)kernel_call(SYS_openat, AT_FDCWD, KERNEL_ARG(null),
				   O_RDWR | O_CLOEXEC, 0, 0, 0);
	return *theirs < 0 ? *theirs : 0;
}

static int open_stream(struct ramet_process *p, int stream, int how,
		       int *theirs)
{
	if (how == RAMET_INHERIT)
		return 0;
	if (how == RAMET_PIPE)
		return open_pipe(p, stream, theirs);
	if (how == RAMET_NULL)
		return open_null(theirs);
	if (how == RAMET_TO_STDOUT && stream == RAMET_STDERR) {
		*theirs = LAUNCH_AS_OUT;
		return 0;
	}
	if (how < RAMET_FROM_FD)
		return -EINVAL;
	*theirs = kernel_fcntl(how - RAMET_FROM_FD, F_DUPFD_CLOEXEC, 3);
	return *theirs < 0 ? *theirs : 0;
}

static int open_streams(struct ramet_process *p,
			const struct ramet_process_opts *opts, int theirs[3])
{
	const int how[3] = {opts->in, opts->out, opts->err};
	int err = 0;

	for (int i = 0; i < 3 && err == 0; i++) {
		theirs[i] = LAUNCH_AS_IS;
		err = open_stream(p, i, how[i], &theirs[i]);
		if (err < 0)
			while (i-- > 0)
				if (theirs[i] >= 0)
					kernel_close(theirs[i]);
		if (err < 0)
			break;
	}
	return err;
}

static void close_pipes(struct ramet_process *p)
{
	for (int i = 0; i < 3; i++)
		ramet__process_close(p, i);
}

/* ---- start -------------------------------------------------------------- */

/* Without a table entry it is waited for by number. */
static void take_pidfd(struct ramet_process *p, int pidfd)
{
	p->pidfd = pidfd;
	if (pidfd >= 0 && ramet__fd_new(pidfd, FD_EVENT, true) < 0) {
		kernel_close(pidfd);
		p->pidfd = -1;
	}
}

static int start(struct loop *l, struct ramet_process *p, char *const argv[],
		 const struct ramet_process_opts *opts)
{
	struct launched child;
	int theirs[3];
	int err = open_streams(p, opts, theirs);

	if (err == 0)
		err = ramet__launch(l, argv, opts, theirs, &child);
	if (err < 0) {
		close_pipes(p);
		return err;
	}
	p->pid = child.pid;
	take_pidfd(p, child.pidfd);
	return 0;
}

static struct ramet_process *new_process(char *const argv[],
					 const struct ramet_process_opts *opts,
					 int *err)
{
	static const struct ramet_process_opts none;
	struct loop *l = ramet__loop();
	struct ramet_process *p;

	*err = l ? ramet__interrupted(l) : -ENOMEM;
	if (*err == 0 && (!argv || !argv[0]))
		*err = -EINVAL;
	if (*err < 0)
		return NULL;
	p = kernel_alloc(sizeof *p);
	if (!p) {
		*err = -ENOMEM;
		return NULL;
	}
	opts = opts ? opts : &none;
	*p = (struct ramet_process){.loop = l,
				    .fds = {-1, -1, -1},
				    .pidfd = -1,
				    .own_group = !opts->same_group};
	*err = start(l, p, argv, opts);
	if (*err == 0)
		return p;
	kernel_free(p);
	return NULL;
}

struct ramet_process *ramet_process_start(char *const argv[],
					  const struct ramet_process_opts *opts)
{
	int err;
	struct ramet_process *p = new_process(argv, opts, &err);

	if (!p)
		ramet__fail(err);
	return p;
}

pid_t ramet_process_pid(const struct ramet_process *p)
{
	return p->pid;
}

int ramet_process_in(const struct ramet_process *p)
{
	return p->fds[RAMET_STDIN];
}

int ramet_process_out(const struct ramet_process *p)
{
	return p->fds[RAMET_STDOUT];
}

int ramet_process_err(const struct ramet_process *p)
{
	return p->fds[RAMET_STDERR];
}

int ramet__process_close(struct ramet_process *p, int stream)
{
	int fd;

	if (stream < 0 || stream > 2 || p->fds[stream] < 0)
		return -EBADF;
	fd = p->fds[stream];
	p->fds[stream] = -1;
	return ramet__close(fd);
}

int ramet_process_close(struct ramet_process *p, int stream)
{
	struct loop *l = ramet__loop();
	int err = ramet__process_mine(l, p);

	return (int)ramet__ret(err < 0 ? err : ramet__process_close(p, stream));
}

/* ---- its end ------------------------------------------------------------ */

static int ask(const struct ramet_process *p, siginfo_t *info, int options)
{
	bool known = p->pidfd >= 0;
	long err;

	do {
		info->si_pid = 0;
		err = kernel_call(SYS_waitid, known ? P_PIDFD : P_PID,
				  known ? p->pidfd : p->pid, KERNEL_ARG(info),
				  WEXITED | options, 0, 0);
	} while (err == -EINTR);
	return (int)err;
}

static int status_of(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return (info->si_status & 0xff) << 8;
	return info->si_status | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

/* Its number is free, and the descriptor has told all it had to tell: whoever
 * waits for it looks again. */
static void on_reaped(struct ramet_process *p)
{
	p->reaped = true;
	if (p->pidfd >= 0)
		ramet__close(p->pidfd);
	p->pidfd = -1;
}

/* `options`: WNOHANG or 0. */
static void look(struct ramet_process *p, int options)
{
	siginfo_t info;
	int err;

	if (p->reaped || (p->holds && p->state != PROCESS_RUNS))
		return;
	err = ask(p, &info, options | (p->holds ? WNOWAIT : 0));
	if (err == -ECHILD) {
		p->state = PROCESS_GONE;
		on_reaped(p);
	} else if (err == 0 && info.si_pid) {
		p->state = PROCESS_ENDED;
		p->status = status_of(&info);
		if (!p->holds)
			on_reaped(p);
	}
}

void ramet__process_look(struct ramet_process *p)
{
	look(p, WNOHANG);
}

/* All who wait look, and only one of them has to be told twice: by nobody. */
static int wait_by_pidfd(struct loop *l, struct ramet_process *p, int64_t when)
{
	int err =
		ramet__fd_wait_readable(l, p->pidfd, FD_WAITER_LOOKS,
					WAIT_CHILD,
					(const void *)(uintptr_t)p->pid, when);

	return err == -EBADF ? 0 : err; /* another has reaped it */
}

static int wait_once(struct loop *l, struct ramet_process *p, int64_t when)
{
	bool own = when <= l->current->deadline;
	int err;

	if (p->pidfd < 0) {
		struct ramet_scope scope;

		ramet_scope_open(&scope, when == RAMET_NEVER
						 ? when
						 : when - kernel_now());
		err = ramet__child_wait(l, P_PID, (id_t)p->pid, WEXITED);
		ramet_scope_close(&scope);
	} else {
		err = wait_by_pidfd(l, p, when);
	}
	return err == -ETIMEDOUT && own && when != RAMET_NEVER ? 1 : err;
}

int ramet__process_wait_until(struct loop *l, struct ramet_process *p,
			      int64_t when)
{
	int err = ramet__interrupted(l);

	while (err == 0) {
		ramet__process_look(p);
		if (p->state != PROCESS_RUNS)
			break;
		err = ramet__interrupted(l); /* since it was woken */
		if (err == 0)
			err = wait_once(l, p, when);
	}
	return err;
}

static int wait_for(struct ramet_process *p, int *status)
{
	struct loop *l = ramet__loop();
	int err = ramet__process_mine(l, p);

	if (err == 0) {
		ramet__point(l);
		err = ramet__process_wait_until(l, p, RAMET_NEVER);
		ramet__point(l);
	}
	if (err < 0)
		return err;
	if (p->state == PROCESS_GONE)
		return -ECHILD;
	if (status)
		*status = p->status;
	return 0;
}

int ramet_process_wait(struct ramet_process *p, int *status)
{
	return (int)ramet__ret(wait_for(p, status));
}

/* ---- free --------------------------------------------------------------- */

/* Where nobody can wait (a function of ramet_link) the thread does: it has been
 * killed. */
static void wait_shielded(struct loop *l, struct ramet_process *p)
{
	struct ramet_scope shield;

	ramet_shield_open(&shield, RAMET_NEVER);
	if (ramet__process_wait_until(l, p, RAMET_NEVER) < 0)
		look(p, 0);
	ramet_scope_close(&shield);
}

void ramet_process_free(struct ramet_process *p)
{
	struct loop *l = ramet__loop();
	int saved = errno;

	if (p && ramet__process_mine(l, p) == 0) {
		close_pipes(p);
		ramet__process_look(p);
		if (p->state == PROCESS_RUNS) {
			ramet__tree_kill(l, p);
			wait_shielded(l, p);
		}
		kernel_free(p);
	}
	errno = saved;
}
