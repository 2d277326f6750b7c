/* address.c - addresses of sockets, from Python and to it, and names of hosts
 * in them. */
#include "sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/un.h>

#include <ramet/net.h>

/* ---- looking names up ---------------------------------------------------- */

int address_fail(int code, int err)
{
	PyObject *args;

	if (code == EAI_SYSTEM) {
		errno = err;
		PyErr_SetFromErrno(PyExc_OSError);
		return -1;
	}
	args = Py_BuildValue("(is)", code, gai_strerror(code));
	if (args)
		PyErr_SetObject(exc_gai, args);
	Py_XDECREF(args);
	return -1;
}

int address_look_up(const char *host, const char *service,
		    const struct addrinfo *hints, struct addrinfo **result)
{
	struct thread *t = thread_get();
	int code, err, again;

	if (!t)
		return -1;
	do {
		if (greenlet_enter(t) < 0)
			return -1;
		code = ramet_getaddrinfo(host, service, hints, result);
		err = code == EAI_SYSTEM ? errno : 0;
		again = greenlet_leave(t, "the address of a host", err);
	} while (again > 0);
	if (code == 0 && again < 0)
		ramet_freeaddrinfo(*result);
	if (again < 0)
		return -1;
	return code ? address_fail(code, err) : 0;
}

static bool is_ascii(PyObject *s)
{
	return PyUnicode_IS_COMPACT_ASCII(s);
}

static PyObject *encoded(PyObject *host)
{
	if (PyUnicode_Check(host))
		return is_ascii(host)
			       ? PyUnicode_AsASCIIString(host)
			       : PyUnicode_AsEncodedString(host, "idna", NULL);
	if (PyBytes_Check(host))
		return Py_NewRef(host);
	if (PyByteArray_Check(host))
		return PyBytes_FromObject(host);
	PyErr_Format(PyExc_TypeError,
		     "str, bytes or bytearray expected, not %s",
		     Py_TYPE(host)->tp_name);
	return NULL;
}

int address_encode(PyObject *host, void *bytes)
{
	PyObject **result = bytes;

	if (!host) { /* another argument was bad */
		Py_CLEAR(*result);
		return 1;
	}
	*result = encoded(host);
	if (!*result)
		return 0;
	if (strlen(PyBytes_AS_STRING(*result)) ==
	    (size_t)PyBytes_GET_SIZE(*result))
		return Py_CLEANUP_SUPPORTED;
	Py_CLEAR(*result);
	PyErr_SetString(PyExc_TypeError,
			"host name must not contain null character");
	return 0;
}

/* ---- a host ---------------------------------------------------------------
 */

static void set_v4(struct address *a, uint32_t address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&a->sa;

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = address;
	a->size = sizeof *in;
}

/* Any address to listen on: the one that the kernel has. */
static int find_any(struct address *a, int family)
{
	struct addrinfo hints = {.ai_family = family,
				 .ai_socktype = SOCK_DGRAM,
				 .ai_flags = AI_PASSIVE};
	struct addrinfo *result;
	bool one;

	if (address_look_up(NULL, "0", &hints, &result) < 0)
		return -1;
	one = !result->ai_next;
	memcpy(&a->sa, result->ai_addr, result->ai_addrlen);
	a->size = result->ai_addrlen;
	ramet_freeaddrinfo(result);
	if (one)
		return 0;
	PyErr_SetString(PyExc_OSError, "wildcard resolved to multiple address");
	return -1;
}

static bool is_number(struct address *a, int family, const char *host)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a->sa;
	struct in_addr v4;

	if (family != AF_INET6 && inet_pton(AF_INET, host, &v4) > 0) {
		set_v4(a, v4.s_addr);
		return true;
	}
	if (family == AF_INET || strchr(host, '%') ||
	    inet_pton(AF_INET6, host, &in6->sin6_addr) <= 0)
		return false;
	in6->sin6_family = AF_INET6;
	a->size = sizeof *in6;
	return true;
}

int address_find(struct address *a, int family, const char *host)
{
	struct addrinfo hints = {.ai_family = family};
	struct addrinfo *result;

	memset(&a->sa, 0, sizeof a->sa);
	if (!*host)
		return find_any(a, family);
	if (strcmp(host, "<broadcast>") == 0 ||
	    strcmp(host, "255.255.255.255") == 0) {
		if (family != AF_INET && family != AF_UNSPEC) {
			PyErr_SetString(PyExc_OSError,
					"address family mismatched");
			return -1;
		}
		set_v4(a, INADDR_BROADCAST);
		return 0;
	}
	if (is_number(a, family, host))
		return 0;
	if (address_look_up(host, NULL, &hints, &result) < 0)
		return -1;
	memcpy(&a->sa, result->ai_addr, result->ai_addrlen);
	a->size = result->ai_addrlen;
	ramet_freeaddrinfo(result);
	return 0;
}

/* ---- from Python -----------------------------------------------------------
 */

static int check_port(int port, const char *function)
{
	if (port >= 0 && port <= 0xffff)
		return 0;
	PyErr_Format(PyExc_OverflowError, "%s(): port must be 0-65535.",
		     function);
	return -1;
}

static int want_tuple(PyObject *value, const char *family, const char *function)
{
	if (PyTuple_Check(value))
		return 0;
	PyErr_Format(PyExc_TypeError, "%s(): %s address must be tuple, not %s",
		     function, family, Py_TYPE(value)->tp_name);
	return -1;
}

