/* transfer.c - sendfile, splice and the like: from one descriptor to another
 * without passing through the program.
 *
 * Pipes can be told not to wait.  Sockets cannot: for the length of the one
 * system call they have O_NONBLOCK, if nobody else has them; else a helper
 * thread makes the call.
 */
#include "patch/away/away.h"
#include "patch/socket/call.h"

#include "io/copy.h"
#include "kernel/calls.h"

#include <string.h>

struct transfer {
	struct io in, out;
	long nr, arg[6];
};

enum {
	BOTH_READY_NS = 1000 * 1000,
	CHUNK = 128 * 1024, /* of a file, at a time */
};

/* What ended a call that was made elsewhere, if not the call itself. */
static long ended(struct transfer *t, long n)
{
	if (n == -EINTR || (n < 0 && ramet__interrupted(t->in.loop) == n))
		return ramet__io_ended(&t->out, (int)n);
	return n;
}

/* ---- by a helper thread ------------------------------------------------- */

static long elsewhere(struct transfer *t)
{
	struct away *a = ramet__away(0);

	if (!a)
		return -ENOMEM;
	a->nr = t->nr;
	memcpy(a->arg, t->arg, sizeof a->arg);
	a->number[0] = t->in.number;
	a->number[1] = t->out.number;
	a->interruptible = true;
	return ended(t, ramet__away_make(t->in.loop, a));
}

/* ---- out of a file ------------------------------------------------------- */

/* Where in the file it begins, or -errno: the call will find the same. */
static int64_t position(const struct transfer *t)
{
	long pointer = t->arg[t->nr == SYS_sendfile ? 2 : 1];
	int64_t at;

	if (!pointer)
		return kernel_call(SYS_lseek, t->in.number, 0, SEEK_CUR, 0, 0,
				   0);
	return ramet__copy_in(&at, (const void *)pointer, sizeof at) < 0
		       ? -EFAULT
		       : at;
}

static bool is_in_memory(int number, int64_t at)
{
	char byte;
	struct iovec iov = {&byte, 1};

	return kernel_preadv2(number, &iov, 1, at, RWF_NOWAIT) != -EAGAIN;
}

/* The disk is waited for even with O_NONBLOCK.  So what of the next part is not
 * in memory a helper reads first; the kernel reads ahead from there. */
static long fetch(struct transfer *t)
{
	long *size = &t->arg[t->nr == SYS_sendfile ? 3 : 4];
	int64_t at = position(t);
	struct away *a;
	long n;

	if (*size > CHUNK)
		*size = CHUNK;
	if (at < 0 || *size <= 0 ||
	    (is_in_memory(t->in.number, at) &&
	     is_in_memory(t->in.number, at + *size - 1)))
		return 0;
	a = ramet__away((size_t)*size);
	if (!a)
		return -ENOMEM;
	a->nr = SYS_pread64;
	a->arg[0] = a->number[0] = t->in.number;
	a->arg[1] = KERNEL_ARG(a->room);
	a->arg[2] = *size;
	a->arg[3] = at;
	a->interruptible = true;
	n = ended(t, ramet__away_make(t->in.loop, a));
	return n == -EBADF || t->out.expired || t->out.interrupted ? n : 0;
}

/* ---- here --------------------------------------------------------------- */

static bool reads_file(struct transfer *t)
{
	return (t->nr == SYS_sendfile || t->nr == SYS_splice) &&
	       t->in.loop->hooks & RAMET_FILE &&
	       ramet__fd_kind(&t->in) == FD_FILE;
}

/* Whether it would wait without O_NONBLOCK. */
static bool would_wait(const struct transfer *t, struct io *io)
{
	int kind = ramet__fd_kind(io);

	if (kind < 0 || kind == FD_FILE || ramet__mode_may_wait(io) < 0)
		return false;
	return io_is_socket(kind) || t->nr == SYS_sendfile;
}

