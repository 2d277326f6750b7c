/* call.c - how a call on a descriptor waits, and what kind of file it is on. */
#include "io/mode.h"

#include "kernel/calls.h"

#include <netinet/in.h>

/* ---- waiting ------------------------------------------------------------ */

/* What a park of the call returned: why it is to end, if it is not for the
 * event.  Its own time limit is told apart from a scope's. */
int ramet__io_ended(struct io *io, int err)
{
	if (err == -ETIMEDOUT && io->until <= io->loop->current->deadline)
		return -EAGAIN;
	io->expired = err == -ETIMEDOUT || err == -ECANCELED;
	io->interrupted = err == -EINTR;
	return err;
}

int ramet__io_wait(struct io *io)
{
	struct fd *f = io->fd;
	struct ramet_waiter w = {.ramet = io->loop->current};
	int err = io->posix ? ramet__mode_may_wait(io) : 0;

	if (err == 0)
		err = ramet__interrupted(io->loop);
	if (unlikely(err < 0)) /* since the wait before */
		return err == -EAGAIN ? err : ramet__io_ended(io, err);
	err = ramet__fd_watch(io->loop, f, io->number);
	if (unlikely(err < 0)) {
		if (!io_is_same(io))
			return -EBADF;
		return err == -EPERM ? -EAGAIN : err;
	}
	waitq_append(io->wait == WAIT_READ ? &f->readers : &f->writers, &w);
	err = ramet__park_until(io->loop, io->wait,
				(const void *)(intptr_t)io->number, io->until);
	waitq_remove(&w);
	ramet__fd_unwatch(io->loop, f, io->number);
	if (unlikely(err < 0))
		return err == -EBADF ? err : ramet__io_ended(io, err);
	return io_is_same(io) ? 0 : -EBADF;
}

int ramet__io_back_off(struct io *io, int64_t ns)
{
	struct loop *l = io->loop;
	int err = io->posix ? ramet__mode_may_wait(io) : 0;

	if (err < 0)
		return err;
	err = ramet__interrupted(l);
	if (err == 0)
		err = ramet__park_until(l, WAIT_SLEEP, NULL,
					time_add(kernel_now(), ns));
	if (err == -ETIMEDOUT) {
		err = ramet__interrupted(l);
		if (err == 0 && io->until <= l->now)
			return -EAGAIN;
	}
	if (err < 0)
		return ramet__io_ended(io, err);
	return io_is_same(io) ? 0 : -EBADF;
}

/* Why the call is to end; nothing ends one that does not wait. */
static int interrupted(struct io *io)
{
	int err = io->wait == WAIT_NONE ? 0 : ramet__interrupted(io->loop);

	if (likely(err == 0))
		return 0;
	/* Standard error must be heard of whose time is up. */
	if (io->posix && !io_is_socket(ramet__fd_kind(io)))
		return 0;
	return ramet__io_ended(io, err);
}

/* Wait for an event if nothing else can bring data. */
static int ready(struct io *io)
{
	int err = interrupted(io);

	if (unlikely(err < 0) || !io->fd->drained || io->wait != WAIT_READ)
		return err;
	/* Who asks again and again must not be answered from memory. */
	if (unlikely(io->posix && ramet__mode_may_wait(io) < 0)) {
		io->fd->drained = false;
		return 0;
	}
	return ramet__io_wait(io);
}

int ramet__io_go_on(struct io *io)
{
	ramet__point(io->loop);
	ramet__spend(io->loop);
	return io_is_same(io) ? ready(io) : -EBADF;
}

static inline int begin(struct io *io, struct loop *l, int number,
			enum wait wait)
{
	io->loop = l;
	io->number = number;
	io->wait = wait;
	io->may_wait = io->disk_waits = false;
	io->expired = io->interrupted = io->unseen = false;
	io->until = RAMET_NEVER;
	io->fd = ramet__fd(l, number);
	if (unlikely(!io->fd))
		return number < 0 || number >= FD_MAX ? -EBADF : -ENOMEM;
	io->generation = io->fd->generation;
	return ramet__io_go_on(io); /* of others, one may close it */
}

int ramet__io_begin(struct io *io, int number, enum wait wait)
{
	struct loop *l = ramet__loop();

	if (unlikely(!l))
		return -ENOMEM;
	io->posix = false;
	io->send_flags = MSG_NOSIGNAL;
	return begin(io, l, number, wait);
}

int ramet__io_begin_posix(struct io *io, struct loop *l, int number,
			  enum wait wait)
{
	io->posix = true;
	io->send_flags = 0;
	return begin(io, l, number, wait);
}

bool ramet__io_again(struct io *io, long *ret)
{
	struct ramet_waitq *q;

	if (unlikely(*ret == -EINTR)) {
		*ret = interrupted(io);
		if (*ret == 0)
			return true; /* else the event is for the next one */
	} else if (*ret == -EAGAIN) {
		if (io->wait == WAIT_NONE)
			return false;
		*ret = ramet__io_wait(io);
		return *ret == 0;
	}
	q = io->wait == WAIT_WRITE ? &io->fd->writers : &io->fd->readers;
	if (unlikely(q->first != NULL))
		ramet__fd_wake_next(q);
	return false;
}

void ramet__io_read_done(struct io *io, long n, size_t size)
{
	struct fd *f = io->fd;

	if (n > 0 && (size_t)n < size && f->seen && f->watched && !f->no_hint &&
	    ramet__fd_kind(io) == FD_TCP)
		f->drained = true;
}

/* ---- kinds -------------------------------------------------------------- */

static int option(int number, int name)
{
	int value;
	socklen_t size = sizeof value;
	int err = kernel_getsockopt(number, SOL_SOCKET, name, &value, &size);

	return err < 0 ? err : value;
}

/* Only of TCP is it known that a short read leaves nothing behind. */
static enum fd_kind socket_kind(int number)
{
	if (option(number, SO_TYPE) != SOCK_STREAM)
		return FD_DATAGRAM;
	return option(number, SO_PROTOCOL) == IPPROTO_TCP ? FD_TCP : FD_STREAM;
}

static int find_kind(int number)
{
	struct stat st;
	int err = kernel_fstat(number, &st);

	if (err < 0)
		return err;
	switch (st.st_mode & S_IFMT) {
	case S_IFSOCK:
		return socket_kind(number);
	case S_IFREG:
	case S_IFDIR:
	case S_IFBLK:
		return FD_FILE;
	case S_IFCHR:
		return FD_DEVICE;
	case S_IFIFO:
		return FD_PIPE;
	}
	return FD_EVENT;
}

/* What others close and open again may not be seen.  That a socket is none any
 * more is, by ENOTSOCK, so sockets are remembered nevertheless. */
int ramet__fd_kind(struct io *io)
{
	struct fd *f = io->fd;
	int kind = f->kind;

	if (unlikely(kind == FD_UNKNOWN)) {
		kind = find_kind(io->number);
		if (kind < 0)
			return kind;
		if (f->seen || kind <= FD_DATAGRAM)
			f->kind = (uint8_t)kind;
	}
	io->kind = (enum fd_kind)kind;
	return kind;
}
