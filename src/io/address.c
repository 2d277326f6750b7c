/* address.c - listen and dial by address string. */
#include "io/address.h"

#include "io/fd.h"

#include "kernel/calls.h"
#include "ramet/io.h"
#include "ramet/loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>

static const struct scheme {
	const char *prefix;
	int type;
	bool local;
} schemes[] = {
	{"tcp://", SOCK_STREAM, false},
	{"udp://", SOCK_DGRAM, false},
	{"unix://", SOCK_STREAM, true},
	{"unix-dgram://", SOCK_DGRAM, true},
	{"unix-seqpacket://", SOCK_SEQPACKET, true},
};

static const struct scheme *scheme_of(const char *text)
{
	for (size_t i = 0; i < countof(schemes); i++)
		if (strncmp(text, schemes[i].prefix,
			    strlen(schemes[i].prefix)) == 0)
			return &schemes[i];
	return NULL;
}

int ramet__address_port(const char *text)
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

/* "host:port" or "[v6]:port"; an empty host stays "any". */
static int parse_ip(const char *text, struct sockaddr_storage *addr,
		    socklen_t *size)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)addr;
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN];
	int port = colon ? ramet__address_port(colon + 1) : -EINVAL;
	size_t n = colon ? (size_t)(colon - text) : 0;
	bool brackets = n >= 2 && text[0] == '[' && text[n - 1] == ']';

	if (port < 0)
		return port;
	if (brackets) {
		text++;
		n -= 2;
	}
	if (n >= sizeof host)
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if (brackets) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*size = sizeof *v6;
		return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1 ? 0
								      : -EINVAL;
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	*size = sizeof *v4;
	return !n || inet_pton(AF_INET, host, &v4->sin_addr) == 1 ? 0 : -EINVAL;
}

/* A path, or "@name" for the abstract name space. */
static int parse_path(const char *text, struct sockaddr_storage *addr,
		      socklen_t *size)
{
	struct sockaddr_un *un = (struct sockaddr_un *)addr;
	size_t n = strlen(text);

	if (n < (*text == '@' ? 2 : 1) || n >= sizeof un->sun_path)
		return -EINVAL;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, text, n);
	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (*text == '@')
		un->sun_path[0] = '\0';
	else
		++*size;
	return 0;
}

int ramet__address(const char *text, struct sockaddr_storage *addr,
		   socklen_t *size)
{
	const struct scheme *scheme = text ? scheme_of(text) : NULL;
	int err;

	if (!scheme)
		return -EINVAL;
	memset(addr, 0, sizeof *addr);
	text += strlen(scheme->prefix);
	err = scheme->local ? parse_path(text, addr, size)
			    : parse_ip(text, addr, size);
	return err < 0 ? err : scheme->type;
}

int ramet_address(const char *text, struct sockaddr_storage *addr,
		  socklen_t *size)
{
	return (int)ramet__ret(ramet__address(text, addr, size));
}

/* A socket for the address in text. */
static int open_for(const char *text, struct sockaddr_storage *addr,
		    socklen_t *size, int *type)
{
	if (!ramet__loop())
		return -ENOMEM;
	*type = ramet__address(text, addr, size);
	return *type < 0 ? *type : ramet__socket(addr->ss_family, *type, 0);
}

/* Of a listener, those it accepts inherit it. */
static int send_at_once(int fd, const struct sockaddr_storage *addr, int type)
{
	int one = 1;

	if (addr->ss_family == AF_UNIX || type != SOCK_STREAM)
		return 0;
	return kernel_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
				 sizeof one);
}

/* Let the address be taken again at once after a restart; `option` may be
 * SO_REUSEPORT as well. */
static int set_reuse(int fd, int family, int option)
{
	int one = 1, err;

	if (family == AF_UNIX)
		return option == SO_REUSEADDR ? 0 : -EOPNOTSUPP;
	err = kernel_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (err == 0 && option != SO_REUSEADDR)
		err = kernel_setsockopt(fd, SOL_SOCKET, option, &one,
					sizeof one);
	return err;
}

static int listen_on(const char *text, int option)
{
	struct sockaddr_storage addr;
	socklen_t size;
	int type, err;
	int fd = open_for(text, &addr, &size, &type);

	if (fd < 0)
		return fd;
	err = set_reuse(fd, addr.ss_family, option);
	if (err < 0)
		goto close_fd;
	err = send_at_once(fd, &addr, type);
	if (err < 0)
		goto close_fd;
	err = kernel_bind(fd, (struct sockaddr *)&addr, size);
	if (err < 0)
		goto close_fd;
	if (type != SOCK_DGRAM)
		err = kernel_listen(fd, INT_MAX); /* the system's limit */
	if (err < 0)
		goto close_fd;
	return fd;

close_fd:
	ramet__close(fd);
	return err;
}

int ramet_listen(const char *address)
{
	return (int)ramet__ret(listen_on(address, SO_REUSEADDR));
}

int ramet_listen_shared(const char *address)
{
	return (int)ramet__ret(listen_on(address, SO_REUSEPORT));
}

int ramet__address_socket(const struct sockaddr_storage *addr, int type)
{
	int fd = ramet__socket(addr->ss_family, type, 0);
	int err = fd < 0 ? fd : send_at_once(fd, addr, type);

	if (fd >= 0 && err < 0) {
		ramet__close(fd);
		return err;
	}
	return fd;
}

int ramet__address_dial(const struct sockaddr_storage *addr, socklen_t size,
			int type)
{
	int fd = ramet__address_socket(addr, type), err;

	if (fd < 0)
		return fd;
	err = ramet__connect(fd, (const struct sockaddr *)addr, size);
	if (err == 0)
		return fd;
	ramet__close(fd);
	return err;
}

static int port_of(int fd)
{
	struct sockaddr_storage addr = {0};
	socklen_t size = sizeof addr;
	int err = kernel_getsockname(fd, (struct sockaddr *)&addr, &size);

	if (err < 0)
		return err;
	if (addr.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&addr)->sin_port);
	if (addr.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&addr)->sin6_port);
	return 0;
}

int ramet_port(int fd)
{
	return (int)ramet__ret(ramet__loop() ? port_of(fd) : -ENOMEM);
}
