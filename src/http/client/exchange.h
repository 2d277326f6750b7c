/* exchange.h - one question of a request, and its answer. */
#ifndef HTTP_CLIENT_EXCHANGE_H
#define HTTP_CLIENT_EXCHANGE_H

#include "http/client/client.h"

/* A request under way: everything it holds, to be released when it fails or its
 * ramet is unwound in the program's function that reads the body. */
struct exchange {
	struct ramet_http_client *client; /* which it uses */
	const struct ramet_http_request *request;
	const char *method;
	char *url;
	struct url at;     /* its parts */
	char *credentials; /* "Basic ...", of the URL; NULL: none */
	bool decode;       /* Accept-Encoding is ours: so is the decoding */
	bool has_body;
	bool expect;
	bool begun;   /* the program's function was called: once only */
	bool strange; /* redirected to another origin: it gets no secrets */
	bool partial; /* the body was not sent, or not all of it */
	struct text head;
	char *piece; /* of a body as it is read */
	struct link *link;
	struct ramet_http_response *response;
};

/* ---- compose.c ---------------------------------------------------------- */

/* Whether the program's headers can be sent: 0 or -EINVAL.  Sets x->decode. */
int ramet__exchange_check(struct exchange *x);

/* Write the question's head into x->head.  Returns 0 or -ENOMEM. */
int ramet__exchange_compose(struct exchange *x);

/* ---- exchange.c --------------------------------------------------------- */

/* Ask, and make x->response of the head of what comes.  Returns 0 or -errno. */
int ramet__exchange_run(struct exchange *x);

/* ---- response.c, body.c ------------------------------------------------- */

struct inflater;

struct ramet_http_response {
	struct ramet_http_client *client; /* which it uses */
	struct link *link; /* NULL: the body has been read, or cannot be */
	int status;
	int err;    /* why it cannot */
	char *text; /* of the head; names and values are in it */
	const char *reason, *url;
	size_t header_count, trailer_count;
	struct ramet_http_header *headers, *trailers;
	enum http_framing framing;
	uint64_t left; /* HTTP_LENGTH */
	int64_t size;
	struct http_chunks chunks;
	size_t ready,
		gap;   /* read ahead: data of a chunk, and what is no data */
	bool persists; /* the connection does, after this */
	struct inflater *inflater; /* NULL: the body is as it comes */
	char *body;                /* for ramet_http_response_body */
	size_t body_size, body_room;
};

/* Of the head of `size` bytes in x->link, which it takes over.  NULL: ENOMEM.
 */
struct ramet_http_response *ramet__response_new(struct exchange *x,
						size_t size);
void ramet__response_free(struct ramet_http_response *r);

/* The body as it comes: how much, 0 at the end, -errno.  At the end, and when
 * nothing more can be read, r->link goes. */
ssize_t ramet__response_read(struct ramet_http_response *r, void *buf,
			     size_t size);

/* Whether all of the body was read, after at most `most` bytes more. */
bool ramet__response_drain(struct ramet_http_response *r, size_t most);

/* The value of the first header of that name; NULL: none. */
const char *ramet__headers_find(const struct ramet_http_header *headers,
				size_t count, const char *name);

/* Make headers of the fields of h, whose `size` bytes at `from` are copied to
 * text, which has room for one more. */
void ramet__headers_take(struct ramet_http_header *headers,
			 const struct http_head *h, char *text,
			 const char *from, size_t size);

/* ---- inflate.c ---------------------------------------------------------- */

/* Whether bodies can be decompressed at all. */
bool ramet__inflate_there(void);

/* What undoes a Content-Encoding.  NULL and *err: 0 (it is not one of those we
 * undo), -ENOMEM. */
struct inflater *ramet__inflate_new(const char *coding, int *err);
void ramet__inflate_free(struct inflater *i);

/* As ramet__response_read, decompressed; -EPROTO: bad compression. */
ssize_t ramet__inflate_read(struct inflater *i, struct ramet_http_response *r,
			    void *buf, size_t size);

#endif
