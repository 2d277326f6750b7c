/* names.c - names of hosts and services: the functions of the module socket, as
 * libramet looks them up, which blocks only the greenlet. */
#include "sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>

#include <ramet/net.h>

static const char what[] = "the name of a host";

/* ---- getaddrinfo ------------------------------------------------------------
 */

/* A service: a name, a number, or nothing. */
static PyObject *service_text(PyObject *port)
{
	if (port == Py_None)
		return Py_NewRef(Py_None);
	if (PyUnicode_Check(port))
		return PyUnicode_AsUTF8String(port);
	if (PyBytes_Check(port))
		return Py_NewRef(port);
	if (PyLong_Check(port)) {
		long value = PyLong_AsLong(port);

		if (value == -1 && PyErr_Occurred())
			return NULL;
		return PyBytes_FromFormat("%ld", value);
	}
	PyErr_SetString(PyExc_OSError, "Int or String expected");
	return NULL;
}

static const char *text_or_null(PyObject *bytes)
{
	return bytes == Py_None ? NULL : PyBytes_AS_STRING(bytes);
}

static PyObject *one_result(const struct addrinfo *r)
{
	struct address a = {.size = r->ai_addrlen};

	memcpy(&a.sa, r->ai_addr, r->ai_addrlen);
	return Py_BuildValue("(iiisN)", r->ai_family, r->ai_socktype,
			     r->ai_protocol,
			     r->ai_canonname ? r->ai_canonname : "",
			     address_make(&a));
}

static PyObject *all_results(const struct addrinfo *r)
{
	PyObject *list = PyList_New(0);

	for (; list && r; r = r->ai_next) {
		PyObject *one = one_result(r);

		if (!one || PyList_Append(list, one) < 0)
			Py_CLEAR(list);
		Py_XDECREF(one);
	}
	return list;
}

static PyObject *look_up(PyObject *host, PyObject *service,
			 const struct addrinfo *hints)
{
	struct addrinfo *result;
	PyObject *list;

	if (address_look_up(text_or_null(host), text_or_null(service), hints,
			    &result) < 0)
		return NULL;
	list = all_results(result);
	ramet_freeaddrinfo(result);
	return list;
}

static PyObject *getaddrinfo_(PyObject *module, PyObject *args, PyObject *names)
{
	static char *known[] = {(char *)"host",
				(char *)"port",
				(char *)"family",
				(char *)"type",
				(char *)"proto",
				(char *)"flags",
				NULL};
	struct addrinfo hints = {.ai_family = AF_UNSPEC};
	PyObject *host, *port, *name = NULL, *service, *list = NULL;

	(void)module;
	if (!PyArg_ParseTupleAndKeywords(args, names, "OO|iiii:getaddrinfo",
					 known, &host, &port, &hints.ai_family,
					 &hints.ai_socktype, &hints.ai_protocol,
					 &hints.ai_flags))
		return NULL;
	if (host == Py_None)
		name = Py_NewRef(Py_None);
	else if (!PyUnicode_Check(host) && !PyBytes_Check(host))
		PyErr_SetString(PyExc_TypeError,
				"getaddrinfo() argument 1 must be string or "
				"None");
	else
		address_encode(host, &name);
	service = name ? service_text(port) : NULL;
	if (service && PySys_Audit("socket.getaddrinfo", "OOiii", host, port,
				   hints.ai_family, hints.ai_socktype,
				   hints.ai_protocol) == 0)
		list = look_up(name, service, &hints);
	Py_XDECREF(name);
	Py_XDECREF(service);
	return list;
}

/* ---- gethostby --------------------------------------------------------------
 */

static PyObject *set_host_error(int code)
{
	PyObject *args = Py_BuildValue("(is)", code, hstrerror(code));

	if (args)
		PyErr_SetObject(exc_host, args);
	Py_XDECREF(args);
	return NULL;
}

static int find(PyObject *args, const char *format, const char *event,
		int family, struct address *a, PyObject **name)
{
	PyObject *host;

	if (!PyArg_ParseTuple(args, format, &host) ||
	    PySys_Audit(event, "O", host) < 0)
		return -1;
	*name = NULL;
	if (!address_encode(host, name))
		return -1;
	if (address_find(a, family, PyBytes_AS_STRING(*name)) == 0)
		return 0;
	Py_CLEAR(*name);
	return -1;
}

