/* net.h - addresses of this machine, for the tests of I/O. */
#ifndef NET_H
#define NET_H

#include "test.h"

#include "ramet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static inline struct sockaddr_in loopback(int port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr.sin_port = htons((uint16_t)port);
	return addr;
}

/* A TCP socket with a port of its own, on which nobody listens; *addr is set to
 * its address. */
static inline int bound_socket(struct sockaddr_in *addr)
{
	int fd = ramet_socket(AF_INET, SOCK_STREAM, 0);

	*addr = loopback(0);
	CHECK_EQ(bind(fd, (void *)addr, sizeof *addr), 0);
	*addr = loopback(ramet_port(fd));
	return fd;
}

/* "tcp://HOST:PORT" with the port of a socket, as a string that stays till the
 * next call. */
static inline const char *address_of(const char *host, int fd)
{
	static char text[64];

	snprintf(text, sizeof text, "tcp://%s:%d", host, ramet_port(fd));
	return text;
}

/* A connection, or the test fails. */
static inline int dial(const char *address)
{
	int fd = ramet_dial(address);

	CHECK(fd >= 0);
	return fd;
}

#endif
