/* file.c - regular files: what is cached at once, the rest elsewhere.
 *
 * A call is first tried with RWF_NOWAIT.  If that would wait for a disk, the
 * kernel is asked to complete it by itself; where it cannot, a helper thread
 * makes the call.  Both use memory of the request, never the caller's, so that
 * a caller whose time is up leaves at once: a write that has begun goes on,
 * with the data it was given; a read at the file's own position may move that.
 *
 * Calls at a file's own position take turns, for the kernel has a lock for it
 * on which the loop would wait.  The turns are those of one descriptor in one
 * loop: where a file is shared with duplicates, other loops or processes, the
 * loop may wait for one disk access of theirs.  And the kernel completes such
 * calls without that lock, so they go to helpers.
 */
#include "io/file.h"
#include "io/iov.h"

#include "core/errand.h"
#include "kernel/calls.h"
#include "ramet/io.h"

#include <limits.h>
#include <string.h>

enum {
	CHUNK = 256 * 1024, /* the most that is done at a time */
	DIRECT = 512,       /* O_DIRECT wants multiples of it, or of */
	PAGE = 4096,
};

/* ---- requests ----------------------------------------------------------- */

struct request {
	struct errand errand;
	int number; /* -1: of no descriptor */
	uint32_t generation;
	struct fd *fd;
	bool turn;   /* ends with it */
	mode_t mode; /* of what was opened */
	char *data;  /* in room */
	char room[];
};

static void end_turn(struct fd *f, uint32_t generation)
{
	struct ramet_waiter *w;

	if (f->generation != generation)
		return;
	f->moving = false;
	while ((w = waitq_take(&f->writers)))
		if (w->ramet->state == STATE_PARKED) {
			ramet__wake(w->ramet, 0);
			return;
		}
}

static void drop(struct loop *l, struct errand *e)
{
	struct request *r = container_of(e, struct request, errand);

	if (l && r->turn)
		end_turn(r->fd, r->generation);
	kernel_free(r);
}

/* By a helper thread. */
static void run(struct errand *e)
{
	struct request *r = container_of(e, struct request, errand);
	const long *arg = e->op.arg;

	e->op.result =
		kernel_call(e->op.nr, arg[0], arg[1], arg[2], arg[3], 0, 0);
	if (r->number >= 0)
		ramet__number_release(r->number);
}

/* A request with room for size bytes, or NULL. */
static struct request *request(size_t size)
{
	struct request *r = kernel_alloc(sizeof *r + size);

	if (!r)
		return NULL;
	r->errand.run = run;
	r->errand.drop = drop;
	r->number = -1;
	r->data = r->room;
	return r;
}

static struct request *request_on(const struct io *io, size_t size)
{
	struct request *r = request(size);

	if (!r)
		return NULL;
	r->number = io->number;
	r->generation = io->generation;
	r->fd = io->fd;
	return r;
}

/* Have a helper do it.  If none can be had the request is dropped. */
static int send_out(struct loop *l, struct request *r)
{
	int err;

	if (r->number >= 0)
		ramet__number_hold(r->number);
	err = ramet__errand_send(l, &r->errand);
	if (err == 0)
		return 0;
	if (r->number >= 0)
		ramet__number_release(r->number);
	drop(l, &r->errand);
	return err;
}

/* Do it, by the kernel if it can.  Returns 0, or -errno: then the caller has
 * left it and must not touch it. */
static int perform(struct io *io, struct request *r, bool by_kernel)
{
	int err = -ENOSYS;

	if (by_kernel)
		err = ramet__errand_submit(io->loop, &r->errand);
	if (err < 0)
		err = send_out(io->loop, r);
	if (err < 0)
		return err;
	return ramet__errand_wait(io->loop, &r->errand, io->wait,
				  (const void *)(intptr_t)io->number,
				  &io->fd->readers);
}

/* ---- reading and writing ------------------------------------------------ */

/* How much of v is done at a time. */
static size_t part(const struct iovs *v)
{
	size_t total = iov_total(v->next, v->count);

	return total < CHUNK ? total : CHUNK;
}

/* What can be done without waiting. */
static ssize_t at_once(const struct io *io, const struct iovs *v,
		       int64_t offset)
{
	struct iovec first = v->next[0], *iov = v->next;
	size_t count = v->count;

	if (iov_total(iov, count) > CHUNK) {
		if (first.iov_len > CHUNK)
			first.iov_len = CHUNK;
		iov = &first;
		count = 1;
	}
	if (io->wait == WAIT_READ)
		return kernel_preadv2(io->number, iov, (int)count, offset,
				      RWF_NOWAIT);
	return kernel_pwritev2(io->number, iov, (int)count, offset, RWF_NOWAIT);
}

