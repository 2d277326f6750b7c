/* sim_pipe.c - pipes, whose ends are files of their own, and eventfds. */
#include "kernel/sim_state.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/eventfd.h>

/* ---- pipes -------------------------------------------------------------- */

int sim_pipe(int fds[2], int flags)
{
	struct sim_file *in = sim_file_new(SIM_PIPE_IN, flags);
	struct sim_file *out = sim_file_new(SIM_PIPE_OUT, flags);

	in->phase = out->phase = SIM_CONNECTED;
	in->peer = out;
	out->peer = in;
	/* What fits into PIPE_BUF is written whole or not at all. */
	sim_flow_init(&in->in, SIM->room < PIPE_BUF ? PIPE_BUF : SIM->room);
	return sim_fd_pair(in, out, fds);
}

/* ---- eventfd ------------------------------------------------------------ */

int sim_eventfd(unsigned count, int flags)
{
	struct sim_file *f = sim_file_new(SIM_EVENTFD, flags);
	int fd;

	f->counter = count;
	fd = sim_fd_new(f);
	if (fd < 0)
		sim_file_free(f);
	return fd;
}

ssize_t sim_eventfd_read(struct sim_file *f, char *buf, size_t size, int flags)
{
	if (size < sizeof f->counter)
		return -EINVAL;
	if (!f->counter) {
		sim_would_block(f, flags, "reading");
		return -EAGAIN;
	}
	memcpy(buf, &f->counter, sizeof f->counter);
	f->counter = 0;
	sim_changed(f);
	return sizeof f->counter;
}

ssize_t sim_eventfd_write(struct sim_file *f, const char *buf, size_t size,
			  int flags)
{
	uint64_t n;

	if (size < sizeof n)
		return -EINVAL;
	memcpy(&n, buf, sizeof n);
	if (n == UINT64_MAX)
		return -EINVAL;
	if (n > UINT64_MAX - 1 - f->counter) {
		sim_would_block(f, flags, "writing");
		return -EAGAIN;
	}
	f->counter += n;
	sim_changed(f);
	return sizeof n;
}
