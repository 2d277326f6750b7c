/* ramet/http.h - HTTP/1.1 (RFC 9110, RFC 9112), server and client.
 *
 * Handlers are plain functions, each connection a ramet of its own.  What comes
 * in is read strictly: a message that two programs could read differently is
 * refused.  Strings are NUL-terminated, which is safe, since what is read has
 * no NUL in it; names of header fields are found in any case of letters.
 */
#ifndef RAMET_HTTP_H
#define RAMET_HTTP_H

#include <sys/types.h>

#include "ramet/tls.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ramet_http_header {
	const char *name, *value;
};

/* ---- server -------------------------------------------------------------
 *
 *     static void hello(struct ramet_http *h, void *arg)
 *     {
 *             ramet_http_reply(h, 200, "text/plain", "hello\n", 6);
 *     }
 *     ...
 *     struct ramet_http_opts opts = {.handler = hello};
 *     struct ramet_http_server *s = ramet_http_server_new(&opts);
 *
 *     if (s && ramet_http_listen(s, "http://127.0.0.1:8080") >= 0)
 *             ramet_http_serve(s);
 *     ramet_http_server_free(s);
 */
struct ramet_http;        /* one request, and the answer to it */
struct ramet_http_server; /* of one loop; several may listen with one port */

typedef void ramet_http_handler(struct ramet_http *h, void *arg);

/* Limits that are 0 are those named. */
struct ramet_http_opts {
	/* Called for each request, in the connection's ramet.  What it has not
	 * read of the body is read and thrown away, up to 64 KiB; if it has not
	 * answered the answer is 500. */
	ramet_http_handler *handler;
	void *arg;
	struct ramet_tls *tls;  /* for https://; the server does not own it */
	size_t head_max;        /* request line and headers: 16 KiB; 431 */
	size_t headers_max;     /* how many: 100; 431 */
	uint64_t body_max;      /* bytes: 1 MiB; 413 */
	int64_t head_time;      /* from its first byte to the last: 10 s; 408 */
	int64_t body_time;      /* without a byte of the body: 20 s; 408 */
	int64_t write_time;     /* without progress in writing: 20 s */
	int64_t idle_time;      /* between requests: 75 s */
	size_t requests_max;    /* on one connection: as many as come */
	size_t connections_max; /* at a time: as many as there are descriptors */
	size_t stack_size;      /* of connections, as in struct ramet_opts */
	int64_t grace;          /* for requests that run at the stop: 10 s */
	int stop_signals;       /* SIGTERM and SIGINT stop it, from the first
				 * ramet_http_listen on, once each */
	int compress;           /* gzip answers of ramet_http_reply and files
				 * where that is worth while and wanted */
	int log_fd;             /* a line for each answer goes there; 0: none */
	const char *name;       /* the header Server; NULL: none */
};

/* NULL: EINVAL (no handler, a stack of a bad size), ENOMEM. */
RAMET_API struct ramet_http_server *ramet_http_server_new(
	const struct ramet_http_opts *opts);

/* Listen on "http://host:port", "https://host:port", "http+unix:///path"; host
 * as for ramet_listen.  Any number of times.  Returns the port, 0 for a path, or
 * -1: EINVAL (bad address, https without tls), EBUSY (stop_signals: another
 * stream has them) and those of ramet_listen. */
RAMET_API int ramet_http_listen(struct ramet_http_server *s,
				const char *address);

/* The same with a socket that listens already, which becomes the server's. */
RAMET_API int ramet_http_listen_fd(struct ramet_http_server *s, int fd,
				   int tls);

/* Serve until it is stopped, and every connection has ended.  Once.  Blocks.
 * Cancel stops it as well.  Returns 0, or -1: EINVAL (nothing is listened on),
 * ENOMEM, ETIMEDOUT, ECANCELED, and what made accept(2) fail for good. */
RAMET_API int ramet_http_serve(struct ramet_http_server *s);

/* Stop it: nothing more is accepted, idle connections are closed, requests are
 * finished and answered with "Connection: close", and after opts.grace
 * cancelled.  A second stop cancels at once.  From any OS thread.  Never fails. */
RAMET_API void ramet_http_stop(struct ramet_http_server *s);

/* Of a server that does not serve, or not any more.  NULL is allowed. */
RAMET_API void ramet_http_server_free(struct ramet_http_server *s);

struct ramet_http_stats {
	uint64_t accepted, requests, refused; /* refused: not good HTTP */
	uint64_t connections, busy;           /* now; of them in a handler */
	uint64_t timed_out;                   /* answered with 408, or cut */
	uint64_t bytes_in, bytes_out;         /* heads and bodies */
	uint64_t log_lost; /* lines of the log that could not be written */
};
RAMET_API void ramet_http_get_stats(const struct ramet_http_server *s,
				    struct ramet_http_stats *stats);

