/* ramet/process.h - child processes, and signals as a stream. */
#ifndef RAMET_PROCESS_H
#define RAMET_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

#include "ramet/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- processes ----------------------------------------------------------
 *
 * A process belongs to the loop that started it: EPERM elsewhere.  It is the
 * leader of a process group of its own, so that what it starts can be reached.
 */
struct ramet_process;

/* Where a standard stream of the child leads. */
enum {
	RAMET_INHERIT,   /* where ours does */
	RAMET_PIPE,      /* to us */
	RAMET_NULL,      /* to /dev/null */
	RAMET_TO_STDOUT, /* err only: to where its standard output does */
	RAMET_FROM_FD,   /* RAMET_FROM_FD + fd: to that descriptor of ours */
};

struct ramet_process_opts {
	char *const *env; /* NULL: ours */
	const char *dir;  /* its working directory; NULL: ours */
	int in, out, err; /* as above */
	int same_group;   /* no process group of its own: ^C reaches it */
	int dies_with_us; /* SIGKILL when the OS thread that started it ends */
};

/* Start argv[0], looked for in PATH, with the arguments argv, which ends with
 * NULL.  Signals are as for a new program: none is blocked, those that we handle
 * do what they do by default.  No descriptor of ours but the streams is open in
 * it, unless it was made without close-on-exec.  opts may be NULL.
 * Blocks until the program runs.  NULL: ENOENT, EACCES, ENOEXEC, E2BIG (as
 * execve(2)), ENOTDIR (dir), EAGAIN, ENOMEM, EMFILE, EBADF (RAMET_FROM_FD),
 * EINVAL (bad stream, no argv[0]). */
RAMET_API struct ramet_process *ramet_process_start(
	char *const argv[], const struct ramet_process_opts *opts);

/* Close its pipes; if it still runs, kill its tree and wait for it, shielded.
 * NULL is allowed; errno is kept. */
RAMET_API void ramet_process_free(struct ramet_process *p);

RAMET_API pid_t ramet_process_pid(const struct ramet_process *p);

/* Our ends of its pipes, for ramet_read and ramet_write; ramet_process_close
 * closes them.  -1: there is none.  Writing to one that nobody reads raises
 * SIGPIPE, as ever: ignore that. */
RAMET_API int ramet_process_in(const struct ramet_process *p);
RAMET_API int ramet_process_out(const struct ramet_process *p);
RAMET_API int ramet_process_err(const struct ramet_process *p);

/* Close one of them: RAMET_STDIN, ...  Returns 0, or -1: EBADF. */
enum { RAMET_STDIN, RAMET_STDOUT, RAMET_STDERR };
RAMET_API int ramet_process_close(struct ramet_process *p, int stream);

/* Wait until it has ended; *status, if it is not NULL, gets what waitpid(2)
 * gives, each time.  Any number of ramets may.  Blocks.  Returns 0, or -1:
 * ECHILD (somebody else has waited for it). */
RAMET_API int ramet_process_wait(struct ramet_process *p, int *status);

/* Bytes that grow; data is malloc's, ends with a NUL that does not count, and is
 * the caller's to free. */
struct ramet_bytes {
	char *data;
	size_t size;
};

/* Write size bytes to its standard input and close that, read its output and
 * errors to their ends, wait for it.  out and err, which begin as all zero, may
 * be NULL: then that pipe's are dropped.  Streams that are no pipes are left
 * out.  Blocks.  After ETIMEDOUT and ECANCELED what has come is in out and err,
 * and the same call with the same arguments goes on where it was.
 * Returns 0, or -1: ENOMEM, ECHILD; EPIPE is none: it did not want its input. */
RAMET_API int ramet_process_communicate(struct ramet_process *p,
					const void *in, size_t size,
					struct ramet_bytes *out,
					struct ramet_bytes *err);

/* Send a signal to it, or to it, its group, and all that descends from it.
 * Return 0, or -1: ESRCH (it has been waited for), EINVAL, EPERM; for the tree
 * also ENOMEM, EMFILE (only the group was reached). */
RAMET_API int ramet_process_signal(struct ramet_process *p, int sig);
RAMET_API int ramet_process_signal_tree(struct ramet_process *p, int sig);

/* SIGTERM to the tree; after `grace` ns (RAMET_NEVER: never) SIGKILL to what is
 * left of it; wait.  Blocks.  After ETIMEDOUT and ECANCELED it may be called
 * again.  Returns 0, or -1: ECHILD. */
RAMET_API int ramet_process_stop(struct ramet_process *p, int64_t grace,
				 int *status);

/* ---- signals as a stream ------------------------------------------------ */

struct ramet_signals;

/* From now on these `count` signals, sent to the process, come out of
 * ramet_signals_next instead of doing what they did.  The calling OS thread, and
 * those it starts later, have them blocked; there must be no others that do
 * not.  Belongs to the calling loop.  NULL: EINVAL (none; no number; SIGKILL,
 * SIGSTOP, or one of a fault), EBUSY (another stream has one of them), ENOMEM,
 * EMFILE. */
RAMET_API struct ramet_signals *ramet_signals_new(const int *signals,
						  size_t count);

struct ramet_signal {
	int number, code; /* code: si_code of sigaction(2) */
	pid_t pid;        /* who sent it, or the child that it is about */
	uid_t uid;
	int status;    /* SIGCHLD: of the child */
	int64_t value; /* of sigqueue(3) */
};

/* Wait for the next; *signal, if it is not NULL, says who sent it and why.
 * Several of one number that come before it is taken are one, as always.
 * Blocks.  Returns its number, or -1: EPERM. */
RAMET_API int ramet_signals_next(struct ramet_signals *s,
				 struct ramet_signal *signal);

/* They do again what they did before.  NULL is allowed; errno is kept. */
RAMET_API void ramet_signals_free(struct ramet_signals *s);

#ifdef __cplusplus
}
#endif
#endif
