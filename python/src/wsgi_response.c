/* wsgi_response.c - the head of an answer: what the application says, if the
 * handler need not see to it, and what the server adds. */
#include "wsgi.h"

#include <string.h>
#include <strings.h>
#include <time.h>

int wsgi_put(struct wsgi *w, const char *data, size_t n)
{
	size_t room = w->out_room ? w->out_room : 512;
	char *out;

	while (room - w->out_size < n)
		room *= 2;
	if (room != w->out_room) {
		out = PyMem_Realloc(w->out, room);
		if (!out) {
			PyErr_NoMemory();
			return -1;
		}
		w->out = out;
		w->out_room = room;
	}
	memcpy(w->out + w->out_size, data, n);
	w->out_size += n;
	return 0;
}

#define PUT(w, text) wsgi_put(w, text, sizeof(text) - 1)

/* The characters of a text that may stand in a head: NULL without an exception
 * if it is another. */
static const char *plain(PyObject *o, size_t *size)
{
	const unsigned char *text;

	if (!PyUnicode_CheckExact(o) || PyUnicode_READY(o) < 0 ||
	    PyUnicode_KIND(o) != PyUnicode_1BYTE_KIND) {
		PyErr_Clear();
		return NULL;
	}
	*size = (size_t)PyUnicode_GET_LENGTH(o);
	text = PyUnicode_1BYTE_DATA(o);
	for (size_t i = 0; i < *size; i++)
		if (text[i] == '\r' || text[i] == '\n')
			return NULL;
	return (const char *)text;
}

static bool is(const char *name, size_t size, const char *word)
{
	return size == strlen(word) && strncasecmp(name, word, size) == 0;
}

static bool to_length(const char *text, size_t size, Py_ssize_t *length)
{
	*length = 0;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9' || i > 15)
			return false;
		*length = *length * 10 + (text[i] - '0');
	}
	return size > 0;
}

/* Whether the handler need not see to it. */
static bool note_header(struct wsgi *w, const char *name, size_t size,
			const char *value, size_t value_size)
{
	if (is(name, size, "content-length")) {
		w->has_length = true;
		return to_length(value, value_size, &w->length);
	}
	if (is(name, size, "date"))
		w->has_date = true;
	return !is(name, size, "connection") && !is(name, size, "upgrade") &&
	       !is(name, size, "transfer-encoding");
}

/* 1: it is in the head, 0: it is not for us, -1 with an exception. */
static int put_header(struct wsgi *w, PyObject *pair)
{
	const char *name, *value;
	size_t name_size = 0, value_size = 0;

	if (!PyTuple_CheckExact(pair) || PyTuple_GET_SIZE(pair) != 2)
		return 0;
	name = plain(PyTuple_GET_ITEM(pair, 0), &name_size);
	value = plain(PyTuple_GET_ITEM(pair, 1), &value_size);
	if (!name || !value ||
	    !note_header(w, name, name_size, value, value_size))
		return 0;
	return wsgi_put(w, name, name_size) < 0 || PUT(w, ": ") < 0 ||
			       wsgi_put(w, value, value_size) < 0 ||
			       PUT(w, "\r\n") < 0
		       ? -1
		       : 1;
}

/* 200 to 599, but for those without a body. */
static bool good_status(const char *text, size_t size)
{
	int code = 0;

	if (size < 4 || text[3] != ' ')
		return false;
	for (int i = 0; i < 3; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		code = code * 10 + text[i] - '0';
	}
	return code >= 200 && code != 204 && code != 304;
}

int wsgi_put_head(struct wsgi *w, PyObject *status, PyObject *headers)
{
	const char *text;
	size_t size;
	int r = 1;

	w->out_size = 0;
	w->has_length = w->has_date = false;
	text = plain(status, &size);
	if (!text || !good_status(text, size) || !PyList_CheckExact(headers))
		return 0;
	if (PUT(w, "HTTP/1.1 ") < 0 || wsgi_put(w, text, size) < 0 ||
	    PUT(w, "\r\n") < 0)
		return -1;
	for (Py_ssize_t i = 0; r > 0 && i < PyList_GET_SIZE(headers); i++)
		r = put_header(w, PyList_GET_ITEM(headers, i));
	return r;
}

/* "Date: Mon, 23 Nov 2026 15:10:14 GMT\r\n", made once a second. */
static const char *date_line(void)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static char line[80];
	static time_t made;
	time_t now = time(NULL);
	struct tm tm;

	if (now == made)
		return line;
	gmtime_r(&now, &tm);
	snprintf(line, sizeof line,
		 "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n",
		 days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
		 tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	made = now;
	return line;
}

int wsgi_finish_head(struct wsgi *w, Py_ssize_t size)
{
	char length[48];
	const char *date = date_line();
	bool persists = w->head.flags & RAMET_HTTP_PERSISTS;

	if (!persists && PUT(w, "Connection: close\r\n") < 0)
		return -1;
	if (persists && w->head.version == 10 &&
	    PUT(w, "Connection: keep-alive\r\n") < 0)
		return -1;
	if (!w->has_date && wsgi_put(w, date, strlen(date)) < 0)
		return -1;
	snprintf(length, sizeof length, "Content-Length: %zd\r\n", size);
	if (!w->has_length && wsgi_put(w, length, strlen(length)) < 0)
		return -1;
	return PUT(w, "\r\n");
}
