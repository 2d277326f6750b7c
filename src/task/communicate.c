/* communicate.c - feed a process and read both its outputs, in whatever order
 * it wants that: a pipe that nobody empties would stop it, and it us.
 *
 * Where it was when it was interrupted shows in what the caller has: how much
 * has come in, and which pipes are still open; only how much has gone out is
 * kept with the process.
 */
#include "task/process.h"

#include "io/poll.h"
#include "kernel/calls.h"

#include <signal.h>
#include <string.h>

enum { ROOM_LEAST = 4096, DROPPED = 4096 };

struct talk {
	struct loop *loop;
	struct ramet_process *process;
	const char *in;
	size_t size;
	struct ramet_bytes *got[3]; /* by stream; NULL: dropped */
};

/* ---- its input ---------------------------------------------------------- */

/* The signal is for this OS thread alone, so it is blocked meanwhile, and taken
 * if it has come. */
long ramet__write_quietly(int fd, const void *data, size_t size)
{
	uint64_t pipe = UINT64_C(1) << (SIGPIPE - 1), before = 0, pending = 0;
	struct timespec now = {0, 0};
	long n;

	kernel_call(SYS_rt_sigprocmask, SIG_BLOCK, KERNEL_ARG(&pipe),
		    KERNEL_ARG(&before), sizeof pipe, 0, 0);
	kernel_call(SYS_rt_sigpending, KERNEL_ARG(&pending), sizeof pending, 0,
		    0, 0, 0);
	n = kernel_write(fd, data, size);
	if (n == -EPIPE && !(pending & pipe))
		kernel_call(SYS_rt_sigtimedwait, KERNEL_ARG(&pipe), 0,
			    KERNEL_ARG(&now), sizeof pipe, 0, 0);
	kernel_call(SYS_rt_sigprocmask, SIG_SETMASK, KERNEL_ARG(&before), 0,
		    sizeof before, 0, 0);
	return n;
}

/* Returns 0 or -errno; closes the pipe when all is written, or nobody reads. */
static int feed(struct talk *t)
{
	struct ramet_process *p = t->process;
	int fd = p->fds[RAMET_STDIN];
	long n = 0;

	if (p->written < t->size)
		n = ramet__write_quietly(fd, t->in + p->written,
					 t->size - p->written);
	if (n > 0)
		p->written += (size_t)n;
	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n < 0 || p->written >= t->size)
		ramet__process_close(p, RAMET_STDIN);
	return n < 0 && n != -EPIPE ? (int)n : 0;
}

/* ---- its outputs -------------------------------------------------------- */

/* How much there is at least for what has come: what grew by room's own rule
 * needs nothing to remember it. */
static size_t room_of(const struct ramet_bytes *b)
{
	size_t room = ROOM_LEAST;

	while (room <= b->size)
		room *= 2;
	return b->data ? room : 0;
}

/* Always by libc, as the caller frees it. */
static int grow(struct ramet_bytes *b, size_t room)
{
	char *more = kernel_real_alloc(room ? 2 * room : ROOM_LEAST);

	if (!more)
		return -ENOMEM;
	if (b->size)
		memcpy(more, b->data, b->size);
	kernel_real_free(b->data);
	b->data = more;
	return 0;
}

static long read_into(struct ramet_bytes *b, int fd)
{
	size_t room = room_of(b);
	long n;

	if (room <= b->size + 1) {
		int err = grow(b, room);

		if (err < 0)
			return err;
		room = room ? 2 * room : ROOM_LEAST;
	}
	n = kernel_read(fd, b->data + b->size, room - 1 - b->size);
	if (n > 0)
		b->size += (size_t)n;
	b->data[b->size] = 0;
	return n;
}

static long read_away(int fd)
{
	char dropped[DROPPED];

	return kernel_read(fd, dropped, sizeof dropped);
}

/* Returns 0 or -errno; closes the pipe at its end. */
static int take(struct talk *t, int stream)
{
	int fd = t->process->fds[stream];
	long n = t->got[stream] ? read_into(t->got[stream], fd) : read_away(fd);

	if (n > 0 || n == -EAGAIN || n == -EINTR)
		return 0;
	if (n != -ENOMEM)
		ramet__process_close(t->process, stream);
	return (int)n;
}

/* ---- both --------------------------------------------------------------- */

/* What is ready now, waiting until something is.  Returns -errno, or how many
 * pipes are left. */
static int wait_ready(struct talk *t, struct pollfd fds[3])
{
	struct poll_wait w = {.fds = fds, .count = 3};
	struct timespec now = {0, 0}; /* the kernel writes to it */
	int n = 0, err, left = 0;

	for (int i = 0; i < 3; i++) {
		fds[i].fd = t->process->fds[i];
		fds[i].events = i == RAMET_STDIN ? POLLOUT : POLLIN;
		fds[i].revents = 0;
		left += fds[i].fd >= 0;
	}
	while (left && n == 0) {
		err = ramet__interrupted(t->loop);
		if (err < 0)
			return err;
		n = kernel_ppoll(fds, 3, &now);
		if (n == -EINTR)
			n = 0;
		else if (n == 0)
			err = ramet__poll_wait(t->loop, &w, RAMET_NEVER);
		if (err < 0)
			return err;
	}
	return n < 0 ? n : left;
}

static int talk(struct talk *t)
{
	struct pollfd fds[3];
	int left;

	while ((left = wait_ready(t, fds)) > 0) {
		for (int i = 0; i < 3; i++) {
			int err = 0;

			if (fds[i].fd >= 0 && fds[i].revents)
				err = i == RAMET_STDIN ? feed(t) : take(t, i);
			if (err < 0)
				return err;
		}
		ramet__spend(t->loop);
	}
	return left;
}

/* Something to free, and a NUL, even if nothing comes. */
static int begin_bytes(struct ramet_bytes *b)
{
	return b && !b->data ? grow(b, 0) : 0;
}

static int communicate(struct talk *t)
{
	struct loop *l = t->loop;
	int err = ramet__process_mine(l, t->process);

	if (err == 0)
		err = ramet__interrupted(l);
	for (int i = 1; i < 3 && err == 0; i++)
		err = begin_bytes(t->got[i]);
	if (err == 0)
		err = talk(t);
	if (err == 0)
		err = ramet__process_wait_until(l, t->process, RAMET_NEVER);
	if (err == 0 && t->process->state == PROCESS_GONE)
		err = -ECHILD;
	return err;
}

int ramet_process_communicate(struct ramet_process *p, const void *in,
			      size_t size, struct ramet_bytes *out,
			      struct ramet_bytes *err)
{
	struct talk t = {.loop = ramet__loop(),
			 .process = p,
			 .in = in,
			 .size = size,
			 .got = {NULL, out, err}};

	return (int)ramet__ret(communicate(&t));
}
