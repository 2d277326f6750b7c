/* file.c - regular files: what is cached at once, the rest elsewhere.
 *
 * A call is first tried with RWF_NOWAIT.  Local file systems that do not know
 * that (ext4 when writing, tmpfs) are tried without: nearly always it is a copy
 * in memory, of 2 us, where a helper thread takes 40.  As soon as one takes its
 * time nevertheless, its calls go elsewhere for a while.
 *
 * If a call would wait for a disk, the kernel is asked to complete it by
 * itself; where it cannot, a helper thread makes the call.  Both use memory of
 * the request, never the caller's, so that a caller whose time is up leaves at
 * once: a write that has begun goes on, with the data it was given; a read at
 * the file's own position may move that.
 *
 * Calls at a file's own position take turns, for the kernel has a lock for it
 * on which the loop would wait.  The turns are those of one descriptor in one
 * loop: where a file is shared with duplicates, other loops or processes, the
 * loop may wait for one disk access of theirs.  And the kernel completes such
 * calls without that lock, so they go to helpers.
 */
#include "io/copy.h"
#include "io/file.h"
#include "io/iov.h"
#include "io/request.h"

#include "kernel/calls.h"
#include "ramet/io.h"

#include <limits.h>
#include <linux/magic.h>
#include <sys/vfs.h>

enum {
	CHUNK = 256 * 1024, /* the most that is done at a time */
	DIRECT = 512,       /* O_DIRECT wants multiples of it, or of */
	PAGE = 4096,
	SLOW_NS = 500 * 1000,        /* a call that takes longer has waited */
	AVOID_NS = 50 * 1000 * 1000, /* then */
};

/* ---- reading and writing ------------------------------------------------ */

/* How much of v is done at a time. */
static size_t part(const struct iovs *v)
{
	size_t total = iov_total(v->next, v->count);

	return total < CHUNK ? total : CHUNK;
}

static ssize_t attempt(const struct io *io, const struct iovec *iov,
		       size_t count, int64_t offset, int flags)
{
	if (io->wait == WAIT_READ)
		return kernel_preadv2(io->number, iov, (int)count, offset,
				      flags);
	return kernel_pwritev2(io->number, iov, (int)count, offset, flags);
}

static bool is_local(int number)
{
	struct statfs fs;

	if (kernel_call(SYS_fstatfs, number, KERNEL_ARG(&fs), 0, 0, 0, 0) < 0)
		return false;
	switch (fs.f_type) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case F2FS_SUPER_MAGIC:
	case OVERLAYFS_SUPER_MAGIC:
	case TMPFS_MAGIC:
	case RAMFS_MAGIC:
		return true;
	}
	return false;
}

/* Whether a call that cannot be told not to wait will not, mostly.  What is
 * closed behind our back is asked again each time. */
static bool seldom_waits(struct io *io)
{
	struct fd *f = io->fd;

	if (f->disk_generation != f->generation || !f->seen) {
		f->disk_local =
			ramet__fd_kind(io) == FD_FILE && is_local(io->number);
		f->disk_generation = f->generation;
		f->slow_until = 0;
	}
	return f->disk_local;
}

static bool is_slow(const struct io *io)
{
	const struct fd *f = io->fd;

	return unlikely(f->slow_until && f->disk_generation == f->generation) &&
	       kernel_now() < f->slow_until;
}

static ssize_t attempt_here(struct io *io, const struct iovec *iov,
			    size_t count, int64_t offset)
{
	int64_t start = kernel_now(), end;
	ssize_t n = attempt(io, iov, count, offset, 0);

	end = kernel_now();
	if (unlikely(end - start > SLOW_NS))
		io->fd->slow_until = time_add(end, AVOID_NS);
	return n;
}

/* What can be done without waiting, as far as can be told: -EAGAIN if nothing,
 * -EOPNOTSUPP or -ENOSYS if it cannot be told. */
static ssize_t at_once(struct io *io, const struct iovs *v, int64_t offset)
{
	struct iovec first = v->next[0], *iov = v->next;
	size_t count = v->count;
	ssize_t n;

	if (is_slow(io))
		return -EAGAIN;
	if (iov_total(iov, count) > CHUNK) {
		if (first.iov_len > CHUNK)
			first.iov_len = CHUNK;
		iov = &first;
		count = 1;
	}
	n = attempt(io, iov, count, offset, RWF_NOWAIT);
	if ((n == -EOPNOTSUPP || n == -ENOSYS) && seldom_waits(io))
		n = attempt_here(io, iov, count, offset);
	return n;
}

