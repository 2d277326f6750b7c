/* process.h - what is known of a child process. */
#ifndef TASK_PROCESS_H
#define TASK_PROCESS_H

#include "core/core.h"
#include "ramet/process.h"

enum process_state {
	PROCESS_RUNS,
	PROCESS_ENDED, /* status is known */
	PROCESS_GONE,  /* somebody else has waited for it */
};

struct ramet_process {
	struct loop *loop;
	pid_t pid;
	int pidfd;  /* -1: this system has none, or it has been reaped */
	int fds[3]; /* our ends of its pipes; -1 */
	enum process_state state;
	int status; /* as of waitpid */
	bool own_group;
	bool reaped;    /* its number may be another's by now */
	uint32_t holds; /* not to be reaped: its number is in use */
	size_t written; /* of communicate's input */
};

/* 0, -EPERM or -ENOMEM. */
int ramet__process_mine(struct loop *l, const struct ramet_process *p);

/* Find out, without waiting, whether it has ended. */
void ramet__process_look(struct ramet_process *p);

/* Wait until it has, at most until `when` (RAMET_NEVER).  Returns 0 (it is not
 * PROCESS_RUNS), 1 (it is `when`), or -errno. */
int ramet__process_wait_until(struct loop *l, struct ramet_process *p,
			      int64_t when);

/* Close our end of one of its pipes, if there is one: 0 or -EBADF. */
int ramet__process_close(struct ramet_process *p, int stream);

/* write(2) without SIGPIPE, which kills programs that write to nobody. */
long ramet__write_quietly(int fd, const void *data, size_t size);

#endif
