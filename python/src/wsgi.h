/* wsgi.h - the connection of a WSGI server: what has come in (wsgi.c), as an
 * env (wsgi_environ.c), and the short way from a request to its answer
 * (wsgi_serve.c). */
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

int wsgi_environ_ready(PyObject *module);
int wsgi_serve_ready(PyObject *module);

/* Methods that wsgi_serve.c has. */
PyObject *wsgi_serve(PyObject *self, PyObject *const *args, Py_ssize_t n);
PyObject *wsgi_start_response(PyObject *self, PyObject *const *args,
			      Py_ssize_t n, PyObject *names);

int wsgi_ready(PyObject *module);

#endif
