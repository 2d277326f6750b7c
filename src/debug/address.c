/* address.c - of the families that people connect by. */
#include "debug/address.h"

#include "kernel/calls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
	struct sockaddr_storage room;
};

static void put_path(char *text, const char *path, size_t size)
{
	char *at = stpcpy(text, *path ? "unix:" : "unix:@");

	for (size_t i = !*path; i < size && path[i]; i++)
		*at++ = path[i];
	*at = '\0';
}

static void put(char text[ADDRESS_TEXT], const union address *a, socklen_t size)
{
	size_t path = offsetof(struct sockaddr_un, sun_path);
	char ip[INET6_ADDRSTRLEN];

	*text = '\0';
	if (a->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a->v4.sin_addr, ip, sizeof ip);
		snprintf(text, ADDRESS_TEXT, "%s:%d", ip,
			 ntohs(a->v4.sin_port));
	} else if (a->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a->v6.sin6_addr, ip, sizeof ip);
		snprintf(text, ADDRESS_TEXT, "[%s]:%d", ip,
			 ntohs(a->v6.sin6_port));
	} else if (a->any.sa_family == AF_UNIX && size > path) {
		put_path(text, a->local.sun_path, size - path);
	}
}

bool ramet__address_here(int fd, char text[ADDRESS_TEXT])
{
	union address a;
	socklen_t size = sizeof a;

	if (kernel_getsockname(fd, &a.any, &size) < 0)
		return false;
	put(text, &a, size);
	return true;
}

bool ramet__address_peer(int fd, char text[ADDRESS_TEXT])
{
	union address a;
	socklen_t size = sizeof a;

	if (kernel_call(SYS_getpeername, fd, KERNEL_ARG(&a), KERNEL_ARG(&size),
			0, 0, 0) < 0)
		return false;
	put(text, &a, size);
	return true;
}
