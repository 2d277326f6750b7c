/* path.c - opening and looking at files by name: by a helper, for any name may
 * be on a disk or a network. */
#include "io/request.h"

#include "kernel/calls.h"
#include "ramet/io.h"

#include <limits.h>
#include <string.h>

/* Have a helper make a call on a path.  As ramet__request_perform. */
static int on_path(struct loop *l, struct request *r)
{
	int err = ramet__interrupted(l);

	if (err < 0) {
		ramet__request_drop(l, &r->errand);
		return err;
	}
	err = ramet__request_send(l, r);
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
	r = ramet__request(size + length);
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

	ramet__request_run(e);
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
	ramet__request_drop(l, e);
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
	r->errand.lane = LANE_NONE; /* a named pipe may take for ever */
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
	ramet__request_drop(l, &r->errand);
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
	ramet__request_drop(l, &r->errand);
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