/* Copy between the first n bytes of v and data.  Returns how many before the
 * first bad pointer of a program that takes us for libc, or -EFAULT. */
static ssize_t copy(const struct io *io, const struct iovs *v, char *data,
		    size_t n, bool to_data)
{
	if (io->posix)
		return ramet__copy_checked(v->next, v->count, data, n, to_data);
	ramet__copy(v->next, data, n, to_data);
	return (ssize_t)n;
}

/* The first n bytes have been read, and some of them have no place to go to:
 * the file's position is after those that have. */
static ssize_t hand_out(const struct io *io, const struct iovs *v, char *data,
			ssize_t n, int64_t offset)
{
	ssize_t out = n > 0 ? copy(io, v, data, (size_t)n, false) : n;
	ssize_t left = n - (out > 0 ? out : 0);

	if (n > 0 && left && offset < 0 &&
	    ramet__number_is(io->number, io->generation))
		kernel_call(SYS_lseek, io->number, -left, SEEK_CUR, 0, 0, 0);
	return out;
}

/* As well aligned as the caller's, for O_DIRECT. */
static void align(struct request *r, const struct iovs *v, size_t size)
{
	uintptr_t room = (uintptr_t)r->room;

	if (((uintptr_t)v->next->iov_base | size) % DIRECT == 0)
		r->data += -room % PAGE;
}

static void describe(struct request *r, bool reading, size_t size,
		     int64_t offset)
{
	struct kernel_op *op = &r->errand.op;

	if (offset >= 0)
		op->nr = reading ? SYS_pread64 : SYS_pwrite64;
	else
		op->nr = reading ? SYS_read : SYS_write;
	op->arg[0] = r->number;
	op->arg[1] = KERNEL_ARG(r->data);
	op->arg[2] = (long)size;
	op->arg[3] = (long)offset;
}

/* What takes its time, of size bytes at most.  If the caller leaves during its
 * turn, the request takes the turn along. */
static ssize_t elsewhere(struct io *io, const struct iovs *v, size_t size,
			 int64_t offset, bool by_kernel, bool *turn)
{
	struct request *r = ramet__request_on(io, size + PAGE);
	bool reading = io->wait == WAIT_READ;
	ssize_t n;

	if (!r)
		return -ENOMEM;
	align(r, v, size);
	if (!reading) {
		n = copy(io, v, r->data, size, true);
		if (n < 0) {
			ramet__request_drop(io->loop, &r->errand);
			return n;
		}
		size = (size_t)n;
	}
	describe(r, reading, size, offset);
	r->turn = *turn;
	*turn = false;
	n = ramet__request_perform(io, r, by_kernel && offset >= 0);
	if (n < 0)
		return n;
	*turn = r->turn;
	r->turn = false;
	n = r->errand.op.result;
	if (reading)
		n = hand_out(io, v, r->data, n, offset);
	ramet__request_drop(io->loop, &r->errand);
	return n;
}

/* Until v is used up, or a call that would have blocked does less than it was
 * told: that one knows best. */
static ssize_t transfer(struct io *io, struct iovs *v, int64_t offset,
			bool *turn)
{
	ssize_t done = 0;

	for (;;) {
		size_t size = part(v);
		ssize_t n = at_once(io, v, offset);
		bool blocked = n == -EAGAIN || n == -EOPNOTSUPP || n == -ENOSYS;

		if (blocked)
			n = elsewhere(io, v, size, offset, n == -EAGAIN, turn);
		if (n < 0 && n != -EINTR)
			return done ? done : n;
		if (n >= 0) {
			done += n;
			iovs_skip(v, (size_t)n);
			if (n == 0 || !v->count ||
			    (blocked && (size_t)n < size))
				return done;
			offset += offset < 0 ? 0 : n;
		}
		n = ramet__io_go_on(io);
		if (n < 0)
			return done ? done : n;
	}
}

static int take_turn(const struct io *io)
{
	while (io->fd->moving) {
		struct ramet_waiter w = {.ramet = io->loop->current};
		int err;

		waitq_append(&io->fd->writers, &w);
		err = ramet__park(io->loop, io->wait,
				  (const void *)(intptr_t)io->number);
		waitq_remove(&w);
		if (err < 0)
			return err;
		if (!ramet__number_is(io->number, io->generation))
			return -EBADF;
	}
	io->fd->moving = true;
	return 0;
}

