/* address.h - address strings, for the layers above. */
#ifndef IO_ADDRESS_H
#define IO_ADDRESS_H

#include <sys/socket.h>

/* As ramet_address: the socket type, or -EINVAL. */
int ramet__address(const char *text, struct sockaddr_storage *addr,
		   socklen_t *size);

/* The number of a port in digits, or -EINVAL. */
int ramet__address_port(const char *text);

/* A socket of that type, with TCP_NODELAY; or -errno. */
int ramet__address_socket(const struct sockaddr_storage *addr, int type);

/* The same, connected. */
int ramet__address_dial(const struct sockaddr_storage *addr, socklen_t size,
			int type);

#endif
