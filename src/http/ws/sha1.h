/* sha1.h - SHA-1 (FIPS 180-4), for the hand-shake of WebSocket alone: there it
 * shows that the peer knows the protocol and protects nothing. */
#ifndef HTTP_WS_SHA1_H
#define HTTP_WS_SHA1_H

#include "base/base.h"

enum { SHA1_SIZE = 20 };

/* The digest of a short text: size below 2^29. */
void ramet__sha1(const void *text, size_t size, uint8_t digest[SHA1_SIZE]);

#endif