static int copy_buffers(const struct io *io, struct iovs *v,
			const struct iovec *iov, size_t count)
{
	int err;

	if (!io->unseen)
		return iovs_copy(v, iov, count);
	err = iovs_room(v, count);
	if (err < 0)
		return err;
	err = ramet__copy_in(v->all, iov, count * sizeof *iov);
	if (err < 0)
		iovs_free(v);
	return err;
}

static ssize_t transfer_all(struct io *io, const struct iovec *iov, int count,
			    int64_t offset)
{
	bool turn = offset < 0;
	struct iovs v;
	ssize_t n = turn ? take_turn(io) : 0;

	if (n < 0)
		return n;
	n = copy_buffers(io, &v, iov, (size_t)count);
	if (n == 0) {
		for (; v.count > 1 && !v.next->iov_len; v.count--)
			v.next++;
		n = transfer(io, &v, offset, &turn);
		iovs_free(&v);
	}
	if (turn)
		ramet__request_end_turn(io->fd, io->generation);
	return n;
}

/* No signal ends what follows: a write that has begun goes on, and who were
 * told EINTR would write again.  Returns what interruptible needs. */
static uint16_t uninterruptible(const struct io *io)
{
	struct ramet *me = io->loop->current;
	uint16_t eintr = me->flags & FLAG_EINTR;

	me->flags &= (uint16_t)~FLAG_EINTR;
	return eintr;
}

static void interruptible(const struct io *io, uint16_t eintr)
{
	io->loop->current->flags |= eintr;
}

static ssize_t file_io(struct io *io, const struct iovec *iov, int count,
		       int64_t offset)
{
	uint16_t eintr = uninterruptible(io);
	ssize_t n = transfer_all(io, iov, count, offset);

	interruptible(io, eintr);
	return n;
}

ssize_t ramet__file_readv(struct io *io, const struct iovec *iov, int count,
			  int64_t offset)
{
	io->wait = WAIT_READ;
	return file_io(io, iov, count, offset);
}

ssize_t ramet__file_writev(struct io *io, const struct iovec *iov, int count,
			   int64_t offset)
{
	io->wait = WAIT_WRITE;
	return file_io(io, iov, count, offset);
}

/* Begin a call for which it does not matter what a socket has to read. */
static int begin(struct io *io, int fd)
{
	return ramet__io_begin(io, fd, WAIT_WRITE);
}

static ssize_t at(int fd, void *buf, size_t size, off_t offset, bool reading)
{
	struct iovec iov = {buf, size};
	struct io io;
	int err = begin(&io, fd);

	if (err < 0)
		return err;
	if (offset < 0)
		return -EINVAL;
	return reading ? ramet__file_readv(&io, &iov, 1, offset)
		       : ramet__file_writev(&io, &iov, 1, offset);
}

ssize_t ramet_pread(int fd, void *buf, size_t size, off_t offset)
{
	return ramet__ret(at(fd, buf, size, offset, true));
}

ssize_t ramet_pwrite(int fd, const void *buf, size_t size, off_t offset)
{
	return ramet__ret(at(fd, (void *)(uintptr_t)buf, size, offset, false));
}

/* ---- the rest ----------------------------------------------------------- */

static int sync_file(struct io *io, bool data_only)
{
	struct request *r = ramet__request_on(io, 0);
	int err;

	if (!r)
		return -ENOMEM;
	r->errand.op.nr = data_only ? SYS_fdatasync : SYS_fsync;
	r->errand.op.arg[0] = io->number;
	err = ramet__request_perform(io, r, true);
	if (err < 0)
		return err;
	err = (int)r->errand.op.result;
	ramet__request_drop(io->loop, &r->errand);
	return err;
}

int ramet__file_sync(struct io *io, bool data_only)
{
	uint16_t eintr = uninterruptible(io);
	int err = sync_file(io, data_only);

	interruptible(io, eintr);
	return err;
}

static int fsync_fd(int fd)
{
	struct io io;
	int err = begin(&io, fd);

	return err < 0 ? err : ramet__file_sync(&io, false);
}

int ramet_fsync(int fd)
{
	return (int)ramet__ret(fsync_fd(fd));
}