/* ---- the request: good until the handler returns ------------------------- */

RAMET_API const char *ramet_http_method(const struct ramet_http *h);

/* As it came: "/a%20b?c", "http://host/", "*", "host:port". */
RAMET_API const char *ramet_http_target(const struct ramet_http *h);

/* The path, decoded, without dot segments, always beginning with a slash; "*" of
 * OPTIONS *; "" of CONNECT.  A path that leaves the root, or has %00, never
 * comes to a handler: 400. */
RAMET_API const char *ramet_http_path(const struct ramet_http *h);

/* What follows the first '?', as it came; "" if nothing does. */
RAMET_API const char *ramet_http_query(const struct ramet_http *h);

/* One value of the query, decoded ('+' is a blank), into buf; cut to room - 1
 * bytes, as by snprintf(3).  Returns its length, or -1: ENOENT, EINVAL (bad
 * coding). */
RAMET_API ssize_t ramet_http_query_get(const struct ramet_http *h,
				       const char *name, char *buf,
				       size_t room);

/* The host that is asked, from the target or the header Host, without port. */
RAMET_API const char *ramet_http_host(const struct ramet_http *h);

/* 10 or 11. */
RAMET_API int ramet_http_version(const struct ramet_http *h);

/* The first header of that name; NULL: none. */
RAMET_API const char *ramet_http_header(const struct ramet_http *h,
					const char *name);

/* Whether one of the elements of the lists in all headers of that name is
 * `token`, in any case of letters, parameters aside: 1 or 0. */
RAMET_API int ramet_http_header_has(const struct ramet_http *h,
				    const char *name, const char *token);

/* The i-th header; NULL: there are not so many. */
RAMET_API const struct ramet_http_header *ramet_http_header_at(
	const struct ramet_http *h, size_t i);

/* The body's size, 0 if there is none, -1 if only its end will tell. */
RAMET_API int64_t ramet_http_body_size(const struct ramet_http *h);

/* Read of the body; a client that waits for "100 Continue" is told so first.
 * Blocks.  Returns how much, 0 at the end, or -1: EPROTO (bad chunks: 400),
 * EFBIG (413), ETIMEDOUT (408), ECONNRESET; who then returns has that
 * answered. */
RAMET_API ssize_t ramet_http_read(struct ramet_http *h, void *buf,
				  size_t size);

/* All of the body, NUL after it; *size may be NULL.  Good until the handler
 * returns.  NULL: as above, ENOMEM. */
RAMET_API const char *ramet_http_body(struct ramet_http *h, size_t *size);

/* A field of the trailer, once the body is read; NULL: none. */
RAMET_API const char *ramet_http_trailer(const struct ramet_http *h,
					 const char *name);

/* The connection it came by: whose it is, and what its TLS says. */
RAMET_API struct ramet_conn *ramet_http_conn(const struct ramet_http *h);

/* Who sent it: "192.0.2.1:4711", "[::1]:4711", "unix". */
RAMET_API const char *ramet_http_peer(struct ramet_http *h);

/* ---- the answer --------------------------------------------------------- */

/* Add a header to the answer; both strings are copied.  Returns 0, or -1: EINVAL
 * (not a name, or a value with control characters; Content-Length,
 * Transfer-Encoding and Connection are the library's), EALREADY (the answer has
 * begun), ENOMEM. */
RAMET_API int ramet_http_set(struct ramet_http *h, const char *name,
			     const char *value);

/* Answer, all at once.  type: of the content; NULL: none is said.  To HEAD the
 * body is not sent.  Blocks.  Returns 0, or -1: EINVAL (status not 200 to 599),
 * EALREADY, and the errors of writing, after which the connection ends. */
RAMET_API int ramet_http_reply(struct ramet_http *h, int status,
			       const char *type, const void *body,
			       size_t size);

/* Answer with a status, and a line that says it. */
RAMET_API int ramet_http_fail(struct ramet_http *h, int status);

/* Answer with a status 301, 302, 303, 307 or 308 and where to go. */
RAMET_API int ramet_http_redirect(struct ramet_http *h, int status,
				  const char *location);

/* Begin an answer of `size` bytes, or of as many as will be: -1, sent in chunks,
 * to HTTP/1.0 until the connection ends.  Blocks.  Returns as above. */
RAMET_API int ramet_http_begin(struct ramet_http *h, int status,
			       const char *type, int64_t size);

