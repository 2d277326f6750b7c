/* host.c - "host:port". */
#include "http/host.h"

#include <arpa/inet.h>
#include <string.h>

#include "http/chars.h"

enum { HOST_MAX = 255, IPV6_MAX = INET6_ADDRSTRLEN - 1 };

/* How much of the text is a name: a name such as ".." could leave the directory
 * of a virtual host, so no label is empty. */
static size_t name_size(const char *text, size_t size)
{
	size_t i = 0;

	for (char last = '.'; i < size && char_is(text[i], CHAR_HOST); i++) {
		if (text[i] == '.' && last == '.')
			return 0;
		last = text[i];
	}
	return i;
}

/* How much of the text is an address in brackets; they do not count. */
static size_t ipv6_size(const char *text, size_t size)
{
	const char *end = memchr(text, ']', size);
	char copy[IPV6_MAX + 1];
	struct in6_addr addr;
	size_t n = end ? (size_t)(end - text) - 1 : 0;

	if (!n || n > IPV6_MAX || memchr(text, 0, n))
		return 0;
	memcpy(copy, text + 1, n);
	copy[n] = 0;
	return inet_pton(AF_INET6, copy, &addr) == 1 ? n : 0;
}

/* Behind the colon; none is the same as no colon. */
static int port_parse(const char *text, size_t size, uint16_t *port)
{
	uint32_t n = 0;

	if (size > 5)
		return -EINVAL;
	for (size_t i = 0; i < size; i++) {
		if (!is_digit(text[i]))
			return -EINVAL;
		n = n * 10 + (uint32_t)(text[i] - '0');
	}
	if (n > UINT16_MAX || (size && !n))
		return -EINVAL;
	*port = (uint16_t)n;
	return 0;
}

int ramet__authority_parse(struct authority *a, const char *text, size_t size)
{
	size_t used;

	*a = (struct authority){.host = text};
	if (size && *text == '[') {
		a->ipv6 = true;
		a->host++;
		a->host_size = ipv6_size(text, size);
		used = a->host_size + 2;
	} else {
		used = a->host_size = name_size(text, size);
	}
	if (!a->host_size || a->host_size > HOST_MAX)
		return -EINVAL;
	if (used == size)
		return 0;
	if (text[used] != ':')
		return -EINVAL;
	return port_parse(text + used + 1, size - used - 1, &a->port);
}
