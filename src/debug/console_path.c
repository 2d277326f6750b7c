/* console_path.c - the socket's file: who is there already, and whose it is.
 */
#include "debug/console.h"

#include "kernel/calls.h"

#include <stdio.h>
#include <string.h>

int ramet__console_path(struct console_path *p, const char *path)
{
	struct sockaddr_un *a = &p->addr;
	char number[24];
	size_t used = 0;

	memset(p, 0, sizeof *p);
	a->sun_family = AF_UNIX;
	snprintf(number, sizeof number, "%ld",
		 kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0));
	if (!*path)
		return -EINVAL;
	for (; *path; path++) {
		const char *add = path;
		size_t n = 1;

		if (path[0] == '%' && path[1] == 'p') {
			add = number;
			n = strlen(number);
			path++;
		}
		if (used + n >= sizeof a->sun_path)
			return -ENAMETOOLONG;
		memcpy(a->sun_path + used, add, n);
		used += n;
	}
	return 0;
}

static int look(const struct console_path *p, struct stat *st)
{
	return (int)kernel_call(SYS_newfstatat, AT_FDCWD,
				KERNEL_ARG(p->addr.sun_path), KERNEL_ARG(st),
				AT_SYMLINK_NOFOLLOW, 0, 0);
}

static void unlink_it(const struct console_path *p)
{
	kernel_call(SYS_unlinkat, AT_FDCWD, KERNEL_ARG(p->addr.sun_path), 0, 0,
		    0, 0);
}

static const struct sockaddr *address(const struct console_path *p)
{
	return (const struct sockaddr *)(const void *)&p->addr;
}

/* Others may still have the socket of a process that has died: its children,
 * and for a while the kernel. */
static bool has_died(int fd)
{
	struct ucred peer = {0};
	socklen_t size = sizeof peer;

	return kernel_getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) ==
		       0 &&
	       peer.pid > 0 &&
	       kernel_call(SYS_kill, peer.pid, 0, 0, 0, 0, 0) == -ESRCH;
}

/* Whether what is there may be replaced: 0, or why not. */
static int is_left_behind(const struct console_path *p)
{
	struct stat st;
	int fd, err = look(p, &st);

	if (err < 0)
		return err == -ENOENT ? 0 : err;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = kernel_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			   0);
	if (fd < 0)
		return fd;
	err = kernel_connect(fd, address(p), sizeof p->addr);
	if (err == 0 && has_died(fd))
		err = -ECONNREFUSED;
	kernel_close(fd);
	if (err == -ENOENT || err == -ECONNREFUSED)
		return 0;
	return err == -EACCES || err == -EPROTOTYPE ? err : -EADDRINUSE;
}

/* The mode of the descriptor is that of the file to be: nobody else can connect
 * at any time. */
int ramet__console_bind(struct console_path *p, int fd)
{
	struct stat st;
	int err = (int)kernel_call(SYS_fchmod, fd, 0600, 0, 0, 0, 0);

	if (err < 0)
		return err;
	err = kernel_bind(fd, address(p), sizeof p->addr);
	if (err == -EADDRINUSE) {
		err = is_left_behind(p);
		if (err < 0)
			return err;
		unlink_it(p);
		err = kernel_bind(fd, address(p), sizeof p->addr);
	}
	if (err < 0)
		return err;
	if (look(p, &st) == 0) {
		p->device = st.st_dev;
		p->inode = st.st_ino;
	}
	return kernel_listen(fd, 16);
}

void ramet__console_unlink(struct console_path *p)
{
	struct stat st;

	if (p->inode && look(p, &st) == 0 && st.st_dev == p->device &&
	    st.st_ino == p->inode)
		unlink_it(p);
	p->inode = 0;
}
