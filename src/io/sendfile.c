/* sendfile.c - a file's bytes into a socket, without passing through the
 * program.
 *
 * sendfile(2) waits for the disk even if the socket does not block, so what of
 * the next part is not in memory a helper reads first.  Two looks (RWF_NOWAIT)
 * at the ends of a part of 128 KiB tell; in between the kernel has read ahead.
 */
#include "io/file.h"
#include "io/iov.h"
#include "io/request.h"
#include "io/sock.h"

#include "kernel/calls.h"

enum {
	PART = 128 * 1024, /* of a file, at a time */
	PAGE = 4096,
};

struct transfer {
	struct io out, in;
	int64_t offset;
	size_t left;
	int64_t fetched; /* up to here it was in memory when looked at */
};

/* ---- what is not in memory ---------------------------------------------- */

static bool is_in_memory(const struct transfer *t, int64_t at)
{
	char byte;
	struct iovec iov = {&byte, 1};

	return kernel_preadv2(t->in.number, &iov, 1, at, RWF_NOWAIT) != -EAGAIN;
}

/* Have a helper read it, for the kernel to have it. */
static int fetch(struct transfer *t, size_t size)
{
	struct request *r;
	int err;

	if (t->offset < t->fetched)
		return 0;
	t->fetched = t->offset + (int64_t)size;
	if (is_in_memory(t, t->offset) &&
	    (size <= PAGE || is_in_memory(t, t->offset + (int64_t)size - 1)))
		return 0;
	r = ramet__request_on(&t->in, size);
	if (!r)
		return -ENOMEM;
	r->errand.op.nr = SYS_pread64;
	r->errand.op.arg[0] = t->in.number;
	r->errand.op.arg[1] = KERNEL_ARG(r->data);
	r->errand.op.arg[2] = (long)size;
	r->errand.op.arg[3] = t->offset;
	err = ramet__request_perform(&t->in, r, true);
	if (err < 0)
		return err;
	ramet__request_drop(t->in.loop, &r->errand);
	return ramet__io_go_on(&t->out); /* it may have been closed */
}

/* ---- one part after the other ------------------------------------------- */

static ssize_t send_part(struct transfer *t)
{
	size_t size = t->left < PART ? t->left : PART;
	off_t at = t->offset;
	long n = fetch(t, size);

	if (t->fetched - at < (int64_t)size)
		size = (size_t)(t->fetched - at);
	if (n < 0)
		return n;
	do
		n = kernel_call(SYS_sendfile, t->out.number, t->in.number,
				KERNEL_ARG(&at), (long)size, 0, 0);
	while (ramet__io_again(&t->out, &n));
	return n;
}

/* Where sendfile(2) will not do: by way of a buffer. */
static ssize_t copy_part(struct transfer *t, char *buf)
{
	size_t size = t->left < PART ? t->left : PART;
	struct iovec iov = {buf, size};
	ssize_t n = ramet__file_readv(&t->in, &iov, 1, t->offset);

	if (n <= 0)
		return n;
	size = (size_t)n;
	n = ramet__io_go_on(&t->out);
	if (n == 0)
		n = ramet__io_send(&t->out, buf, size, 0, NULL, 0);
	return n;
}

/* With a buffer, or with none, by sendfile(2). */
static ssize_t send_all(struct transfer *t, char *buf)
{
	size_t size = t->left;

	while (t->left) {
		ssize_t n = buf ? copy_part(t, buf) : send_part(t);

		if (n < 0)
			return n;
		if (n == 0)
			break;
		t->offset += n;
		t->left -= (size_t)n;
		n = ramet__io_go_on(&t->out);
		if (n == 0)
			n = ramet__io_go_on(&t->in);
		if (n < 0)
			return n;
	}
	return (ssize_t)(size - t->left);
}

static ssize_t copy_all(struct transfer *t)
{
	char *buf = kernel_alloc(PART);
	ssize_t n = buf ? send_all(t, buf) : -ENOMEM;

	kernel_free(buf);
	return n;
}

/* sendfile(2) cannot be told not to wait for a socket of others. */
static bool may_block(const struct io *io)
{
	int flags = io->fd->nonblock ? O_NONBLOCK
				     : kernel_fcntl(io->number, F_GETFL, 0);

	return flags < 0 || !(flags & O_NONBLOCK);
}

ssize_t ramet__io_sendfile(struct io *out, int file, off_t offset, size_t size)
{
	struct transfer t = {.out = *out, .offset = offset, .left = size};
	/* As io/file.c: what can be read of a socket is no matter. */
	ssize_t n = ramet__io_begin(&t.in, file, WAIT_WRITE);
	size_t done;

	if (n == 0 && !io_is_same(&t.out)) /* others have run */
		n = -EBADF;
	if (n < 0)
		return n;
	if (offset < 0)
		return -EINVAL;
	n = may_block(&t.out) ? -EINVAL : send_all(&t, NULL);
	if (n != -EINVAL && n != -ENOSYS)
		return n;
	done = size - t.left;
	n = copy_all(&t);
	return n < 0 ? n : n + (ssize_t)done;
}

ssize_t ramet__sock_sendfile(int number, int file, off_t offset, size_t size)
{
	struct io out;
	int err = ramet__io_begin(&out, number, WAIT_WRITE);

	return err < 0 ? err : ramet__io_sendfile(&out, file, offset, size);
}
