/* offer.h - permessage-deflate as it is offered and agreed on (RFC 7692, 7.1,
 * in the syntax of RFC 6455, 9.1). */
#ifndef HTTP_WS_OFFER_H
#define HTTP_WS_OFFER_H

#include "base/base.h"

/* What was agreed on. */
struct ws_deflate {
	bool on;
	bool server_resets, client_resets; /* no context takeover */
	bool server_limited;               /* server_bits were asked for */
	uint8_t server_bits, client_bits;  /* of the window: 8 to 15 */
};

/* What clients offer. */
#define WS_OFFER "permessage-deflate; client_max_window_bits"

/* Servers: take the first good offer in a header's value, unless one was taken
 * before.  Those that are no good are passed over (RFC 7692, 7.1).  Returns 0,
 * or -EPROTO: the value is not in the syntax. */
int ramet__ws_offer_take(const char *value, struct ws_deflate *d);

/* How it is answered. */
enum { WS_OFFER_ANSWER = 128 };
void ramet__ws_offer_answer(const struct ws_deflate *d,
			    char text[WS_OFFER_ANSWER]);

/* Clients: the answer to WS_OFFER.  Returns 0, or -EPROTO: it was not asked for
 * in this way. */
int ramet__ws_offer_answered(const char *value, struct ws_deflate *d);

#endif
