/* dial.c - connect to an address, or to the first address of a name that
 * answers. */
#include "net/dial.h"

#include "core/core.h"
#include "io/address.h"
#include "net/names/names.h"
#include "ramet/io.h"
#include "ramet/net.h"

#include <stdio.h>
#include <string.h>

/* ---- names -------------------------------------------------------------- */

/* errno for what a look-up says. */
static int failed(int error, int err)
{
	switch (error) {
	case EAI_SYSTEM:
		return err;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return -ENXIO;
	}
	return -EHOSTUNREACH;
}

/* The first error is that of the address that is preferred. */
static int dial_list(const struct addrinfo *list)
{
	int first = -ENXIO;

	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		struct sockaddr_storage addr = {0};
		int fd;

		memcpy(&addr, a->ai_addr, a->ai_addrlen);
		fd = ramet__address_dial(&addr, a->ai_addrlen, a->ai_socktype);
		if (fd >= 0 || fd == -ETIMEDOUT || fd == -ECANCELED)
			return fd;
		if (a == list)
			first = fd;
	}
	return first;
}

static int dial_name(struct loop *l, const char *host, uint16_t port, int type)
{
	struct addrinfo hints = {.ai_socktype = type,
				 .ai_flags = AI_NUMERICSERV};
	struct addrinfo *list;
	char service[8];
	int error, err = 0;

	snprintf(service, sizeof service, "%u", port);
	error = ramet__names_addrinfo(l, host, service, &hints, &list, &err);
	if (error)
		return failed(error, err);
	err = dial_list(list);
	ramet_freeaddrinfo(list);
	return err;
}

/* ---- strings ------------------------------------------------------------ */

enum { HOST_MAX = 253 }; /* RFC 1035, 2.3.4: 255 octets on the wire */

/* Letters, digits, hyphens, dots, and what else is seen in practice.  What ends
 * in a number is a mistyped address. */
static bool is_host(const char *text, size_t size)
{
	bool number = true;

	for (size_t i = 0; i < size; i++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
			    text[i]))
			return false;
		if (text[i] == '.' && i + 1 < size)
			number = true;
		else if (text[i] != '.' && (text[i] < '0' || text[i] > '9'))
			number = false;
	}
	return !number && size <= HOST_MAX + 1;
}

static int parse_port(const char *text)
{
	int port = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		port = port * 10 + (*text - '0');
		if (port > 65535)
			return -EINVAL;
	}
	return port;
}

/* "tcp://name:port" or "udp://name:port". */
static int dial_text(struct loop *l, const char *text)
{
	bool stream = strncmp(text, "tcp://", 6) == 0;
	char host[HOST_MAX + 2];
	const char *colon;
	size_t size;
	int port;

	if (!stream && strncmp(text, "udp://", 6))
		return -EINVAL;
	text += 6;
	colon = strrchr(text, ':');
	port = colon ? parse_port(colon + 1) : -EINVAL;
	size = colon ? (size_t)(colon - text) : 0;
	if (port < 0 || !is_host(text, size))
		return -EINVAL;
	memcpy(host, text, size);
	host[size] = '\0';
	return dial_name(l, host, (uint16_t)port,
			 stream ? SOCK_STREAM : SOCK_DGRAM);
}

int ramet__dial(const char *address)
{
	struct loop *l = ramet__loop();
	struct sockaddr_storage addr;
	socklen_t size;
	int type;

	if (!l)
		return -ENOMEM;
	type = ramet__address(address, &addr, &size);
	if (type >= 0)
		return ramet__address_dial(&addr, size, type);
	return address ? dial_text(l, address) : -EINVAL;
}

int ramet__dial_host(const char *host, uint16_t port)
{
	struct loop *l = ramet__loop();

	return l ? dial_name(l, host, port, SOCK_STREAM) : -ENOMEM;
}

int ramet_dial(const char *address)
{
	return (int)ramet__ret(ramet__dial(address));
}
