/* wsgi_environ.c - a request's head as what PEP 3333 calls env.
 *
 * The names of headers are few: their keys are made once and found by the bytes
 * they come from.
 */
#include "wsgi.h"

#include <string.h>

/* ---- keys ------------------------------------------------------------------
 */

enum { KEYS = 256, NAME_MAX_CACHED = 40 };

static struct key {
	unsigned char size; /* 0: none */
	char name[NAME_MAX_CACHED];
	PyObject *key; /* owned */
} keys[KEYS];

static PyObject *method_key, *path_key, *query_key, *protocol_key, *host_key,
	*cookie_key, *http10, *http11;

static char to_key(char c)
{
	if (c >= 'a' && c <= 'z')
		return (char)(c - 'a' + 'A');
	return c == '-' ? '_' : c;
}

/* "HTTP_X_Y" of "X-y".  The body's two have no prefix. */
static PyObject *make_key(const char *name, size_t size)
{
	char small[128], *text = small;
	PyObject *key;

	if (size + 5 > sizeof small && !(text = PyMem_Malloc(size + 5)))
		return PyErr_NoMemory();
	memcpy(text, "HTTP_", 5);
	for (size_t i = 0; i < size; i++)
		text[5 + i] = to_key(name[i]);
	if ((size == 12 && memcmp(text + 5, "CONTENT_TYPE", 12) == 0) ||
	    (size == 14 && memcmp(text + 5, "CONTENT_LENGTH", 14) == 0))
		key = PyUnicode_DecodeLatin1(text + 5, (Py_ssize_t)size, NULL);
	else
		key = PyUnicode_DecodeLatin1(text, (Py_ssize_t)size + 5, NULL);
	if (text != small)
		PyMem_Free(text);
	return key;
}

/* A new reference. */
static PyObject *find_key(const char *name, size_t size)
{
	unsigned hash = (unsigned)size;
	struct key *k;

	if (size > NAME_MAX_CACHED)
		return make_key(name, size);
	for (size_t i = 0; i < size; i++)
		hash = hash * 31 + (unsigned char)name[i];
	k = &keys[(hash ^ hash >> 8) % KEYS];
	if (k->size != size || memcmp(k->name, name, size) != 0) {
		PyObject *key = make_key(name, size);

		if (!key)
			return NULL;
		PyUnicode_InternInPlace(&key);
		memcpy(k->name, name, size);
		k->size = (unsigned char)size;
		Py_XSETREF(k->key, key);
	}
	return Py_NewRef(k->key);
}

/* ---- values ----------------------------------------------------------------
 */

static int set_text(PyObject *env, PyObject *key, const char *text, size_t size)
{
	PyObject *value = PyUnicode_DecodeLatin1(text, (Py_ssize_t)size, NULL);
	int err = value ? PyDict_SetItem(env, key, value) : -1;

	Py_XDECREF(value);
	return err;
}

/* Several of a name are one list, but for cookies. */
static int add_text(PyObject *env, PyObject *key, PyObject *before,
		    const char *text, size_t size)
{
	PyObject *more = PyUnicode_DecodeLatin1(text, (Py_ssize_t)size, NULL);
	PyObject *value = NULL;
	int err;

	if (more)
		value = PyUnicode_FromFormat(key == cookie_key ? "%U; %U"
							       : "%U,%U",
					     before, more);
	err = value ? PyDict_SetItem(env, key, value) : -1;
	Py_XDECREF(more);
	Py_XDECREF(value);
	return err;
}

/* Names with '_' would be taken for those with '-': they are left out. */
static int set_header(PyObject *env, const char *buf,
		      struct ramet_http_text name, struct ramet_http_text value,
		      size_t i)
{
	PyObject *key, *before = NULL;
	int err;

	if (memchr(buf + name.at, '_', name.size))
		return 0;
	key = find_key(buf + name.at, name.size);
	if (!key)
		return -1;
	if (i > 0)
		before = PyDict_GetItemWithError(env, key);
	if (!before && PyErr_Occurred())
		err = -1;
	else if (before)
		err = add_text(env, key, before, buf + value.at, value.size);
	else
		err = set_text(env, key, buf + value.at, value.size);
	Py_DECREF(key);
	return err;
}

