/* listen.h - what the servers in C share: a listening socket, its port printed,
 * and an end in any case. */
#ifndef LISTEN_H
#define LISTEN_H

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IDLE_S = 30 };

static inline void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* type: SOCK_STREAM and perhaps SOCK_NONBLOCK. */
static inline int listen_here(int type)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t size = sizeof addr;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 ||
	    listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &size) < 0)
		fail("listen");
	alarm(600); /* whatever becomes of who started this */
	printf("%d\n", ntohs(addr.sin_port));
	fflush(stdout);
	return fd;
}

static inline size_t buffer_size_of(int argc, char **argv)
{
	return argc > 1 ? strtoul(argv[1], NULL, 10) : 8192;
}

#endif
