/* watcher_io.c - the watcher `io`: a descriptor that can be read or written.
 *
 * A small ramet without Python waits for it, tells the hub, and waits again
 * once the callback has been called.
 */
#include "watcher.h"

#include <errno.h>
#include <ramet/io.h>

enum { READ = 1, WRITE = 2, IOFDSET = 0x80, STACK = 64 * 1024 };

struct io;

/* The ramet's own; the watcher may be gone before it. */
struct poller {
	struct ramet *ramet;
	struct io *io; /* NULL: stopped */
	struct hub *hub;
	int fd, events;
	bool told; /* and so waits for the callback */
};

struct io {
	struct watcher watcher;
	struct poller *poller; /* NULL: not active */
	int fd, events;
	bool pass_events;
};

/* ---- the ramet: without an exception, and none of Python's code -----------
 */

static short poll_bits(int events)
{
	return (short)((events & READ ? POLLIN : 0) |
		       (events & WRITE ? POLLOUT : 0));
}

static int events_of(short revents, int wanted)
{
	int events =
		(revents & POLLIN ? READ : 0) | (revents & POLLOUT ? WRITE : 0);

	if (revents & (POLLERR | POLLHUP | POLLNVAL))
		events |= wanted & (READ | WRITE);
	return events & wanted;
}

static int look(struct poller *p)
{
	struct pollfd fd = {.fd = p->fd, .events = poll_bits(p->events)};
	int n;

	p->hub->pollers++;
	n = ramet_poll(&fd, 1);
	p->hub->pollers--;
	if (n < 0)
		return errno == EINTR || errno == ECANCELED ? 0 : p->events;
	return events_of(fd.revents, p->events);
}

static void on_event(struct hub_call *call);

static bool tell(struct poller *p, int revents)
{
	struct watcher *w = &p->io->watcher;

	if (!revents || w->call.queued)
		return true;
	w->revents = revents;
	w->call.fn = on_event;
	if (!w->thread->hub || hub_call(w->thread, &w->call) < 0)
		return false;
	Py_INCREF(w);
	p->told = true;
	return true;
}

static void *poller_main(void *arg)
{
	struct poller *p = arg;

	while (p->io) {
		int revents = look(p);

		if (!p->io || !tell(p, revents))
			break;
		while (p->io && p->told)
			ramet_host_park("a callback", RAMET_NEVER);
	}
	if (p->io) /* there is no hub to tell */
		p->io->poller = NULL;
	PyMem_RawFree(p);
	return NULL;
}

/* ---- the watcher --------------------------------------------------------- */

static void fire(struct io *io)
{
	struct watcher *w = &io->watcher;
	PyObject *args;

	if (!io->pass_events || !w->args || PyTuple_GET_SIZE(w->args) == 0) {
		watcher_fire(w);
		return;
	}
	args = PyTuple_GetSlice(w->args, 0, PyTuple_GET_SIZE(w->args));
	if (args && Py_REFCNT(args) > 1) { /* the whole slice is itself */
		Py_ssize_t n = PyTuple_GET_SIZE(w->args);

		Py_SETREF(args, PyTuple_New(n));
		for (Py_ssize_t i = 1; args && i < n; i++)
			PyTuple_SET_ITEM(args, i,
					 Py_NewRef(
						 PyTuple_GET_ITEM(w->args, i)));
		if (args)
			PyTuple_SET_ITEM(args, 0, PyLong_FromLong(w->revents));
	}
	if (!args) {
		hub_handle_error((PyObject *)w);
		return;
	}
	Py_XSETREF(w->args, args);
	watcher_fire(w);
}

static void on_event(struct hub_call *call)
{
	struct io *io =
		(struct io *)((char *)call - offsetof(struct io, watcher.call));

	if (!io->watcher.thread->closed)
		fire(io);
	if (io->poller && io->poller->told && !io->watcher.thread->closed) {
		io->poller->told = false;
		ramet_host_wake(io->poller->ramet);
	}
	Py_DECREF(io);
}

static int begin(struct watcher *w)
{
	struct io *io = (struct io *)w;
	struct poller *p = PyMem_RawCalloc(1, sizeof *p);

	if (p)
		p->ramet = ramet_host_spawn(poller_main, p, NULL, STACK);
	if (!p || !p->ramet) {
		PyMem_RawFree(p);
		PyErr_NoMemory();
		return -1;
	}
	p->io = io;
	p->hub = w->thread->hub_state;
	p->fd = io->fd;
	p->events = io->events;
	io->poller = p;
	ramet_host_wake(p->ramet);
	return 0;
}

