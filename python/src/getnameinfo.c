/* getnameinfo.c - socket.getnameinfo, as libramet looks addresses up, which
 * blocks only the greenlet. */
#include "sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>

#include <ramet/net.h>

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
		again = greenlet_leave(t, "the name of a host", err);
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
	{"getnameinfo", getnameinfo_, METH_VARARGS,
	 "getnameinfo($module, sockaddr, flags, /)\n--\n\n"
	 "(host, service)"},
	{NULL, NULL, 0, NULL},
};

int getnameinfo_ready(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