static long attempt(struct transfer *t)
{
	bool in = would_wait(t, &t->in), out = would_wait(t, &t->out);
	const long *arg = t->arg;
	long n;

	if ((in && !ramet__mode_is_private(&t->in)) ||
	    (out && !ramet__mode_is_private(&t->out)))
		return elsewhere(t);
	n = reads_file(t) ? fetch(t) : 0;
	if (n < 0)
		return n;
	if (in)
		call_set_nonblock(t->in.number, 1);
	if (out)
		call_set_nonblock(t->out.number, 1);
	n = kernel_call(t->nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	if (in)
		call_set_nonblock(t->in.number, 0);
	if (out)
		call_set_nonblock(t->out.number, 0);
	return n;
}

static int wait_for(struct io *io, struct io *other)
{
	int err = ramet__io_wait(io);

	other->expired |= io->expired;
	other->interrupted |= io->interrupted;
	if (io->until < other->until)
		other->until = io->until;
	return err;
}

/* Wait for the end that is not ready. */
static int wait_either(struct transfer *t)
{
	struct pollfd p[2] = {{t->in.number, POLLIN, 0},
			      {t->out.number, POLLOUT, 0}};
	struct timespec now = {0, 0}; /* the kernel writes to it */
	int n = kernel_ppoll(p, 2, &now);

	if (n < 0)
		return n;
	if (!p[0].revents)
		return wait_for(&t->in, &t->out);
	if (!p[1].revents)
		return wait_for(&t->out, &t->in);
	return ramet__io_back_off(&t->out, BOTH_READY_NS);
}

static long some(struct transfer *t)
{
	long n;

	while ((n = attempt(t)) == -EAGAIN) {
		n = wait_either(t);
		if (n < 0)
			break;
	}
	return n;
}

/* ---- calls -------------------------------------------------------------- */

/* in == out where there is but one. */
static int begin(struct transfer *t, struct loop *l, int in, int out)
{
	int err = ramet__io_begin_posix(&t->in, l, in, WAIT_READ);

	t->out = t->in;
	if (err == 0)
		err = ramet__io_begin_posix(&t->out, l, out, WAIT_WRITE);
	return err;
}

/* All of it: until the input has ended, or no more goes out. */
static long send_file(struct transfer *t, size_t size)
{
	size_t done = 0;
	long n = 0;

	while (n == 0) {
		t->arg[3] = (long)(size - done);
		n = some(t);
		if (n <= 0)
			break;
		done += (size_t)n;
		if (done >= size || ramet__mode_may_wait(&t->out) < 0)
			break;
		n = ramet__io_go_on(&t->out);
	}
	return done ? (long)done : n;
}

ssize_t HOOK(sendfile)(int out, int in, off_t *offset, size_t size)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	struct transfer t = {.nr = SYS_sendfile,
			     .arg = {out, in, KERNEL_ARG(offset)}};
	long n;

	if (!l)
		return libc.sendfile(out, in, offset, size);
	hook_begin(l);
	do {
		n = begin(&t, l, in, out);
		if (likely(n == 0))
			n = send_file(&t, size);
	} while (call_again(&t.out, n));
	return call_end(&t.out, n);
}

ssize_t HOOK(sendfile64)(int out, int in, off64_t *offset, size_t size)
{
	return HOOK(sendfile)(out, in, offset, size);
}

/* A part is as good as all of it.  Who asks not to wait is answered at once. */
static long part(struct loop *l, struct transfer *t, int in, int out,
		 unsigned flags)
{
	long n;

	hook_begin(l);
	do {
		n = begin(t, l, in, out);
		if (likely(n == 0))
			n = flags & SPLICE_F_NONBLOCK ? attempt(t) : some(t);
	} while (call_again(&t->out, n));
	return call_end(&t->out, n);
}

ssize_t HOOK(splice)(int in, off64_t *in_offset, int out, off64_t *out_offset,
		     size_t size, unsigned flags)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	struct transfer t = {
		.nr = SYS_splice,
		.arg = {in, KERNEL_ARG(in_offset), out, KERNEL_ARG(out_offset),
			(long)size, flags | SPLICE_F_NONBLOCK},
	};

	return l ? part(l, &t, in, out, flags)
		 : libc.splice(in, in_offset, out, out_offset, size, flags);
}

ssize_t HOOK(tee)(int in, int out, size_t size, unsigned flags)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	struct transfer t = {
		.nr = SYS_tee,
		.arg = {in, out, (long)size, flags | SPLICE_F_NONBLOCK},
	};

	return l ? part(l, &t, in, out, flags) : libc.tee(in, out, size, flags);
}

/* Out of a pipe it takes what is there, into one it waits for room. */
ssize_t HOOK(vmsplice)(int fd, const struct iovec *iov, size_t count,
		       unsigned flags)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	struct io io;
	long n;

	if (!l)
		return libc.vmsplice(fd, iov, count, flags);
	hook_begin(l);
	do {
		int mode = kernel_fcntl(fd, F_GETFL, 0);
		enum wait wait = mode >= 0 && (mode & O_ACCMODE) == O_RDONLY
					 ? WAIT_READ
					 : WAIT_WRITE;

		n = ramet__io_begin_posix(&io, l, fd, wait);
		if (flags & SPLICE_F_NONBLOCK)
			io.wait = WAIT_NONE;
		if (likely(n == 0))
			do
				n = kernel_call(SYS_vmsplice, fd,
						KERNEL_ARG(iov), (long)count,
						flags | SPLICE_F_NONBLOCK, 0,
						0);
			while (ramet__io_again(&io, &n));
	} while (call_again(&io, n));
	return call_end(&io, n);
}

/* Between files, which only the disk makes wait. */
ssize_t HOOK(copy_file_range)(int in, off64_t *in_offset, int out,
			      off64_t *out_offset, size_t size, unsigned flags)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	struct transfer t = {
		.nr = SYS_copy_file_range,
		.arg = {in, KERNEL_ARG(in_offset), out, KERNEL_ARG(out_offset),
			(long)size, flags},
	};
	long n;

	if (!l || !(l->hooks & RAMET_FILE))
		return libc.copy_file_range(in, in_offset, out, out_offset,
					    size, flags);
	n = begin(&t, l, in, out);
	return call_result(n < 0 ? n : elsewhere(&t));
}