static void end(struct watcher *w)
{
	struct poller *p = ((struct io *)w)->poller;

	((struct io *)w)->poller = NULL;
	if (!p)
		return;
	p->io = NULL;
	if (!ramet_host_wake(p->ramet))
		ramet_host_end(p->ramet, ECANCELED);
}

static int check_events(int events)
{
	if (events > 0 && !(events & ~(READ | WRITE | IOFDSET)))
		return 0;
	PyErr_Format(PyExc_ValueError, "illegal event mask: %d", events);
	return -1;
}

static int check_fd(int fd)
{
	if (fd >= 0)
		return 0;
	PyErr_Format(PyExc_ValueError, "fd must be non-negative: %d", fd);
	return -1;
}

static int init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {(char *)"loop",     (char *)"fd",
				(char *)"events",   (char *)"ref",
				(char *)"priority", NULL};
	struct io *io = (struct io *)self;
	PyObject *loop, *priority = Py_None;
	int ref = 1, fd, events;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Oii|pO:io", names,
					 &loop, &fd, &events, &ref,
					 &priority) ||
	    check_fd(fd) < 0 || check_events(events) < 0)
		return -1;
	io->fd = fd;
	io->events = events & (READ | WRITE);
	return watcher_init(&io->watcher, loop, ref, priority);
}

/* The events take the first place of args when they come. */
static PyObject *start(PyObject *self, PyObject *given, PyObject *kwargs)
{
	PyObject *pass =
		kwargs ? PyDict_GetItemString(kwargs, "pass_events") : NULL;
	struct io *io = (struct io *)self;
	PyObject *callback, *args, *more;
	int err;

	if (watcher_parse_start(given, &callback, &args) < 0)
		return NULL;
	io->pass_events = pass && PyObject_IsTrue(pass);
	if (io->pass_events) {
		more = Py_BuildValue("(i)", 0);
		Py_XSETREF(args, more ? PySequence_Concat(more, args) : NULL);
		Py_XDECREF(more);
	}
	err = args ? watcher_start(&io->watcher, callback, args) : -1;
	Py_XDECREF(args);
	if (err < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *get_fd(PyObject *self, void *unused)
{
	(void)unused;
	return PyLong_FromLong(((struct io *)self)->fd);
}

static bool refuse_active(struct io *io, const char *what)
{
	if (io->watcher.active)
		PyErr_Format(PyExc_AttributeError,
			     "'io' watcher attribute '%s' is read-only while "
			     "watcher is active",
			     what);
	return io->watcher.active;
}

static int set_fd(PyObject *self, PyObject *value, void *unused)
{
	struct io *io = (struct io *)self;
	int fd = value ? PyObject_AsFileDescriptor(value) : -1;

	(void)unused;
	if (PyErr_Occurred() || refuse_active(io, "fd") || check_fd(fd) < 0)
		return -1;
	io->fd = fd;
	return 0;
}

static PyObject *get_events(PyObject *self, void *unused)
{
	(void)unused;
	return PyLong_FromLong(((struct io *)self)->events);
}

static int set_events(PyObject *self, PyObject *value, void *unused)
{
	struct io *io = (struct io *)self;
	long events = value ? PyLong_AsLong(value) : -1;

	(void)unused;
	if (PyErr_Occurred() || refuse_active(io, "events") ||
	    check_events((int)events) < 0)
		return -1;
	io->events = (int)events & (READ | WRITE);
	return 0;
}

static PyObject *get_events_str(PyObject *self, void *unused)
{
	static const char *const words[] = {"", "READ", "WRITE", "READ|WRITE"};

	(void)unused;
	return PyUnicode_FromString(
		words[((struct io *)self)->events & (READ | WRITE)]);
}

static PyMethodDef methods[] = {
	{"start", (PyCFunction)(void (*)(void))start,
	 METH_VARARGS | METH_KEYWORDS,
	 "start($self, callback, /, *args, pass_events=False)\n--\n\n"
	 "Call it while the descriptor is ready, with the events first\n"
	 "if wanted."},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
	{"fd", get_fd, set_fd, "The descriptor.", NULL},
	{"events", get_events, set_events, "READ | WRITE", NULL},
	{"events_str", get_events_str, NULL, "The same in words.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

int watcher_io_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc,
		 (char *)"io(loop, fd, events, ref=True, priority=None)\n--\n\n"
			 "Calls while a descriptor is ready."},
		{Py_tp_init, init},
		{Py_tp_methods, methods},
		{Py_tp_getset, attributes},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.core.io", sizeof(struct io), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
				   slots};
	static const struct watcher_kind kind = {begin, end};

	return watcher_make_type(module, &spec, &kind) ? 0 : -1;
}