/* Copy between the first n bytes of v and data. */
static void copy(const struct iovs *v, char *data, size_t n, bool to_data)
{
	for (const struct iovec *i = v->next; n; i++) {
		size_t some = i->iov_len < n ? i->iov_len : n;

		if (to_data)
			memcpy(data, i->iov_base, some);
		else
			memcpy(i->iov_base, data, some);
		data += some;
		n -= some;
	}
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
	struct request *r = request_on(io, size + PAGE);
	bool reading = io->wait == WAIT_READ;
	ssize_t n;

	if (!r)
		return -ENOMEM;
	align(r, v, size);
	describe(r, reading, size, offset);
	if (!reading)
		copy(v, r->data, size, true);
	r->turn = *turn;
	*turn = false;
	n = perform(io, r, by_kernel && offset >= 0);
	if (n < 0)
		return n;
	*turn = r->turn;
	r->turn = false;
	n = r->errand.op.result;
	if (reading && n > 0)
		copy(v, r->data, (size_t)n, false);
	drop(io->loop, &r->errand);
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

static ssize_t file_io(struct io *io, const struct iovec *iov, int count,
		       int64_t offset)
{
	bool turn = offset < 0;
	struct iovs v;
	ssize_t n = turn ? take_turn(io) : 0;

	if (n < 0)
		return n;
	n = iovs_copy(&v, iov, (size_t)count);
	if (n == 0) {
		for (; v.count > 1 && !v.next->iov_len; v.count--)
			v.next++;
		n = transfer(io, &v, offset, &turn);
		iovs_free(&v);
	}
	if (turn)
		end_turn(io->fd, io->generation);
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

static int fsync_fd(int fd)
{
	struct request *r;
	struct io io;
	int err = begin(&io, fd);

	if (err < 0)
		return err;
	r = request_on(&io, 0);
	if (!r)
		return -ENOMEM;
	r->errand.op.nr = SYS_fsync;
	r->errand.op.arg[0] = fd;
	err = perform(&io, r, true);
	if (err < 0)
		return err;
	err = (int)r->errand.op.result;
	drop(io.loop, &r->errand);
	return err;
}

int ramet_fsync(int fd)
{
	return (int)ramet__ret(fsync_fd(fd));
}

/* Have a helper make a call on a path.  As perform. */
static int on_path(struct loop *l, struct request *r)
{
	int err = ramet__interrupted(l);

	if (err < 0) {
		drop(l, &r->errand);
		return err;
	}
	err = send_out(l, r);
	if (err < 0)
		return err;
	return ramet__errand_wait(l, &r->errand, WAIT_OFFLOAD,
				  (const void *)(uintptr_t)r->errand.run, NULL);
}

/* A request with a copy of path behind `size` bytes: it may outlive the
 * caller's.  Or NULL and *err. */
static struct request *request_for(struct loop *l, const char *path,
				   size_t size, int *err)
{
	size_t length = path ? strnlen(path, PATH_MAX) + 1 : 0;
	struct request *r;

	*err = -ENOMEM;
	if (!l)
		return NULL;
	ramet__point(l);
	ramet__spend(l);
	*err = !path ? -EFAULT : length > PATH_MAX ? -ENAMETOOLONG : -ENOMEM;
	if (!path || length > PATH_MAX)
		return NULL;
	r = request(size + length);
	if (!r)
		return NULL;
	r->data = r->room + size;
	memcpy(r->data, path, length);
	r->errand.op.arg[0] = AT_FDCWD;
	r->errand.op.arg[1] = KERNEL_ARG(r->data);
	return r;
}

/* A named pipe just opened is a new file of our own: O_NONBLOCK spares it the
 * poll(2) before each call. */
static void run_open(struct errand *e)
{
	struct request *r = container_of(e, struct request, errand);
	struct stat st;
	int fd;

	run(e);
	fd = (int)e->op.result;
	if (fd < 0 || kernel_fstat(fd, &st) < 0)
		return;
	r->mode = st.st_mode;
	if (S_ISFIFO(st.st_mode))
		kernel_fcntl(fd, F_SETFL,
			     (e->op.arg[2] & ~(long)O_CLOEXEC) | O_NONBLOCK);
}

/* With what was opened for nobody. */
static void drop_open(struct loop *l, struct errand *e)
{
	if (e->op.result >= 0)
		kernel_close((int)e->op.result);
	drop(l, e);
}

static int register_opened(int fd, mode_t mode)
{
	enum fd_kind kind = FD_UNKNOWN;
	int err;

	if (S_ISREG(mode) || S_ISDIR(mode) || S_ISBLK(mode))
		kind = FD_FILE;
	else if (S_ISFIFO(mode))
		kind = FD_PIPE;
	err = ramet__fd_new(fd, kind, kind != FD_UNKNOWN);
	if (err == 0)
		return fd;
	kernel_close(fd);
	return err;
}

static int open_path(const char *path, int flags, mode_t mode)
{
	struct loop *l = ramet__loop();
	int err;
	struct request *r = request_for(l, path, 0, &err);

	if (!r)
		return err;
	r->errand.run = run_open;
	r->errand.drop = drop_open;
	r->errand.op.nr = SYS_openat;
	r->errand.op.arg[2] = flags | O_CLOEXEC;
	r->errand.op.arg[3] = mode;
	r->errand.op.result = -1;
	err = on_path(l, r);
	if (err < 0)
		return err;
	err = (int)r->errand.op.result;
	mode = r->mode;
	drop(l, &r->errand);
	return err < 0 ? err : register_opened(err, mode);
}

int ramet_open(const char *path, int flags, mode_t mode)
{
	return (int)ramet__ret(open_path(path, flags, mode));
}

static int stat_path(const char *path, struct stat *st)
{
	struct loop *l = ramet__loop();
	int err;
	struct request *r = request_for(l, path, sizeof *st, &err);

	if (!r)
		return err;
	r->errand.op.nr = SYS_newfstatat;
	r->errand.op.arg[2] = KERNEL_ARG(r->room);
	err = on_path(l, r);
	if (err < 0)
		return err;
	err = (int)r->errand.op.result;
	if (err == 0)
		memcpy(st, r->room, sizeof *st);
	drop(l, &r->errand);
	return err;
}

int ramet_stat(const char *path, struct stat *st)
{
	return (int)ramet__ret(stat_path(path, st));
}

/* What is open has its attributes in memory. */
static int fstat_fd(int fd, struct stat *st)
{
	return ramet__loop() ? kernel_fstat(fd, st) : -ENOMEM;
}

int ramet_fstat(int fd, struct stat *st)
{
	return (int)ramet__ret(fstat_fd(fd, st));
}
