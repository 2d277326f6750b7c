/* getaddrinfo.c - socket.getaddrinfo, as libramet looks names up, which blocks
 * only the greenlet. */
#include "sock.h"

#include <netdb.h>

#include <ramet/net.h>

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

static PyMethodDef functions[] = {
	{"getaddrinfo", (PyCFunction)(void (*)(void))getaddrinfo_,
	 METH_VARARGS | METH_KEYWORDS,
	 "getaddrinfo($module, /, host, port, family=0, type=0, "
	 "proto=0, flags=0)\n--\n\n"
	 "[(family, type, proto, canonname, sockaddr)...]"},
	{NULL, NULL, 0, NULL},
};

int getaddrinfo_ready(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
