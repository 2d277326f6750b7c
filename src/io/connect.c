/* connect.c - connections under way.
 *
 * A socket of others may block in connect(2), and its O_NONBLOCK is not ours to
 * set: a helper thread makes the call, on a duplicate that nobody else closes.
 * Whoever gives up waiting ends it by a shutdown and leaves it behind.
 */
#include "core/errand.h"
#include "io/call.h"
#include "io/copy.h"

#include "kernel/calls.h"
#include "ramet/io.h"

#include <string.h>

enum { BACKLOG_FULL_NS = 10 * 1000 * 1000 };

/* ---- by a helper thread ------------------------------------------------- */

struct blocking {
	struct errand errand;
	int users;  /* atomic: the errand, and the caller until it leaves */
	int number; /* the duplicate */
	int result;
	socklen_t size;
	struct sockaddr_storage addr;
};

static void run(struct errand *e)
{
	struct blocking *b = container_of(e, struct blocking, errand);

	b->result =
		kernel_connect(b->number, (struct sockaddr *)&b->addr, b->size);
}

static void put(struct blocking *b)
{
	if (__atomic_sub_fetch(&b->users, 1, __ATOMIC_ACQ_REL))
		return;
	if (b->number >= 0)
		kernel_close(b->number);
	kernel_free(b);
}

static void drop(struct loop *l, struct errand *e)
{
	(void)l;
	put(container_of(e, struct blocking, errand));
}

static struct blocking *new_blocking(int number, const struct sockaddr *addr,
				     socklen_t size)
{
	struct blocking *b = kernel_alloc(sizeof *b);

	if (!b)
		return NULL;
	b->errand.run = run;
	b->errand.drop = drop;
	b->users = 2;
	b->number = kernel_fcntl(number, F_DUPFD_CLOEXEC, 0);
	b->size = size;
	memcpy(&b->addr, addr, size);
	return b;
}

int ramet__io_connect_elsewhere(struct io *io, const struct sockaddr *addr,
				socklen_t size)
{
	struct sockaddr_storage copy;
	struct blocking *b;
	int err;

	if (io->posix) {
		if (ramet__copy_in(&copy, addr, size) < 0)
			return -EFAULT;
		addr = (struct sockaddr *)&copy;
	}
	b = new_blocking(io->number, addr, size);
	if (!b)
		return -ENOMEM;
	err = b->number < 0 ? b->number
			    : ramet__errand_send(io->loop, &b->errand);
	if (err == 0) {
		err = ramet__errand_wait(io->loop, &b->errand, WAIT_WRITE,
					 (const void *)(intptr_t)io->number,
					 &io->fd->writers);
		if (err < 0) {
			/* A signal ends the call, but not the connection. */
			if (err != -EINTR)
				kernel_shutdown(b->number, SHUT_RDWR);
			put(b);
			return err;
		}
		err = b->result;
	}
	put(b);
	put(b);
	return err;
}

/* ---- here --------------------------------------------------------------- */

static bool may_block(const struct io *io)
{
	int flags = io->fd->nonblock ? O_NONBLOCK
				     : kernel_fcntl(io->number, F_GETFL, 0);

	return flags >= 0 && !(flags & O_NONBLOCK);
}

static int connect_now(struct io *io, const struct sockaddr *addr,
		       socklen_t size)
{
	long n = kernel_connect(io->number, addr, size);

	/* The backlog of a UNIX listener is full, and nothing will tell when
	 * it is not. */
	while (n == -EAGAIN && addr->sa_family == AF_UNIX) {
		n = ramet__io_back_off(io, BACKLOG_FULL_NS);
		if (n == 0)
			n = kernel_connect(io->number, addr, size);
	}
	if (n != -EINPROGRESS && n != -EALREADY)
		return (int)n;
	do { /* to ask again is to ask what became of it */
		n = kernel_connect(io->number, addr, size);
		if (n == -EINPROGRESS || n == -EALREADY)
			n = -EAGAIN;
	} while (ramet__io_again(io, &n));
	return n == -EISCONN ? 0 : (int)n;
}

int ramet__connect(int number, const struct sockaddr *addr, socklen_t size)
{
	struct io io;
	int err = ramet__io_begin(&io, number, WAIT_WRITE);

	if (err < 0)
		return err;
	if (size > sizeof(struct sockaddr_storage))
		return -EINVAL;
	return may_block(&io) ? ramet__io_connect_elsewhere(&io, addr, size)
			      : connect_now(&io, addr, size);
}

int ramet_connect(int fd, const struct sockaddr *addr, socklen_t size)
{
	return (int)ramet__ret(ramet__connect(fd, addr, size));
}
