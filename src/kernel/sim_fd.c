/* sim_fd.c - descriptors and the open files behind them.
 *
 * The lowest free number is used first, as Linux does: a number that is used
 * again at once is what finds those who hold on to the old file.
 */
#include "kernel/sim_state.h"

#include "base/syscall.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* ---- files -------------------------------------------------------------- */

struct sim_file *sim_file_new(enum sim_kind kind, int flags)
{
	struct sim_file *f = calloc(1, sizeof *f);

	if (!f)
		abort(); /* the simulation's own memory is not short */
	f->kind = kind;
	f->flags = flags & O_NONBLOCK;
	f->packets_end = &f->packets;
	f->prev = SIM->last;
	if (SIM->last)
		SIM->last->next = f;
	else
		SIM->first = f;
	SIM->last = f;
	return f;
}

void sim_file_free(struct sim_file *f)
{
	sim_unwatch_all(f, -1);
	switch (f->kind) {
	case SIM_DATAGRAM:
		sim_packets_close(f);
		break;
	case SIM_EVENTFD:
		break;
	default:
		if (f->phase == SIM_LISTENS)
			sim_listener_close(f);
		sim_stream_close(f);
		sim_packets_close(f);
	}
	if (f->prev)
		f->prev->next = f->next;
	else
		SIM->first = f->next;
	if (f->next)
		f->next->prev = f->prev;
	else
		SIM->last = f->prev;
	free(f->in.bytes);
	free(f);
}

/* ---- numbers ------------------------------------------------------------ */

bool sim_has(int fd)
{
	return fd >= 0 && fd < SIM_FDS && (fd >= SIM_FD_FIRST || SIM->fds[fd]);
}

struct sim_file *sim_file(int fd)
{
	return fd >= 0 && fd < SIM_FDS ? SIM->fds[fd] : NULL;
}

static void set(int fd, struct sim_file *f)
{
	f->refs++;
	SIM->fds[fd] = f;
	SIM->counts.descriptors++;
	if (fd >= SIM->top)
		SIM->top = fd + 1;
}

int sim_fd_new(struct sim_file *f)
{
	int fd = SIM->lowest;

	if (sim_fault(SIM_NO_FDS))
		return -EMFILE;
	while (fd < SIM_FDS && SIM->fds[fd])
		fd++;
	if (fd == SIM_FDS)
		return -EMFILE;
	set(fd, f);
	SIM->lowest = fd + 1;
	return fd;
}

int sim_fd_close(int fd)
{
	struct sim_file *f = sim_file(fd);

	if (!f)
		return -EBADF;
	SIM->fds[fd] = NULL;
	SIM->counts.descriptors--;
	if (fd >= SIM_FD_FIRST && fd < SIM->lowest)
		SIM->lowest = fd;
	if (--f->refs == 0)
		sim_file_free(f);
	return sim_fault(SIM_EINTR) ? -EINTR : 0; /* closed in either case */
}

/* Two new files get their numbers, or go. */
int sim_fd_pair(struct sim_file *a, struct sim_file *b, int fds[2])
{
	fds[0] = sim_fd_new(a);
	if (fds[0] < 0) {
		sim_file_free(a);
		sim_file_free(b);
		return -EMFILE;
	}
	fds[1] = sim_fd_new(b);
	if (fds[1] < 0) {
		sim_file_free(b);
		sim_fd_close(fds[0]);
		return -EMFILE;
	}
	return 0;
}

/* To the lowest free number (target -1) or a certain one. */
int sim_fd_dup(int fd, int target)
{
	struct sim_file *f = sim_file(fd);

	if (!f || target >= SIM_FDS)
		return -EBADF;
	if (target < 0)
		return sim_fd_new(f);
	if (sim_file(target))
		sim_fd_close(target);
	else if (target < SIM_FD_FIRST)
		kernel_real_call(SYS_close, target, 0, 0, 0, 0, 0);
	set(target, f);
	return target;
}

/* ---- questions ---------------------------------------------------------- */

int sim_fcntl(int fd, int cmd, long arg)
{
	struct sim_file *f = sim_file(fd);
	bool writes = f->kind != SIM_PIPE_IN, reads = f->kind != SIM_PIPE_OUT;

	switch (cmd) {
	case F_GETFD:
		return FD_CLOEXEC;
	case F_SETFD:
		return 0;
	case F_GETFL:
		return f->flags | (reads && writes ? O_RDWR
				   : reads         ? O_RDONLY
						   : O_WRONLY);
	case F_SETFL:
		f->flags = (int)arg & O_NONBLOCK;
		return 0;
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return sim_fd_dup(fd, -1);
	}
	return -EINVAL;
}

int sim_fstat(const struct sim_file *f, struct stat *st)
{
	memset(st, 0, sizeof *st);
	if (f->kind >= SIM_STREAM)
		st->st_mode = S_IFSOCK | 0777;
	else if (f->kind != SIM_EVENTFD)
		st->st_mode = S_IFIFO | 0600;
	return 0;
}
