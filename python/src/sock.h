/* sock.h - the sockets of Python: one of the interpreter's own, whose calls
 * block only the greenlet.
 *
 * The type derives from the class socket of the standard library, and so from
 * the C type below it, which keeps the descriptor; what has nothing to wait for
 * (options, names, listen) is inherited.  To the C type every socket seems one
 * with a time limit of 0: no call of its own ever blocks.
 */
#ifndef SOCK_H
#define SOCK_H

#include "green.h"

#include <sys/socket.h>

/* How an object of _socket.socket begins, from CPython 3.9 on.  Looked at
 * before it is relied on: see sock_ready. */
struct sock_base {
	PyObject_HEAD int fd; /* -1: closed */
	int family, type, protocol;
	PyObject *(*error)(void);
	int64_t timeout; /* 0, always */
};

/* What we add at the end. */
struct sock {
	int64_t timeout; /* in ns; negative: none, 0: do not block */
	bool nonblock;   /* O_NONBLOCK is set, and the fd is the library's */
	bool unref;      /* who waits for it does not keep the loop alive */
};

extern PyTypeObject *sock_type;
extern Py_ssize_t sock_offset;    /* of struct sock in an object */
extern PyTypeObject *sock_parent; /* _socket.socket */
extern PyObject *exc_timeout, *exc_gai, *exc_host;

static inline struct sock_base *sock_base(PyObject *self)
{
	return (struct sock_base *)self;
}

static inline struct sock *sock(PyObject *self)
{
	return (struct sock *)(void *)((char *)self + sock_offset);
}

/* ---- making them (sock.c) ------------------------------------------------ */

/* The class of what is accepted. */
extern PyTypeObject *sock_accepted_type;

/* Give a new object a descriptor that the library has made or adopted. */
void sock_own(PyObject *self, int fd, int family, int type, int protocol);

/* The time limit of new ones, in ns: 0, or -1 with an exception. */
int sock_default_timeout(int64_t *limit);

/* ---- objects of the standard library's classes (sock_layout.c) ------------
 */

/* Whether they are as we think: 0, or -1 with an exception. */
int sock_check_layout(PyTypeObject *base);

/* What the __init__ of the class sets, and its close(). */
void sock_set_open(PyObject *self);
void sock_set_closed(PyObject *self);

/* What a parent's __init__ sets behind struct sock_base, for all the same: it
 * is learned from the first. */
bool sock_knows_tail(void);
void sock_learn_tail(PyObject *self);
void sock_set_tail(PyObject *self);

/* ---- limit.c ------------------------------------------------------------- */

/* O_NONBLOCK is set, and may be relied on. */
void sock_rely(PyObject *self);

/* Set it.  Returns 0, or -1 with an exception. */
int sock_stop_blocking(PyObject *self);

PyObject *sock_timeout_attribute(PyObject *self, void *unused);
PyObject *sock_get_ref(PyObject *self, void *unused);
int sock_set_ref(PyObject *self, PyObject *value, void *unused);

/* ---- waiting (ready.c) --------------------------------------------------- */

/* The end of a call that begins now; 0 is none yet: see sock_wait. */
static inline int64_t sock_until(PyObject *self)
{
	int64_t limit = sock(self)->timeout;

	return limit < 0 ? RAMET_NEVER : ramet_after(limit).ns;
}

/* After a call that did not wait failed with EAGAIN: wait for POLLIN or POLLOUT
 * until *when, which the first wait of a call sets from the socket's timeout if
 * it is 0.  Returns 0: try again; or -1 with an exception. */
int sock_wait(PyObject *self, int events, int64_t *when);

/* After a call that is none of libramet's has returned: if it had to wait, the
 * next who waits may try. */
static inline void sock_pass(PyObject *self, int events, int64_t when)
{
	if (when)
		ramet_host_pass(sock_base(self)->fd, events);
}

/* Set the exception of errno.  Returns -1. */
int sock_fail(int err);
int sock_timed_out(void);

/* ---- addresses (address.c) ----------------------------------------------- */

struct address {
	struct sockaddr_storage sa;
	socklen_t size;
};

/* Families that are known here; others' addresses only _socket reads. */
bool address_known(int family);

/* Fill *a from Python's address, in a call of `function`.  Blocks if it has to
 * look a name up.  Returns 0, or -1 with an exception. */
int address_read(struct address *a, int family, PyObject *value,
		 const char *function);

/* Python's address: a new reference. */
PyObject *address_make(const struct address *a);

/* The text of its host: a new reference. */
PyObject *address_host(const struct sockaddr *sa);

/* Look up a host, given as Python does, as an address of `family` (AF_UNSPEC:
 * any), without a port.  Returns 0, or -1 with an exception. */
int address_find(struct address *a, int family, const char *host);

/* "O&" of PyArg_Parse: the name of a host as a bytes object, encoded. */
int address_encode(PyObject *host, void *bytes);

/* The exception of one of the EAI_ codes, errno with EAI_SYSTEM.  -1. */
int address_fail(int code, int err);

/* Call ramet_getaddrinfo.  Returns 0, or -1 with an exception. */
struct addrinfo;
int address_look_up(const char *host, const char *service,
		    const struct addrinfo *hints, struct addrinfo **result);

/* ---- methods, in tables that end with an empty row ------------------------
 */

extern PyMethodDef connect_methods[], limit_methods[], parent_methods[],
	recv_methods[], send_methods[];

/* recv into buf, sendall of it: how many, 0; or -1 with an exception. */
Py_ssize_t sock_receive(PyObject *self, void *buf, size_t size);
int sock_send_all(PyObject *self, const char *buf, Py_ssize_t size, int flags);

/* Call the method of _socket.socket, and again when there is something to be
 * had, unless the caller's flags have MSG_DONTWAIT: for what is too rare to be
 * read here.  args becomes the caller's no more. */
PyObject *sock_by_parent(PyObject *self, const char *method, int events,
			 PyObject *args, int flags);

int descriptor_ready(PyObject *module);
int ready_ready(PyObject *module);
int sock_ready(PyObject *module);
int getaddrinfo_ready(PyObject *module);
int gethostby_ready(PyObject *module);
int getnameinfo_ready(PyObject *module);

#endif
