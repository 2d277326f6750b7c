/* dial.h - connections to what has a name, for the layer and those above. */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdint.h>

/* As ramet_dial: a descriptor, or -errno. */
int ramet__dial(const char *address);

/* The same for TCP, to a host by name or number (without brackets). */
int ramet__dial_host(const char *host, uint16_t port);

#endif
