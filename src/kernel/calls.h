/* calls.h - typed system calls through the door: >= 0 or -errno. */
#ifndef KERNEL_CALLS_H
#define KERNEL_CALLS_H

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include "base/syscall.h"
#include "kernel/kernel.h"

/* A pointer or a number as a system call takes it. */
#define KERNEL_ARG(x) ((long)(uintptr_t)(x))

static inline long kernel_call(long nr, long a, long b, long c, long d, long e,
			       long f)
{
	ramet__calls++;
	return ramet__kernel->call(nr, a, b, c, d, e, f);
}

static inline ssize_t kernel_read(int fd, void *buf, size_t size)
{
	return kernel_call(SYS_read, fd, KERNEL_ARG(buf), (long)size, 0, 0, 0);
}

static inline ssize_t kernel_write(int fd, const void *buf, size_t size)
{
	return kernel_call(SYS_write, fd, KERNEL_ARG(buf), (long)size, 0, 0, 0);
}

static inline ssize_t kernel_readv(int fd, const struct iovec *iov, int count)
{
	return kernel_call(SYS_readv, fd, KERNEL_ARG(iov), count, 0, 0, 0);
}

static inline ssize_t kernel_writev(int fd, const struct iovec *iov, int count)
{
	return kernel_call(SYS_writev, fd, KERNEL_ARG(iov), count, 0, 0, 0);
}

/* offset -1: at the file's own position.  The kernel takes it in two halves;
 * on 64-bit machines the second is not looked at. */
static inline ssize_t kernel_preadv2(int fd, const struct iovec *iov, int count,
				     int64_t offset, int flags)
{
	return kernel_call(SYS_preadv2, fd, KERNEL_ARG(iov), count,
			   (long)offset, 0, flags);
}

static inline ssize_t kernel_pwritev2(int fd, const struct iovec *iov,
				      int count, int64_t offset, int flags)
{
	return kernel_call(SYS_pwritev2, fd, KERNEL_ARG(iov), count,
			   (long)offset, 0, flags);
}

static inline int kernel_close(int fd)
{
	return (int)kernel_call(SYS_close, fd, 0, 0, 0, 0, 0);
}

static inline int kernel_dup(int fd)
{
	return (int)kernel_call(SYS_dup, fd, 0, 0, 0, 0, 0);
}

static inline int kernel_dup3(int fd, int target, int flags)
{
	return (int)kernel_call(SYS_dup3, fd, target, flags, 0, 0, 0);
}

static inline int kernel_fcntl(int fd, int cmd, long arg)
{
	return (int)kernel_call(SYS_fcntl, fd, cmd, arg, 0, 0, 0);
}

static inline int kernel_pipe2(int fds[2], int flags)
{
	return (int)kernel_call(SYS_pipe2, KERNEL_ARG(fds), flags, 0, 0, 0, 0);
}

static inline int kernel_fstat(int fd, struct stat *st)
{
	return (int)kernel_call(SYS_fstat, fd, KERNEL_ARG(st), 0, 0, 0, 0);
}

static inline int kernel_ppoll(struct pollfd *fds, size_t count,
			       const struct timespec *timeout)
{
	return (int)kernel_call(SYS_ppoll, KERNEL_ARG(fds), (long)count,
				KERNEL_ARG(timeout), 0, 0, 0);
}

static inline int kernel_socket(int family, int type, int protocol)
{
	return (int)kernel_call(SYS_socket, family, type, protocol, 0, 0, 0);
}

static inline int kernel_socketpair(int family, int type, int protocol,
				    int fds[2])
{
	return (int)kernel_call(SYS_socketpair, family, type, protocol,
				KERNEL_ARG(fds), 0, 0);
}

static inline int kernel_bind(int fd, const struct sockaddr *addr,
			      socklen_t size)
{
	return (int)kernel_call(SYS_bind, fd, KERNEL_ARG(addr), size, 0, 0, 0);
}

static inline int kernel_listen(int fd, int backlog)
{
	return (int)kernel_call(SYS_listen, fd, backlog, 0, 0, 0, 0);
}

static inline int kernel_accept4(int fd, struct sockaddr *addr,
				 socklen_t *size, int flags)
{
	return (int)kernel_call(SYS_accept4, fd, KERNEL_ARG(addr),
				KERNEL_ARG(size), flags, 0, 0);
}

static inline int kernel_connect(int fd, const struct sockaddr *addr,
				 socklen_t size)
{
	return (int)kernel_call(SYS_connect, fd, KERNEL_ARG(addr), size, 0, 0,
				0);
}

static inline int kernel_shutdown(int fd, int how)
{
	return (int)kernel_call(SYS_shutdown, fd, how, 0, 0, 0, 0);
}

static inline ssize_t kernel_recvfrom(int fd, void *buf, size_t size, int flags,
				      struct sockaddr *from,
				      socklen_t *from_size)
{
	return kernel_call(SYS_recvfrom, fd, KERNEL_ARG(buf), (long)size, flags,
			   KERNEL_ARG(from), KERNEL_ARG(from_size));
}

static inline ssize_t kernel_sendto(int fd, const void *buf, size_t size,
				    int flags, const struct sockaddr *to,
				    socklen_t to_size)
{
	return kernel_call(SYS_sendto, fd, KERNEL_ARG(buf), (long)size, flags,
			   KERNEL_ARG(to), to_size);
}

static inline ssize_t kernel_recvmsg(int fd, struct msghdr *msg, int flags)
{
	return kernel_call(SYS_recvmsg, fd, KERNEL_ARG(msg), flags, 0, 0, 0);
}

static inline ssize_t kernel_sendmsg(int fd, const struct msghdr *msg,
				     int flags)
{
	return kernel_call(SYS_sendmsg, fd, KERNEL_ARG(msg), flags, 0, 0, 0);
}

static inline int kernel_getsockopt(int fd, int level, int name, void *value,
				    socklen_t *size)
{
	return (int)kernel_call(SYS_getsockopt, fd, level, name,
				KERNEL_ARG(value), KERNEL_ARG(size), 0);
}

static inline int kernel_setsockopt(int fd, int level, int name,
				    const void *value, socklen_t size)
{
	return (int)kernel_call(SYS_setsockopt, fd, level, name,
				KERNEL_ARG(value), size, 0);
}

static inline int kernel_getsockname(int fd, struct sockaddr *addr,
				     socklen_t *size)
{
	return (int)kernel_call(SYS_getsockname, fd, KERNEL_ARG(addr),
				KERNEL_ARG(size), 0, 0, 0);
}

/* Address space: a pointer, or NULL and *err. */
static inline void *kernel_mmap(size_t size, int prot, int flags, int *err)
{
	long ret = kernel_call(SYS_mmap, 0, (long)size, prot, flags, -1, 0);

	if (ret < 0 && ret > -4096) {
		*err = (int)ret;
		return NULL;
	}
	return (void *)ret;
}

static inline int kernel_munmap(void *start, size_t size)
{
	return (int)kernel_call(SYS_munmap, KERNEL_ARG(start), (long)size, 0, 0,
				0, 0);
}

static inline int kernel_mprotect(void *start, size_t size, int prot)
{
	return (int)kernel_call(SYS_mprotect, KERNEL_ARG(start), (long)size,
				prot, 0, 0, 0);
}

static inline int kernel_madvise(void *start, size_t size, int advice)
{
	return (int)kernel_call(SYS_madvise, KERNEL_ARG(start), (long)size,
				advice, 0, 0, 0);
}

#endif
