/* ramet/ws.h - WebSocket (RFC 6455), both sides.
 *
 * Fragments are put together and pings answered by ramet_ws_receive, so
 * somebody has to be in it for the connection to live.  Any ramet of the loop
 * may send; messages do not mix.
 */
#ifndef RAMET_WS_H
#define RAMET_WS_H

#include "ramet/http.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ramet_ws;

enum ramet_ws_kind {
	RAMET_WS_TEXT = 1, /* UTF-8, checked on the way in and out */
	RAMET_WS_BINARY = 2,
};

struct ramet_ws_message {
	enum ramet_ws_kind kind;
	const char *data; /* NUL follows; good until the next receive */
	size_t size;
};

struct ramet_ws_opts {
	const char *protocols; /* "chat,superchat", best first; NULL: none */
	size_t message_max;    /* bytes; 0: 1 MiB */
	int compress;          /* offer, or accept, permessage-deflate */
	/* Servers: pages of which origins may connect, "https://a.example
	 * https://b.example"; NULL: of the host that was asked for, and whoever
	 * says no origin; "*": any. */
	const char *origins;
	/* Clients: sent along with the request. */
	const struct ramet_http_header *headers;
	size_t header_count;
	struct ramet_tls *tls; /* clients: for wss */
};

/* Answer a request by becoming a WebSocket; the handler goes on with it, and
 * its return closes it.  opts may be NULL.  Blocks.  NULL: EPROTO (it was no
 * good request for one, and was answered so), EACCES (origin; so, too),
 * EALREADY (it was answered before), ENOMEM (it was not answered), EPIPE and
 * the other errors of writing. */
RAMET_API struct ramet_ws *ramet_ws_accept(struct ramet_http *h,
					   const struct ramet_ws_opts *opts);

/* Connect to "ws://host[:port]/path" or "wss://...".  Blocks.  NULL: EINVAL
 * (bad URL, protocols or headers), EPROTO (the answer is not a WebSocket's),
 * ECONNREFUSED (nobody listens, or answers with another status), ECONNABORTED
 * (no answer), ENOMEM, the errors of ramet_conn_dial. */
RAMET_API struct ramet_ws *ramet_ws_dial(const char *url,
					 const struct ramet_ws_opts *opts);

/* Wait for the next message.  One ramet at a time.  Blocks.  Returns 1; 0 when
 * the peer has closed it (that is answered); or -1: EPROTO, EILSEQ (bad UTF-8),
 * EMSGSIZE, ENOMEM, which it has been closed for with the code that fits,
 * ECONNABORTED (gone without a close), EBUSY (another is in it), EPERM (another
 * loop's); ETIMEDOUT or ECANCELED, after which it can be called again. */
RAMET_API int ramet_ws_receive(struct ramet_ws *ws,
			       struct ramet_ws_message *msg);

/* Send a message.  Blocks.  Returns 0, or -1: EPIPE (closed), EILSEQ (text that
 * is not UTF-8), EINVAL (no such kind), EPERM, ENOMEM; ETIMEDOUT or ECANCELED:
 * if that was within the message, it is closed. */
RAMET_API int ramet_ws_send(struct ramet_ws *ws, enum ramet_ws_kind kind,
			    const void *data, size_t size);

/* Send a ping of at most 125 bytes: EMSGSIZE.  The answer is taken by
 * ramet_ws_receive.  Blocks.  Returns 0, or -1: as ramet_ws_send. */
RAMET_API int ramet_ws_ping(struct ramet_ws *ws, const void *data, size_t size);

/* Say goodbye, once; code 0: 1000.  ramet_ws_receive returns 0 when the peer
 * has answered.  Blocks.  Returns 0, or -1: EINVAL (a code that is not to be
 * sent, or a reason that is not UTF-8), EMSGSIZE (reason above 123 bytes),
 * EPIPE (it was closed), EPERM, ENOMEM, ETIMEDOUT, ECANCELED. */
RAMET_API int ramet_ws_close(struct ramet_ws *ws, int code, const char *reason);

/* Say goodbye if that was not done, wait a little for the answer, shielded, and
 * free it.  Of a server's the connection is the handler's, and ends with it.
 * NULL is allowed; another loop's is left alone; errno is kept. */
RAMET_API void ramet_ws_free(struct ramet_ws *ws);

/* What the peer gave as it closed: 1005 if it gave no code, 1006 if it did not
 * close; 0 while it is open. */
RAMET_API int ramet_ws_code(const struct ramet_ws *ws);
RAMET_API const char *ramet_ws_reason(const struct ramet_ws *ws);

/* The protocol agreed on, "" if none was; whether messages are compressed; when
 * the last pong came, ns of CLOCK_MONOTONIC, 0: never. */
RAMET_API const char *ramet_ws_protocol(const struct ramet_ws *ws);
RAMET_API int ramet_ws_compressed(const struct ramet_ws *ws);
RAMET_API int64_t ramet_ws_pong_at(const struct ramet_ws *ws);

#ifdef __cplusplus
}
#endif
#endif