/* ---- the target ------------------------------------------------------------
 */

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Without percents; those that code nothing stay. */
static int set_path(PyObject *env, const char *path, size_t size)
{
	char small[512] = "", *text = small;
	size_t n = 0;
	int err;

	if (!memchr(path, '%', size))
		return set_text(env, path_key, path, size);
	if (size > sizeof small && !(text = PyMem_Malloc(size))) {
		PyErr_NoMemory();
		return -1;
	}
	for (size_t i = 0; i < size; i++) {
		int a = -1, b = -1;

		if (path[i] == '%' && i + 2 < size) {
			a = hex_of(path[i + 1]);
			b = hex_of(path[i + 2]);
		}
		text[n++] = a >= 0 && b >= 0 ? (char)(a << 4 | b) : path[i];
		if (a >= 0 && b >= 0)
			i += 2;
	}
	err = set_text(env, path_key, text, n);
	if (text != small)
		PyMem_Free(text);
	return err;
}

/* Of "http://host/path" the path; the host comes before that of the header (RFC
 * 9112, 3.2.2). */
static int set_target(PyObject *env, const char *target, size_t size)
{
	const char *end = target + size, *query, *host;

	if (size && *target != '/' && (host = memmem(target, size, "://", 3))) {
		host += 3;
		target = host;
		while (target < end && *target != '/' && *target != '?')
			target++;
		if (set_text(env, host_key, host, (size_t)(target - host)) < 0)
			return -1;
	}
	query = memchr(target, '?', (size_t)(end - target));
	if (set_text(env, query_key, query ? query + 1 : end,
		     query ? (size_t)(end - query - 1) : 0) < 0)
		return -1;
	return set_path(env, target, (size_t)((query ? query : end) - target));
}

/* ---- the whole -------------------------------------------------------------
 */

int wsgi_fill_environ(struct wsgi *w, PyObject *env)
{
	struct ramet_http_text name, value;
	PyObject *protocol = w->head.version == 11 ? http11 : http10;

	for (size_t i = 0;
	     ramet_http_reader_header(w->reader, i, &name, &value); i++)
		if (set_header(env, w->buf, name, value, i) < 0)
			return -1;
	if (set_text(env, method_key, w->buf + w->head.method.at,
		     w->head.method.size) < 0 ||
	    PyDict_SetItem(env, protocol_key, protocol) < 0)
		return -1;
	return set_target(env, w->buf + w->head.target.at, w->head.target.size);
}

PyObject *wsgi_headers(const struct wsgi *w)
{
	PyObject *list = PyList_New(0), *pair;
	struct ramet_http_text name, value;

	for (size_t i = 0;
	     list && ramet_http_reader_header(w->reader, i, &name, &value);
	     i++) {
		pair = Py_BuildValue("(NN)",
				     PyUnicode_DecodeLatin1(w->buf + name.at,
							    name.size, NULL),
				     PyUnicode_DecodeLatin1(w->buf + value.at,
							    value.size, NULL));
		if (!pair || PyList_Append(list, pair) < 0)
			Py_CLEAR(list);
		Py_XDECREF(pair);
	}
	return list;
}

int wsgi_environ_ready(PyObject *module)
{
	static const struct wsgi_name names[] = {
		{&method_key, "REQUEST_METHOD"},
		{&path_key, "PATH_INFO"},
		{&query_key, "QUERY_STRING"},
		{&host_key, "HTTP_HOST"},
		{&protocol_key, "SERVER_PROTOCOL"},
		{&cookie_key, "HTTP_COOKIE"},
		{&http10, "HTTP/1.0"},
		{&http11, "HTTP/1.1"},
		{NULL, NULL},
	};

	(void)module;
	return wsgi_intern(names);
}
