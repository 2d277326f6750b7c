/* replaced.h - what a test means when it says recv is what a program under
 * `ramet run` would: the replacement. */
#ifndef REPLACED_H
#define REPLACED_H

#include "pair.h"

#include "io/mode.h"
#include "kernel/guard.h"
#include "patch/hook.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>

#define accept HOOK(accept)
#define accept4 HOOK(accept4)
#define close HOOK(close)
#define close_range HOOK(close_range)
#define closefrom HOOK(closefrom)
#define connect HOOK(connect)
#define dup HOOK(dup)
#define dup2 HOOK(dup2)
#define dup3 HOOK(dup3)
#define eventfd HOOK(eventfd)
#define fcntl HOOK(fcntl)
#define ioctl HOOK(ioctl)
#define pipe HOOK(pipe)
#define pipe2 HOOK(pipe2)
#define preadv2 HOOK(preadv2)
#define pwritev2 HOOK(pwritev2)
#define read HOOK(read)
#define readv HOOK(readv)
#define recv HOOK(recv)
#define recvfrom HOOK(recvfrom)
#define recvmmsg HOOK(recvmmsg)
#define recvmsg HOOK(recvmsg)
#define send HOOK(send)
#define sendfile HOOK(sendfile)
#define sendmmsg HOOK(sendmmsg)
#define sendmsg HOOK(sendmsg)
#define sendto HOOK(sendto)
#define setsockopt HOOK(setsockopt)
#define socket HOOK(socket)
#define socketpair HOOK(socketpair)
#define splice HOOK(splice)
#define tee HOOK(tee)
#define timerfd_create HOOK(timerfd_create)
#define vmsplice HOOK(vmsplice)
#define write HOOK(write)
#define writev HOOK(writev)

/* As under `ramet run`; tests of single patched libraries take it back. */
__attribute__((constructor)) static void patch_all(void)
{
	patch_libc_find();
	ramet__closes_seen = kernel_guards = true;
}

/* ---- pairs that block, as programs make them ---------------------------- */

static inline int new_listener(struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof *addr;

	*addr = loopback(0);
	CHECK_EQ(bind(fd, (void *)addr, size), 0);
	CHECK_EQ(listen(fd, 100), 0);
	CHECK_EQ(getsockname(fd, (void *)addr, &size), 0);
	return fd;
}

/* As if another process might have it, too: accept is completed elsewhere.  The
 * loop keeps what that needs. */
static inline int new_shared_listener(struct sockaddr_in *addr)
{
	int fd = new_listener(addr);

	ramet__mode_fork();
	for (int i = 0; i < 2; i++) /* the first one may fail */
		RAMET_WITHIN(RAMET_MS)
			CHECK_ERR(accept(fd, NULL, NULL), ETIMEDOUT);
	CHECK_EQ(close(fd), 0);
	test_fds_are_kept();
	fd = new_listener(addr);
	ramet__mode_fork();
	return fd;
}

static inline int connected_to(const struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_EQ(connect(fd, (const void *)addr, sizeof *addr), 0);
	return fd;
}

static inline void tcp(int fds[2])
{
	struct sockaddr_in addr;
	int listener = new_listener(&addr);

	fds[0] = connected_to(&addr);
	fds[1] = accept(listener, NULL, NULL);
	CHECK(fds[1] >= 0);
	CHECK_EQ(close(listener), 0);
}

static inline void stream(int fds[2])
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static inline void datagram(int fds[2])
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
}

static inline void seqpacket(int fds[2])
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
}

static inline void a_pipe(int fds[2])
{
	CHECK_EQ(pipe(fds), 0);
}

static inline void fifo(int fds[2])
{
	char path[128];

	snprintf(path, sizeof path, "%s/fifo", test_dir());
	CHECK_EQ(mkfifo(path, 0600), 0);
	fds[0] = open(path, O_RDONLY | O_NONBLOCK);
	fds[1] = open(path, O_WRONLY);
	CHECK(fds[0] >= 0 && fds[1] >= 0);
	CHECK_EQ(fcntl(fds[0], F_SETFL, O_RDONLY), 0);
	CHECK_EQ(unlink(path), 0);
}

/* Raw, so that nothing is echoed or translated: as a pipe. */
static inline void pty(int fds[2])
{
	struct termios t;

	fds[0] = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK(fds[0] >= 0 && grantpt(fds[0]) == 0 && unlockpt(fds[0]) == 0);
	fds[1] = open(ptsname(fds[0]), O_RDWR | O_NOCTTY);
	CHECK(fds[1] >= 0 && tcgetattr(fds[1], &t) == 0);
	cfmakeraw(&t);
	CHECK_EQ(tcsetattr(fds[1], TCSANOW, &t), 0);
}

/* What is written to fds[1] can be read from fds[0]. */
static void (*const makers[])(int fds[2]) = {
	tcp, stream, datagram, seqpacket, a_pipe, fifo, pty,
};

/* So many come first. */
enum { STREAMS = 2, SOCKETS = 4, MAKERS = countof(makers) };

#define FOR_EACH_MAKER(i) for (int i = 0; i < MAKERS; i++)
#define FOR_EACH_STREAM(i)                                                     \
	for (int i = 0; i < MAKERS; i++)                                       \
		if (i < STREAMS || i >= SOCKETS)

static inline void end_pair(const int fds[2])
{
	CHECK_EQ(close(fds[0]), 0);
	CHECK_EQ(close(fds[1]), 0);
}

/* ---- a call in a ramet of its own --------------------------------------- */

enum { UNTOUCHED = 77 }; /* errno */

struct call {
	int fd;
	long result;
	int error;
	size_t size;
	char *buf, few[16];
};

static inline void *read_call(void *p)
{
	struct call *c = p;

	errno = UNTOUCHED;
	c->result = c->buf ? read(c->fd, c->buf, c->size)
			   : read(c->fd, c->few, sizeof c->few);
	c->error = errno;
	return NULL;
}

static inline void *write_call(void *p)
{
	struct call *c = p;

	errno = UNTOUCHED;
	c->result = write(c->fd, c->buf, c->size);
	c->error = errno;
	return NULL;
}

/* What waits for it to come would wait for ever. */
static inline void *write_all_call(void *p)
{
	struct call *c = p;

	write_call(c);
	CHECK_EQ(c->result, (long)c->size);
	return NULL;
}

static inline void *accept_call(void *p)
{
	struct call *c = p;

	errno = UNTOUCHED;
	c->result = accept(c->fd, NULL, NULL);
	c->error = errno;
	return NULL;
}

static inline void check_failed(struct ramet *t, const struct call *c,
				int error)
{
	join(t);
	CHECK_EQ(c->result, -1);
	CHECK_EQ(c->error, error);
}

#endif
