/* wsgi.h - the connection of a WSGI server (wsgi.c): what has come in
 * (wsgi_buffer.c), read as the head of a request (wsgi_request.c), as an env
 * (wsgi_environ.c) and as a body (wsgi_body.c), and the ways from a
 * request to its answer: the short one (wsgi_serve.c), on which the answer's
 * head is written here (wsgi_response.c), and the long one (wsgi_slow.c). */
#ifndef WSGI_H
#define WSGI_H

#include "green.h"

#include <ramet/http.h>

struct wsgi {
	PyObject_HEAD PyObject *sock; /* NULL: closed */
	bool direct; /* it is one of ours, and its recv and sendall too */
	bool eof;
	bool filling;  /* a greenlet waits for more to come */
	bool has_head; /* the buffer begins with it */
	char *buf;     /* NULL while there is nothing in it */
	size_t at, end, size;
	struct ramet_http_reader *reader; /* while a request is read */
	struct ramet_http_request_head head;
	bool chunks_ended;
	int max_line; /* of a request; else 414 */
	/* The short way: of one request. */
	PyObject *handler, *env;    /* owned, while it is gone */
	PyObject *status, *headers; /* of start_response; NULL: not called */
	bool slow;                  /* the handler itself goes on */
	bool has_length, has_date;
	Py_ssize_t length;
	char *out; /* the answer's head */
	size_t out_size, out_room;
};

/* ---- the buffer (wsgi_buffer.c) ------------------------------------------ */

/* Have more than there is: how much more, 0 at the end, -1 with an exception.
 */
Py_ssize_t wsgi_fill(struct wsgi *w);

/* Whoever waits for more goes on with what it has found out before: nobody else
 * may read meanwhile.  Returns 0, or -1 with an exception. */
int wsgi_refuse_second(const struct wsgi *w);

/* What has been read, and the head, make room. */
void wsgi_drop_consumed(struct wsgi *w);

/* Nothing is kept for a connection that has nothing to say. */
void wsgi_let_go(struct wsgi *w);

/* ---- requests (wsgi_request.c) ------------------------------------------- */

/* Have a reader, which begins.  Returns 0, or -1 with an exception. */
int wsgi_begin(struct wsgi *w);
void wsgi_end_reader(struct wsgi *w);

/* What head() and wsgi_read_head return. */
enum { WSGI_END = 0, WSGI_HEAD = 1 }; /* or a status, or -1 */

/* Read the next request's head.  Returns WSGI_END, WSGI_HEAD, the status that
 * refuses it, or -1 with an exception. */
int wsgi_read_head(struct wsgi *w);

/* (request line, method, target, version, flags, size of the body) */
PyObject *wsgi_describe(const struct wsgi *w);

/* Add what the request says to a dict.  Returns 0, or -1 with an exception. */
int wsgi_fill_environ(struct wsgi *w, PyObject *env);

/* [(name, value), ...] */
PyObject *wsgi_headers(const struct wsgi *w);

/* ---- answers (wsgi_response.c, wsgi_slow.c) ------------------------------ */

/* Add to the answer's head.  Returns 0, or -1 with an exception. */
int wsgi_put(struct wsgi *w, const char *data, size_t n);

/* The whole of what start_response was given, if the handler need not see to
 * it.  Returns 1, 0 if it must, or -1 with an exception. */
int wsgi_put_head(struct wsgi *w, PyObject *status, PyObject *headers);

/* What the server says of an answer of that size.  0, or -1 with an exception.
 */
int wsgi_finish_head(struct wsgi *w, Py_ssize_t size);

/* The handler answers what the application has returned, or raised (NULL with
 * an exception).  Returns whether another request may come, -1 with an
 * exception. */
int wsgi_end_slowly(struct wsgi *w, PyObject *result);

/* ---- methods ------------------------------------------------------------- */

/* Of wsgi_request.c. */
PyObject *wsgi_head(PyObject *self, PyObject *unused);
PyObject *wsgi_environ(PyObject *self, PyObject *env);
PyObject *wsgi_header_list(PyObject *self, PyObject *unused);

/* Of wsgi_body.c. */
PyObject *wsgi_read(PyObject *self, PyObject *const *args, Py_ssize_t n);
PyObject *wsgi_read1(PyObject *self, PyObject *const *args, Py_ssize_t n);
PyObject *wsgi_readline(PyObject *self, PyObject *const *args, Py_ssize_t n);
PyObject *wsgi_readlines(PyObject *self, PyObject *const *args, Py_ssize_t n);
PyObject *wsgi_readinto(PyObject *self, PyObject *buffer);
PyObject *wsgi_read_chunks(PyObject *self, PyObject *unused);
PyObject *wsgi_next_line(PyObject *self);

/* Of wsgi_slow.c. */
PyObject *wsgi_start_response(PyObject *self, PyObject *const *args,
			      Py_ssize_t n, PyObject *names);

/* Of wsgi_serve.c. */
PyObject *wsgi_serve(PyObject *self, PyObject *const *args, Py_ssize_t n);

/* ---- what the module has ------------------------------------------------- */

/* Texts that are made once.  The last has no place.  Returns 0, or -1 with an
 * exception. */
struct wsgi_name {
	PyObject **at;
	const char *text;
};
int wsgi_intern(const struct wsgi_name *names);

int wsgi_environ_ready(PyObject *module);
int wsgi_slow_ready(PyObject *module);
int wsgi_serve_ready(PyObject *module);
int wsgi_ready(PyObject *module);

#endif
