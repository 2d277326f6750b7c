/* head.h - the head of a message, read strictly and in one pass.
 *
 * What the bytes mean does not depend on where they were cut: the reader goes
 * on where it stopped, and looks at each byte once.  Everything is found as an
 * offset into the head, which may move while it grows.
 *
 * Sources: RFC 9112 (message syntax, framing), RFC 9110 (fields, methods), RFC
 * 3986 (authority).  Where they leave a choice the strict one is taken; what is
 * refused, and with which status, is listed in ramet-http(7).
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <sys/types.h>

#include "base/base.h"

enum { HTTP_FIELDS = 128 }; /* room; limits are below it */
enum { HTTP_METHOD_MAX = 32 };

struct http_text {
	uint32_t at, size; /* from the head's first byte */
};

struct http_field {
	struct http_text name, value; /* value: without blanks around it */
};

/* What comes after the head. */
enum http_framing {
	HTTP_NO_BODY,
	HTTP_LENGTH, /* so many bytes, perhaps 0 */
	HTTP_CHUNKED,
	HTTP_TO_END, /* of the connection: answers only */
};

/* Of fields whose meaning the reader knows. */
enum {
	HTTP_CLOSE = 1,      /* Connection: close */
	HTTP_KEEP_ALIVE = 2, /* Connection: keep-alive */
	HTTP_UPGRADE = 4,    /* Connection: upgrade, there is Upgrade, and
			      * the version is 1.1 */
	HTTP_EXPECT_100 = 8, /* Expect: 100-continue, there is a body to come,
			      * and the version is 1.1 */
	HTTP_HAS_HOST = 16,
	HTTP_HAS_LENGTH = 32,
	HTTP_HAS_CODING = 64,
	HTTP_HAS_UPGRADE = 128,
};

struct http_limits {
	uint32_t head;   /* bytes, with the empty line; below 2^31 */
	uint32_t fields; /* at most HTTP_FIELDS */
};

struct http_head {
	/* Requests. */
	struct http_text method, target;
	struct http_text host; /* of the target, or Host: without port, and IPv6
				* without brackets; size 0: there is none, which
				* only HTTP/1.0 may */
	uint16_t port;         /* that goes with it; 0: none was said */
	/* Answers. */
	int status; /* 100 to 999 */
	struct http_text reason;
	/* Both. */
	int version; /* 10, 11 */
	uint32_t flags;
	enum http_framing framing;
	uint64_t length; /* HTTP_LENGTH; below 2^63 */
	uint32_t field_count;
	/* Where the reader is. */
	uint32_t at, mark, state;
	struct http_field fields[HTTP_FIELDS]; /* those read are initialised */
};

/* Before the first byte. */
void ramet__head_init(struct http_head *h);

/* Read on: the head's bytes so far are those `size` at `buf`, among them those
 * of the earlier calls.  Returns the size of the head, empty line included,
 * once it is whole (the bytes behind it are not looked at); 0: more is needed;
 * or minus the status to refuse it with: 400, 414 (request line above the
 * limit), 417 (Expect), 431, 501 (a transfer coding, a method that is too
 * long), 505.  After either h is not read on with.  An empty line before the
 * request is part of the head (RFC 9112, 2.2); a second one is refused. */
int ramet__head_request(struct http_head *h, const struct http_limits *limits,
			const char *buf, size_t size);

/* The same of an answer; no_body: to HEAD, or 2xx to CONNECT.  Returns -400 for
 * what is no HTTP, -431 for what is above a limit. */
int ramet__head_response(struct http_head *h, const struct http_limits *limits,
			 const char *buf, size_t size, bool no_body);

/* Whether the connection lasts beyond this message, as far as it says. */
bool ramet__head_persists(const struct http_head *h);

/* The first field of that name (in any case of letters) from the i-th on, its
 * number; -1: none. */
int ramet__head_find(const struct http_head *h, const char *buf,
		     const char *name, uint32_t i);

/* ---- chunks ------------------------------------------------------------- */

/* The body of a message in chunks, read in the same manner; begins as zeros. */
struct http_chunks {
	uint64_t left;             /* of the present chunk's data */
	uint32_t state, extension; /* bytes of it, in all chunks */
	uint32_t digits;
};

enum { HTTP_CHUNKS_END = 100 };
enum { HTTP_EXTENSION_MAX = 4096 }; /* bytes, of a whole body */

/* Take in `size` bytes at buf, in place: what of them is data is moved to buf,
 * *data bytes.  Returns how many were used; fewer than size only at the end of
 * the last chunk's line, where the trailer begins, at buf + that many: then
 * c->state is HTTP_CHUNKS_END.  -1: bad; *data is what was good before. */
ssize_t ramet__chunks_read(struct http_chunks *c, char *buf, size_t size,
			   size_t *data);

/* The trailer: fields and an empty line, into h->fields, whose head is these
 * bytes; begun by ramet__head_trailer_init.  Returns as ramet__head_request,
 * 400 or 431; a field that frames or routes, as Content-Length, Host, is
 * refused. */
void ramet__head_trailer_init(struct http_head *h);
int ramet__head_trailer(struct http_head *h, const struct http_limits *limits,
			const char *buf, size_t size);

/* ---- characters --------------------------------------------------------- */

/* RFC 9110, 5.6.2: what names are made of; not empty. */
bool ramet__is_token(const char *text, size_t size);

/* RFC 9110, 5.5: what a value may have in it. */
bool ramet__is_value(const char *text, size_t size);

#endif