static PyObject *gethostbyname_(PyObject *module, PyObject *args)
{
	struct address a;
	PyObject *name;

	(void)module;
	if (find(args, "O:gethostbyname", "socket.gethostbyname", AF_INET, &a,
		 &name) < 0)
		return NULL;
	Py_DECREF(name);
	return address_host((struct sockaddr *)&a.sa);
}

static PyObject *aliases(char *const *names)
{
	PyObject *list = PyList_New(0);

	for (; list && names && *names; names++) {
		PyObject *name = PyUnicode_FromString(*names);

		if (!name || PyList_Append(list, name) < 0)
			Py_CLEAR(list);
		Py_XDECREF(name);
	}
	return list;
}

static PyObject *addresses(const struct hostent *h)
{
	PyObject *list = PyList_New(0);

	for (char *const *p = h->h_addr_list; list && *p; p++) {
		char text[INET6_ADDRSTRLEN] = "";
		PyObject *one;

		inet_ntop(h->h_addrtype, *p, text, sizeof text);
		one = PyUnicode_FromString(text);
		if (!one || PyList_Append(list, one) < 0)
			Py_CLEAR(list);
		Py_XDECREF(one);
	}
	return list;
}

/* What is looked up: the name, or the address if there is none. */
struct question {
	const char *name;
	const void *address;
	socklen_t size;
	int family;
};

/* Returns an errno, 0, or -1 with an exception. */
static int ask(const struct question *q, struct hostent *h, char *buf,
	       size_t room, struct hostent **result, int *h_error)
{
	struct thread *t = thread_get();
	int err, again;

	if (!t)
		return -1;
	do {
		if (greenlet_enter(t) < 0)
			return -1;
		err = q->name ? ramet_gethostbyname_r(q->name, q->family, h,
						      buf, room, result,
						      h_error)
			      : ramet_gethostbyaddr_r(q->address, q->size,
						      q->family, h, buf, room,
						      result, h_error);
		again = greenlet_leave(t, what, err);
	} while (again > 0);
	return again < 0 ? -1 : err;
}

static PyObject *host_entry(const struct question *q)
{
	struct hostent h, *result = NULL;
	PyObject *entry = NULL;
	size_t room = 8192;
	int err, h_error = 0;
	char *buf;

	do {
		buf = PyMem_Malloc(room);
		if (!buf)
			return PyErr_NoMemory();
		err = ask(q, &h, buf, room, &result, &h_error);
		if (err == ERANGE)
			PyMem_Free(buf);
		room *= 4;
	} while (err == ERANGE);
	if (err > 0)
		sock_fail(err);
	else if (err == 0 && !result)
		set_host_error(h_error);
	else if (err == 0)
		entry = Py_BuildValue("(sNN)", h.h_name, aliases(h.h_aliases),
				      addresses(&h));
	PyMem_Free(buf);
	return entry;
}

static PyObject *gethostbyname_ex_(PyObject *module, PyObject *args)
{
	struct question q = {.family = AF_INET};
	PyObject *name, *entry;
	struct address a;

	(void)module;
	if (find(args, "O:gethostbyname_ex", "socket.gethostbyname", AF_INET,
		 &a, &name) < 0)
		return NULL;
	q.name = PyBytes_AS_STRING(name);
	entry = host_entry(&q);
	Py_DECREF(name);
	return entry;
}

static PyObject *gethostbyaddr_(PyObject *module, PyObject *args)
{
	struct question q = {.name = NULL};
	struct address a;
	PyObject *name;

	(void)module;
	if (find(args, "O:gethostbyaddr", "socket.gethostbyaddr", AF_UNSPEC, &a,
		 &name) < 0)
		return NULL;
	Py_DECREF(name);
	q.family = a.sa.ss_family;
	if (q.family == AF_INET) {
		q.address = &((struct sockaddr_in *)&a.sa)->sin_addr;
		q.size = sizeof(struct in_addr);
	} else {
		q.address = &((struct sockaddr_in6 *)&a.sa)->sin6_addr;
		q.size = sizeof(struct in6_addr);
	}
	return host_entry(&q);
}

/* ---- getnameinfo ------------------------------------------------------------
 */

