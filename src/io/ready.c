/* ready.c - descriptors of a language runtime, which makes its calls by itself
 * and waits here. */
#include "io/call.h"

#include "ramet/host.h"

#include <poll.h>

static int await(int number, int events, int64_t when)
{
	struct loop *l = ramet__loop();
	struct io io = {.loop = l,
			.number = number,
			.wait = events & POLLOUT ? WAIT_WRITE : WAIT_READ,
			.until = when};
	int err;

	if (!l)
		return -ENOMEM;
	io.fd = ramet__fd(l, number);
	if (!io.fd)
		return number < 0 || number >= FD_MAX ? -EBADF : -ENOMEM;
	io.generation = io.fd->generation;
	err = ramet__io_wait(&io);
	if (err != -EAGAIN)
		return err;
	/* Its time is up, or it is a file: always ready. */
	return when <= kernel_now() ? -ETIMEDOUT : 0;
}

int ramet_host_await(int fd, int events, int64_t when)
{
	return (int)ramet__ret(await(fd, events, when));
}

void ramet_host_pass(int fd, int events)
{
	struct loop *l = ramet__this_loop;
	struct fd *f = l ? ramet__fd(l, fd) : NULL;

	if (f)
		ramet__fd_wake_next(events & POLLOUT ? &f->writers
						     : &f->readers);
}

int ramet_host_drained(int fd)
{
	struct loop *l = ramet__this_loop;
	struct fd *f = l ? ramet__fd(l, fd) : NULL;

	return f && f->drained;
}

int ramet_host_adopt(int fd, int family, int type, int protocol)
{
	if (!ramet__loop())
		return (int)ramet__fail(-ENOMEM);
	return (int)ramet__ret(
		ramet__fd_new(fd, ramet__socket_kind(family, type, protocol),
			      true));
}

void ramet_host_disown(int fd)
{
	ramet__fd_forget(fd);
}
