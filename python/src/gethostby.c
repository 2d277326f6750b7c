/* gethostby.c - socket.gethostbyname, gethostbyname_ex and gethostbyaddr, as
 * libramet looks names up, which blocks only the greenlet. */
#include "sock.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <ramet/net.h>

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
		again = greenlet_leave(t, "the name of a host", err);
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

static PyMethodDef functions[] = {
	{"gethostbyname", gethostbyname_, METH_VARARGS,
	 "gethostbyname($module, host, /)\n--\n\n"
	 "The first IPv4 address, as text."},
	{"gethostbyname_ex", gethostbyname_ex_, METH_VARARGS,
	 "gethostbyname_ex($module, host, /)\n--\n\n"
	 "(name, aliases, addresses)"},
	{"gethostbyaddr", gethostbyaddr_, METH_VARARGS,
	 "gethostbyaddr($module, address, /)\n--\n\n"
	 "(name, aliases, addresses)"},
	{NULL, NULL, 0, NULL},
};

int gethostby_ready(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