static PyObject *names_of(const struct sockaddr *sa, socklen_t size, int flags)
{
	struct thread *t = thread_get();
	char host[NI_MAXHOST], service[NI_MAXSERV];
	PyObject *name;
	int code, err, again;

	if (!t)
		return NULL;
	do {
		if (greenlet_enter(t) < 0)
			return NULL;
		code = ramet_getnameinfo(sa, size, host, sizeof host, service,
					 sizeof service, flags);
		err = code == EAI_SYSTEM ? errno : 0;
		again = greenlet_leave(t, what, err);
	} while (again > 0);
	if (again < 0)
		return NULL;
	if (code) {
		address_fail(code, err);
		return NULL;
	}
	name = PyUnicode_DecodeFSDefault(host);
	return name ? Py_BuildValue("(Ns)", name, service) : NULL;
}

/* The one that a number means. */
static struct addrinfo *numeric(const char *host, int port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
				 .ai_flags = AI_NUMERICHOST};
	struct addrinfo *result;
	char service[16];

	PyOS_snprintf(service, sizeof service, "%d", port);
	if (address_look_up(host, service, &hints, &result) < 0)
		return NULL;
	if (!result->ai_next)
		return result;
	ramet_freeaddrinfo(result);
	PyErr_SetString(PyExc_OSError,
			"sockaddr resolved to multiple addresses");
	return NULL;
}

static int check_parts(const struct addrinfo *r, PyObject *address,
		       unsigned flow, unsigned scope)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)r->ai_addr;

	if (r->ai_family == AF_INET && PyTuple_GET_SIZE(address) != 2) {
		PyErr_SetString(PyExc_OSError, "IPv4 sockaddr must be 2 tuple");
		return -1;
	}
	if (r->ai_family == AF_INET6) {
		in6->sin6_flowinfo = htonl(flow);
		in6->sin6_scope_id = scope;
	}
	return 0;
}

static PyObject *getnameinfo_(PyObject *module, PyObject *args)
{
	unsigned flow = 0, scope = 0;
	struct addrinfo *result;
	PyObject *address, *pair = NULL;
	const char *host;
	int flags, port;

	(void)module;
	if (!PyArg_ParseTuple(args, "Oi:getnameinfo", &address, &flags))
		return NULL;
	if (!PyTuple_Check(address)) {
		PyErr_SetString(PyExc_TypeError,
				"getnameinfo() argument 1 must be a tuple");
		return NULL;
	}
	if (!PyArg_ParseTuple(address,
			      "si|II;getnameinfo(): illegal sockaddr argument",
			      &host, &port, &flow, &scope))
		return NULL;
	if (flow > 0xfffff) {
		PyErr_SetString(PyExc_OverflowError,
				"getnameinfo(): flowinfo must be 0-1048575.");
		return NULL;
	}
	if (PySys_Audit("socket.getnameinfo", "(O)", address) < 0)
		return NULL;
	result = numeric(host, port);
	if (!result)
		return NULL;
	if (check_parts(result, address, flow, scope) == 0)
		pair = names_of(result->ai_addr, result->ai_addrlen, flags);
	ramet_freeaddrinfo(result);
	return pair;
}

static PyMethodDef functions[] = {
	{"getaddrinfo", (PyCFunction)(void (*)(void))getaddrinfo_,
	 METH_VARARGS | METH_KEYWORDS,
	 "getaddrinfo($module, /, host, port, family=0, type=0, "
	 "proto=0, flags=0)\n--\n\n"
	 "[(family, type, proto, canonname, sockaddr)...]"},
	{"gethostbyname", gethostbyname_, METH_VARARGS,
	 "gethostbyname($module, host, /)\n--\n\n"
	 "The first IPv4 address, as text."},
	{"gethostbyname_ex", gethostbyname_ex_, METH_VARARGS,
	 "gethostbyname_ex($module, host, /)\n--\n\n"
	 "(name, aliases, addresses)"},
	{"gethostbyaddr", gethostbyaddr_, METH_VARARGS,
	 "gethostbyaddr($module, address, /)\n--\n\n"
	 "(name, aliases, addresses)"},
	{"getnameinfo", getnameinfo_, METH_VARARGS,
	 "getnameinfo($module, sockaddr, flags, /)\n--\n\n"
	 "(host, service)"},
	{NULL, NULL, 0, NULL},
};

int names_ready(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