/* Arguments out of range are not what the format says of them. */
static int parse_host(PyObject *value, const char *format, PyObject **host,
		      int *port, unsigned *flow, unsigned *scope,
		      const char *function)
{
	int ok = flow ? PyArg_ParseTuple(value, format, address_encode, host,
					 port, flow, scope)
		      : PyArg_ParseTuple(value, format, address_encode, host,
					 port);

	if (!ok) {
		if (PyErr_ExceptionMatches(PyExc_OverflowError))
			PyErr_Format(PyExc_OverflowError,
				     "%s(): port must be 0-65535.", function);
		return -1;
	}
	if (check_port(*port, function) < 0) {
		Py_CLEAR(*host);
		return -1;
	}
	return 0;
}

static int read_v4(struct address *a, PyObject *value, const char *function)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&a->sa;
	PyObject *host = NULL;
	int port, err;

	if (want_tuple(value, "AF_INET", function) < 0 ||
	    parse_host(value, "O&i;AF_INET address must be a pair (host, port)",
		       &host, &port, NULL, NULL, function) < 0)
		return -1;
	err = address_find(a, AF_INET, PyBytes_AS_STRING(host));
	Py_DECREF(host);
	in->sin_port = htons((uint16_t)port);
	return err;
}

static int read_v6(struct address *a, PyObject *value, const char *function)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a->sa;
	PyObject *host = NULL;
	unsigned flow = 0, scope = 0;
	int port, err;

	if (want_tuple(value, "AF_INET6", function) < 0 ||
	    parse_host(value,
		       "O&i|II;AF_INET6 address must be a tuple (host, port[, "
		       "flowinfo[, scopeid]])",
		       &host, &port, &flow, &scope, function) < 0)
		return -1;
	if (flow > 0xfffff) {
		Py_DECREF(host);
		PyErr_Format(PyExc_OverflowError,
			     "%s(): flowinfo must be 0-1048575.", function);
		return -1;
	}
	err = address_find(a, AF_INET6, PyBytes_AS_STRING(host));
	Py_DECREF(host);
	in6->sin6_port = htons((uint16_t)port);
	in6->sin6_flowinfo = htonl(flow);
	if (scope)
		in6->sin6_scope_id = scope;
	return err;
}

/* A path ends with a zero; an abstract name begins with one. */
static int set_path(struct address *a, const char *path, size_t size)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&a->sa;
	bool is_abstract = size == 0 || path[0] == 0;

	if (size + !is_abstract > sizeof un->sun_path) {
		PyErr_SetString(PyExc_OSError, "AF_UNIX path too long");
		return -1;
	}
	memset(un, 0, sizeof *un);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, size);
	a->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size +
			      !is_abstract);
	return 0;
}

static int read_path(struct address *a, PyObject *value)
{
	PyObject *path;
	Py_buffer view;
	int err;

	if (PyUnicode_Check(value))
		path = PyUnicode_EncodeFSDefault(value);
	else
		path = Py_NewRef(value);
	if (!path || PyObject_GetBuffer(path, &view, PyBUF_SIMPLE) < 0) {
		Py_XDECREF(path);
		return -1;
	}
	err = set_path(a, view.buf, (size_t)view.len);
	PyBuffer_Release(&view);
	Py_DECREF(path);
	return err;
}

bool address_known(int family)
{
	return family == AF_INET || family == AF_INET6 || family == AF_UNIX;
}

int address_read(struct address *a, int family, PyObject *value,
		 const char *function)
{
	switch (family) {
	case AF_INET:
		return read_v4(a, value, function);
	case AF_INET6:
		return read_v6(a, value, function);
	}
	return read_path(a, value);
}

/* ---- to Python ----------------------------------------------------------- */

PyObject *address_host(const struct sockaddr *sa)
{
	char text[INET6_ADDRSTRLEN];
	const void *address =
		sa->sa_family == AF_INET
			? (const void *)&(
				  (const struct sockaddr_in *)(const void *)sa)
				  ->sin_addr
			: &((const struct sockaddr_in6 *)(const void *)sa)
				   ->sin6_addr;

	if (!inet_ntop(sa->sa_family, address, text, sizeof text))
		return PyErr_SetFromErrno(PyExc_OSError);
	return PyUnicode_FromString(text);
}

static PyObject *make_path(const struct address *a)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&a->sa;
	Py_ssize_t size = (Py_ssize_t)a->size -
			  (Py_ssize_t)offsetof(struct sockaddr_un, sun_path);

	if (size > 0 && un->sun_path[0] == 0)
		return PyBytes_FromStringAndSize(un->sun_path, size);
	return PyUnicode_DecodeFSDefaultAndSize(
		un->sun_path,
		(Py_ssize_t)strnlen(un->sun_path, size > 0 ? (size_t)size : 0));
}

PyObject *address_make(const struct address *a)
{
	const struct sockaddr *sa = (const struct sockaddr *)&a->sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->sa;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a->sa;

	if (a->size == 0)
		Py_RETURN_NONE;
	switch (sa->sa_family) {
	case AF_INET:
		return Py_BuildValue("(Ni)", address_host(sa),
				     ntohs(in->sin_port));
	case AF_INET6:
		return Py_BuildValue("(NiII)", address_host(sa),
				     ntohs(in6->sin6_port),
				     ntohl(in6->sin6_flowinfo),
				     in6->sin6_scope_id);
	case AF_UNIX:
		return make_path(a);
	}
	return Py_BuildValue("(iy#)", sa->sa_family, sa->sa_data,
			     (Py_ssize_t)(a->size -
					  offsetof(struct sockaddr, sa_data)));
}
