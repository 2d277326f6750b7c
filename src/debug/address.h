/* address.h - what a socket is called at its two ends. */
#ifndef DEBUG_ADDRESS_H
#define DEBUG_ADDRESS_H

#include "base/base.h"

enum { ADDRESS_TEXT = 128 };

/* "10.0.0.1:80", "[::1]:80", "unix:/path", "unix:@name" or, where there is no
 * name, "": the end here, or the peer's.  False: fd is no socket, or has no
 * peer. */
bool ramet__address_here(int fd, char text[ADDRESS_TEXT]);
bool ramet__address_peer(int fd, char text[ADDRESS_TEXT]);

#endif
