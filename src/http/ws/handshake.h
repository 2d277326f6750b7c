/* handshake.h - what both sides of the opening hand-shake say (RFC 6455, 4), as
 * text: keys, protocols, origins. */
#ifndef HTTP_WS_HANDSHAKE_H
#define HTTP_WS_HANDSHAKE_H

#include "base/base.h"

enum { WS_NONCE = 16, WS_KEY = 25, WS_ACCEPT = 29 }; /* NUL included */

/* Sec-WebSocket-Key of 16 random bytes, and whether one is good. */
void ramet__ws_key(const uint8_t nonce[WS_NONCE], char key[WS_KEY]);
bool ramet__ws_key_valid(const char *key);

/* Sec-WebSocket-Accept, which answers a key. */
void ramet__ws_accept_of(const char *key, char accept[WS_ACCEPT]);

/* The next element of a list with commas, without blanks around it; moves *list
 * behind it.  NULL at the end; empty elements are passed over. */
const char *ramet__list_next(const char **list, size_t *size);

/* Whether a list has that element; letters have to be the same. */
bool ramet__list_has(const char *list, const char *element, size_t size);

/* Whether "chat,superchat" is a list of tokens, each one once. */
bool ramet__ws_protocols_valid(const char *list);

/* Whether a page of `origin` (NULL: none is said) may connect, by
 * ramet_ws_opts.origins and what the header Host says. */
bool ramet__ws_origin_allowed(const char *origin, const char *origins,
			      const char *host);

#endif
