/* exchange.h - one request and its answer, as the parts of the server see them.
 *
 * An exchange is taken when bytes have come on a connection and given back when
 * it is idle, so that a connection that waits costs its stack alone.  Nothing
 * is allocated per request in the steady state: what an exchange has grown to
 * it keeps, and small things come from its arena.
 *
 * The connection owns all of it, and a defer of the connection's ramet releases
 * it: a handler may be killed at any of its calls.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <sys/uio.h>

#include "http/head.h"
#include "net/conn.h"
#include "ramet/http.h"

struct http_conn; /* connection.h's */

/* Bytes from the connection: those from `at` to `end` are not used yet. */
struct http_input {
	char *data;
	uint32_t size, at, end;
};

/* Bytes for it: those from `at` to `end` have not gone out. */
struct http_output {
	char *data;
	uint32_t size, at, end;
};

/* A header of the answer, in the arena: "Name: value\r\n". */
struct http_line {
	struct http_line *next;
	uint32_t size;
	char text[];
};

/* Where the answer is. */
enum http_stage {
	HTTP_ASKED,    /* nothing is said yet */
	HTTP_BEGUN,    /* the head is written, the body may follow */
	HTTP_ANSWERED, /* all of it is written */
	HTTP_UPGRADED, /* and the connection is the handler's */
};

/* Headers that the handler has set itself. */
enum { HTTP_SET_DATE = 1, HTTP_SET_SERVER = 2, HTTP_SET_TYPE = 4 };

enum { HTTP_SPACE = 1024 };

struct http_block; /* of the arena, beyond `space` */

struct ramet_http {
	struct ramet_http_server *server;
	struct http_conn *link;
	struct ramet_conn *conn;
	struct ramet_http *next; /* when it is in the server's free list */
	struct http_input in;
	struct http_output out;

	/* The request; its head is at `text`, in the input's memory or, once
	 * that had to be left, in `kept`. */
	char *text, *kept;
	const char *path, *query, *host;
	uint64_t body_left; /* HTTP_LENGTH */
	uint64_t body_got;
	struct http_chunks chunks;
	struct http_head *trailer; /* once it is read, with text: */
	char *trailer_text;
	uint32_t body_at; /* in the input: what is before is the head */
	int body_error;   /* -errno of reading it; stays */
	int refusal;      /* the status that error is answered with */
	bool body_ended;
	bool awaits_continue; /* of us, before it sends the body */
	char *body;           /* ramet_http_body's, all of it */
	size_t body_size, body_room;

	/* The answer. */
	enum http_stage stage;
	int status;
	bool is_head;    /* to HEAD: no body is sent */
	bool is_connect; /* to CONNECT: 2xx begins a tunnel */
	bool close;      /* the connection ends after it */
	bool chunked;
	bool sized;      /* answer_left says what is to come */
	bool no_body;    /* HEAD, 204, 304 */
	uint8_t set;     /* HTTP_SET_* */
	int write_error; /* -errno: nothing more can be sent */
	uint64_t answer_left;
	uint64_t answered; /* bytes of body sent */
	bool chunk_open;   /* in the output, from chunk_at: its size is */
	uint32_t chunk_at; /* written there when it is closed */
	struct http_line *lines, **lines_end;

	/* Who has taken the connection over, and is ended before it is closed;
	 * NULL: nobody, or he has ended. */
	void *guest;
	void (*end_guest)(void *guest);

	int64_t began; /* its first byte, by the loop's clock; for the log */

	/* The arena. */
	struct http_block *blocks;
	uint32_t space_used;
	char space[HTTP_SPACE] __attribute__((aligned(8)));

	struct http_head head;
	struct ramet_http_header headers[HTTP_FIELDS]; /* see header_at */
};

/* ---- for those who answer: -errno, no border ----------------------------- */

/* Memory until the handler has returned, aligned to 8; NULL: none. */
void *ramet__http_alloc(struct ramet_http *h, size_t size);

/* The value of the first header of that name, NULL: none. */
const char *ramet__http_header(const struct ramet_http *h, const char *name);

/* As ramet_http_header_has. */
bool ramet__http_header_has(const struct ramet_http *h, const char *name,
			    const char *token);

/* As the public calls. */
int ramet__http_set(struct ramet_http *h, const char *name, const char *value);
int ramet__http_reply(struct ramet_http *h, int status, const char *type,
		      const void *body, size_t size);
int ramet__http_fail(struct ramet_http *h, int status);
int ramet__http_begin(struct ramet_http *h, int status, const char *type,
		      int64_t size);
int ramet__http_write(struct ramet_http *h, const void *data, size_t size);
int ramet__http_flush(struct ramet_http *h);
int ramet__http_end(struct ramet_http *h,
		    const struct ramet_http_header *trailer, size_t count);
ssize_t ramet__http_read(struct ramet_http *h, void *buf, size_t size);

/* As ramet_http_upgrade: 0 or -errno; headers that were set are sent.  Then
 * h->conn is the caller's until the handler returns, but what has come already
 * is in h->in: raw_read. */
int ramet__http_upgrade(struct ramet_http *h, const char *protocol);
ssize_t ramet__http_raw_read(struct ramet_http *h, void *buf, size_t size);

/* For who sends a part of the body himself (sendfile), after begin with a size
 * and flush: may he send `size` bytes?  Returns 0, -EMSGSIZE, -EINVAL or the
 * error of writing; *skip: there is nothing to be sent, the answer has no body
 * (HEAD).  Afterwards tell what became of it: 0 and the bytes sent, or -errno.
 */
int ramet__http_may_send(struct ramet_http *h, uint64_t size, bool *skip);
void ramet__http_sent(struct ramet_http *h, uint64_t size, int err);

/* The limit without progress in writing, ns, for a scope of one step of that.
 */
int64_t ramet__http_write_time(const struct ramet_http *h);

/* ---- compression of answers (compress.c) --------------------------------- */

/* If the answer with this body should go out in gzip: sets the headers for that
 * (ramet__http_set: Content-Encoding, Vary), and *body to the compressed bytes,
 * in the arena.  Called by ramet_http_reply where opts.compress is set, before
 * the head is written.  Otherwise, and when memory is short, leaves *body. */
void ramet__http_compress(struct ramet_http *h, int status, const char *type,
			  struct iovec *body);

/* ---- words and dates (status.c, date.c) -----------------------------------
 */

/* "Not Found"; of a number that nobody knows "Unknown". */
const char *ramet__http_reason(int status);

/* IMF-fixdate (RFC 9110, 5.6.7) of seconds since 1970, 29 bytes and NUL. */
enum { HTTP_DATE = 30 };
void ramet__http_date(int64_t seconds, char text[HTTP_DATE]);

/* "[06/Nov/1994:08:49:37 +0000]", as logs have it. */
enum { HTTP_LOG_DATE = 29 };
void ramet__http_log_date(int64_t seconds, char text[HTTP_LOG_DATE]);

/* Seconds since 1970 of a date in any of the three forms; -1: none of them. */
int64_t ramet__http_date_parse(const char *text);

#endif
