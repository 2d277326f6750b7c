/* ws.h - a WebSocket: the connection, what comes in (in.h), what goes out.
 *
 * One ramet receives; it alone reads, answers pings and closes what it has to.
 * Frames are written under a mutex, so that those of a message stay together.
 * Whoever is stopped within a frame leaves it cut short: nothing can follow it,
 * and the connection is shut down.
 *
 * Calls count themselves in `users`, for ramet_ws_free: a handler that returns
 * may leave others waiting for their turn to send.
 */
#ifndef HTTP_WS_WS_H
#define HTTP_WS_WS_H

#include "core/core.h"
#include "http/exchange.h"
#include "http/ws/in.h"
#include "http/ws/offer.h"
#include "ramet/sync.h"
#include "ramet/ws.h"

enum {
	WS_OUT = 8192,     /* masked, or compressed, at a time */
	WS_ZIP_LEAST = 32, /* smaller messages are not compressed */
	WS_KEYS = 256,     /* random bytes drawn at a time */
	WS_REASON_MAX = WS_CONTROL_MAX - 2,
};

#define WS_CLOSE_TIME (1 * RAMET_SEC) /* to say goodbye, or for the answer */

struct ramet_ws {
	struct ramet_conn *conn;
	struct loop *loop;
	struct ramet_http *h; /* a server's: whose conn it is, or NULL and: */
	struct link *link;    /* a client's: has read ahead, and owns conn */
	size_t users;         /* in calls */
	bool leaving;         /* it is being freed */
	struct ramet *freer;  /* waits for them to go */

	/* What comes in. */
	struct ws_in in;
	bool receiving;
	bool ended; /* nothing more can be read: ramet_ws_receive returns */
	int end;    /* this */
	int code;   /* ramet_ws_code */
	char reason[WS_REASON_MAX + 1];
	int64_t pong_at;

	/* What goes out. */
	struct ramet_mutex sending;
	bool close_sent, broken;
	bool pong_due; /* the latest ping that was not answered: */
	uint8_t pong_size;
	char pong[WS_CONTROL_MAX];
	char *out; /* of WS_OUT bytes; clients', and where it compresses */
	struct ws_zip *zip; /* NULL until needed */
	struct ws_deflate agreed;
	char *protocol; /* NULL: none */
	unsigned keys_left;
	uint8_t keys[WS_KEYS];
};

/* ---- out.c: -errno; after all errors but -EPIPE for a close that was sent,
 * and those of who was stopped before he began, it is shut down -------------
 */

/* Send a message, whose text is UTF-8. */
int ramet__ws_send(struct ramet_ws *ws, unsigned opcode, const void *data,
		   size_t size);

/* Send a ping, or a close, after which nothing is sent. */
int ramet__ws_send_control(struct ramet_ws *ws, unsigned opcode,
			   const void *data, size_t size);
int ramet__ws_send_close(struct ramet_ws *ws, unsigned code, const char *reason,
			 size_t size);

/* Answer the ping that was not answered if that needs no wait; otherwise who
 * sends next does. */
void ramet__ws_send_pong(struct ramet_ws *ws);

/* Whether nobody else will answer it. */
bool ramet__ws_pong_is_ours(const struct ramet_ws *ws);

/* Whether that error is the caller's limit of time, or cancel, and not of the
 * connection: which may have timed out as well. */
bool ramet__ws_is_stopped(const struct ramet_ws *ws, ssize_t err);

/* Nothing more is sent or comes. */
void ramet__ws_break(struct ramet_ws *ws);

/* ---- in ws.c --------------------------------------------------------------
 */

/* Over conn; what was agreed on is set by the caller, who then calls begin.
 * NULL: ENOMEM. */
struct ramet_ws *ramet__ws_new(struct ramet_conn *conn, bool client,
			       const struct ramet_ws_opts *opts);
int ramet__ws_begin(struct ramet_ws *ws);

/* Free its memory, not the connection. */
void ramet__ws_release(struct ramet_ws *ws);

#endif