/* Write of it; small pieces are sent together, at the latest by flush or end.
 * Returns 0, or -1: EMSGSIZE (more than `size`), EINVAL (not begun). */
RAMET_API int ramet_http_write(struct ramet_http *h, const void *data,
			       size_t size);
RAMET_API int ramet_http_flush(struct ramet_http *h);

/* End it; the return of the handler does it, too.  trailer may be NULL.  What
 * ends before its `size` ends the connection, so that the client sees it.
 * Returns 0, or -1: EMSGSIZE (it is short). */
RAMET_API int ramet_http_end(struct ramet_http *h,
			     const struct ramet_http_header *trailer,
			     size_t count);

/* Answer with a file, or those parts of it that are asked for (Range, If-Range),
 * or 304 (If-None-Match, If-Modified-Since) or 412; by sendfile(2) where that
 * can be.  type NULL: by the name's ending.  GET and HEAD only: else 405.
 * Returns 0, or -1: ENOENT, EACCES, EISDIR, ... of opening it (nothing is
 * answered then), and as above. */
RAMET_API int ramet_http_file(struct ramet_http *h, const char *path,
			      const char *type);

/* Answer with the file that ramet_http_path names below the directory root, or
 * its index.html, or 404, 403; links that lead out of root are not followed, nor
 * are names that begin with a dot.  With list, a directory without index.html is
 * answered with a list of what is in it.  Returns as ramet_http_reply. */
RAMET_API int ramet_http_files(struct ramet_http *h, const char *root,
			       int list);

/* Answer with the metrics of the library (ramet_get_metrics) and the program's
 * own (ramet_metric_new) in Prometheus' text format, 0.0.4.  GET and HEAD only:
 * else 405.  Returns as ramet_http_reply. */
RAMET_API int ramet_http_metrics(struct ramet_http *h);

/* Answer with 101 (200 to CONNECT) and take the connection over for another
 * protocol: what it sends from then on, to be read by ramet_http_raw_read; it is
 * closed when the handler returns.  Returns NULL: EALREADY, EINVAL (HTTP/1.0, or
 * it did not ask for that), the errors of writing. */
RAMET_API struct ramet_conn *ramet_http_upgrade(struct ramet_http *h,
						const char *protocol);

/* Read after an upgrade: first what had come with the request. */
RAMET_API ssize_t ramet_http_raw_read(struct ramet_http *h, void *buf,
				      size_t size);

/* ---- reading requests by oneself -------------------------------------------
 *
 * The server's reader, for servers that have buffers, connections and answers
 * of their own.  Nothing of it blocks, or keeps what it is given; it may be
 * used where there is no loop.
 */
struct ramet_http_reader;

/* A part of the head, from its first byte on. */
struct ramet_http_text {
	uint32_t at, size;
};

enum {
	RAMET_HTTP_PERSISTS = 1, /* the connection lasts beyond this request */
	RAMET_HTTP_UPGRADES = 2, /* it asks for another protocol */
	RAMET_HTTP_EXPECTS = 4,  /* it waits for "100 Continue" */
};

struct ramet_http_request_head {
	struct ramet_http_text method, target;
	int version;    /* 10, 11 */
	int flags;      /* RAMET_HTTP_ */
	int64_t body;   /* its size; -1: it comes in chunks */
	size_t headers; /* how many */
	int status;     /* why it is refused: 400, 414, 417, 431, 501, 505 */
};

/* head_max: bytes of a head, 0: 16 KiB; headers_max: 0: 100, at most 128. NULL:
 * EINVAL, ENOMEM. */
RAMET_API struct ramet_http_reader *ramet_http_reader_new(size_t head_max,
							  size_t headers_max);

/* NULL is allowed. */
RAMET_API void ramet_http_reader_free(struct ramet_http_reader *r);

/* Before the first byte of each request but the first. */
RAMET_API void ramet_http_reader_begin(struct ramet_http_reader *r);

/* Read on: the head's bytes so far are those `size` at buf, among them those of
 * the earlier calls.  Returns the size of the head once it is whole, and fills
 * *h; 0: more is needed; or -1: EPROTO, h->status says what to answer. */
RAMET_API ssize_t ramet_http_reader_head(struct ramet_http_reader *r,
					 const char *buf, size_t size,
					 struct ramet_http_request_head *h);

/* The i-th header of the head: 1, or 0: there are not so many.  After the end
 * of a body in chunks: of its trailer. */
RAMET_API int ramet_http_reader_header(const struct ramet_http_reader *r,
				       size_t i, struct ramet_http_text *name,
				       struct ramet_http_text *value);

