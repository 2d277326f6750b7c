/* text.h - why a call failed, for people to read. */
#ifndef NET_TLS_TEXT_H
#define NET_TLS_TEXT_H

#include "core/core.h"

enum { TLS_TEXT = 256 };

/* Of the calling ramet.  Without memory nothing is said. */
void ramet__tls_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Its call has begun: there is nothing to say of it yet. */
void ramet__tls_hush(void);

/* What OpenSSL has noted on this OS thread, as -errno and in words; then it is
 * forgotten, or another ramet might take it for its own.  `text` may be NULL.
 */
int ramet__tls_noted(char text[TLS_TEXT]);

#endif