/* Read on in a body in chunks: of the `size` bytes at buf those that are data
 * are moved to buf, *data bytes.  Returns how many bytes were used; the next
 * call begins with the others, and more behind them if none was used.  *ended:
 * that was the end.  Or -1: EPROTO (400), and *data is what was good. */
RAMET_API ssize_t ramet_http_reader_chunks(struct ramet_http_reader *r,
					   char *buf, size_t size, size_t *data,
					   int *ended);

/* ---- client ------------------------------------------------------------- */

struct ramet_http_client;   /* connections that are kept, by origin; one loop's */
struct ramet_http_response; /* the answer, and its body as it comes */

struct ramet_http_client_opts {
	struct ramet_tls *tls;  /* for https; NULL: ramet_tls_client(NULL) */
	const char *proxy;      /* "http://[user:password@]host:port"; "": none;
				 * NULL: as https_proxy, http_proxy and no_proxy
				 * in the environment say */
	const char *user_agent; /* NULL: "ramet/VERSION"; "": none */
	int redirects_max;      /* 0: 10; -1: none is followed */
	size_t idle_max;        /* connections kept for an origin: 8 */
	int64_t idle_time;      /* for so long: 30 s */
	size_t head_max;        /* of an answer: 64 KiB */
	int keep_coding;        /* bodies stay compressed */
};

/* opts may be NULL.  NULL: ENOMEM, EINVAL (proxy). */
RAMET_API struct ramet_http_client *ramet_http_client_new(
	const struct ramet_http_client_opts *opts);

/* Its answers must be freed before.  NULL is allowed. */
RAMET_API void ramet_http_client_free(struct ramet_http_client *c);

struct ramet_http_request {
	const char *method; /* NULL: GET, or POST with a body */
	const char *url;    /* "http://host[:port]/path?query", "https://..." */
	const struct ramet_http_header *headers;
	size_t header_count;
	const void *body; /* all of it, or: */
	uint64_t body_size;
	/* What to send, at most `size` bytes at a time; 0: the end, -1: errno
	 * says why it cannot go on.  Of body_size bytes, or if that is 0, in
	 * chunks. */
	ssize_t (*read)(void *arg, void *buf, size_t size);
	void *arg;
	int expect; /* ask whether the body is wanted (100-continue) */
};

/* Ask, and wait for the head of the answer; redirects are followed.  A request
 * that may be sent twice, and finds a kept connection closed, is.  The time is
 * the scope's.  c may be NULL: a client without options, this loop's.  Blocks.
 * NULL: EINVAL (bad URL, method, header), EPROTO (the answer is not HTTP), ELOOP
 * (too many redirects), EMSGSIZE (its head is too long), ECONNABORTED (it ends
 * within the head), and the errors of ramet_conn_dial and of writing. */
RAMET_API struct ramet_http_response *ramet_http_request(
	struct ramet_http_client *c, const struct ramet_http_request *request);
RAMET_API struct ramet_http_response *ramet_http_get(
	struct ramet_http_client *c, const char *url);

RAMET_API int ramet_http_status(const struct ramet_http_response *r);
RAMET_API const char *ramet_http_reason(const struct ramet_http_response *r);

/* The URL that answered, after redirects. */
RAMET_API const char *ramet_http_url(const struct ramet_http_response *r);

/* The first header of that name; the i-th of all; NULL: none. */
RAMET_API const char *ramet_http_response_header(
	const struct ramet_http_response *r, const char *name);
RAMET_API const struct ramet_http_header *ramet_http_response_header_at(
	const struct ramet_http_response *r, size_t i);

/* Its body's size as it comes, -1 if only its end will tell, or it is
 * decompressed on the way. */
RAMET_API int64_t ramet_http_response_size(
	const struct ramet_http_response *r);

/* Read of its body.  Blocks.  Returns how much, 0 at the end, or -1: EPROTO (bad
 * chunks, bad compression), ECONNABORTED (it ends before its end). */
RAMET_API ssize_t ramet_http_response_read(struct ramet_http_response *r,
					   void *buf, size_t size);

/* All that is left of its body, NUL after it, r's; *size may be NULL.  NULL: as
 * above, EFBIG (above max bytes), ENOMEM. */
RAMET_API const char *ramet_http_response_body(struct ramet_http_response *r,
					       size_t max, size_t *size);

/* A field of the trailer, once the body is read; NULL: none. */
RAMET_API const char *ramet_http_response_trailer(
	const struct ramet_http_response *r, const char *name);

/* The connection is kept if the body is read, or what is left of it has come
 * already.  Never blocks.  NULL is allowed; errno is kept. */
RAMET_API void ramet_http_response_free(struct ramet_http_response *r);

#ifdef __cplusplus
}
#endif
#endif
