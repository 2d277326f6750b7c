/* linkable.c - callbacks that are told once an object is ready, and the base of
 * the types that have them. */
#include "linkable.h"
#include "thread.h"

#include <structmember.h>

PyTypeObject *linkable_type;

struct link {
	struct link *next;
	PyObject *callback;     /* owned; NULL: unlinked meanwhile */
	struct linkable *owner; /* owned while it is due */
	struct thread *thread;  /* used */
	struct hub_call call;
	struct ramet_host_call mail; /* from another thread */
};

/* ---- links ---------------------------------------------------------------
 */

static struct link *link_new(PyObject *callback)
{
	struct thread *t = thread_get();
	struct link *k;

	/* Another thread cannot make it when it has something to tell. */
	if (!t || !hub_get(t))
		return NULL;
	k = PyMem_Calloc(1, sizeof *k);
	if (!k) {
		PyErr_NoMemory();
		return NULL;
	}
	k->callback = Py_NewRef(callback);
	k->thread = t;
	t->users++;
	return k;
}

static void link_free(struct link *k)
{
	PyObject *callback = k->callback;

	thread_put(k->thread);
	PyMem_Free(k);
	Py_XDECREF(callback);
}

static void links_free(struct link **links)
{
	struct link *k;

	while ((k = *links)) {
		*links = k->next;
		link_free(k);
	}
}

static void append(struct link **links, struct link *k)
{
	while (*links)
		links = &(*links)->next;
	k->next = NULL;
	*links = k;
}

static void remove_from(struct link **links, const struct link *k)
{
	while (*links != k)
		links = &(*links)->next;
	*links = k->next;
}

/* ---- telling them --------------------------------------------------------
 */

static void call_back(PyObject *callback, PyObject *owner)
{
	PyObject *result = PyObject_CallOneArg(callback, owner);
	PyObject *exc, *context;

	Py_XDECREF(result);
	if (result)
		return;
	exc = exception_take();
	context = PyTuple_Pack(2, callback, owner);
	if (!context)
		PyErr_Clear();
	exception_raise(exc);
	hub_handle_error(context ? context : owner);
	Py_XDECREF(context);
}

static void tell(struct hub_call *call)
{
	struct link *k =
		(struct link *)((char *)call - offsetof(struct link, call));
	struct linkable *l = k->owner;

	k->owner = NULL;
	remove_from(&l->due, k);
	if (k->thread->closed) {
		link_free(k);
	} else if (k->callback && l->is_ready && !l->is_ready(l)) {
		append(&l->links, k);
	} else {
		if (k->callback)
			call_back(k->callback, (PyObject *)l);
		link_free(k);
	}
	Py_DECREF(l);
}

/* In the loop of the link's thread, which may run without the GIL. */
static void on_mail(struct ramet_host_call *mail)
{
	struct link *k =
		(struct link *)((char *)mail - offsetof(struct link, mail));
	struct thread *t = k->thread;
	bool taken;

	if (t->closed)
		return;
	taken = thread_take_gil(t);
	t->mails--;
	hub_take_in(t, &k->call);
	thread_give_gil(taken);
}

/* Nobody is told of what happens after its thread's end. */
static void dispatch(struct linkable *l, struct link *k)
{
	struct thread *t = k->thread;

	if (t->closed) {
		link_free(k);
		return;
	}
	Py_INCREF(l);
	k->owner = l;
	k->call.fn = tell;
	append(&l->due, k);
	if (t == this_thread) {
		if (hub_call(t, &k->call) < 0) /* it has its hub already */
			PyErr_WriteUnraisable((PyObject *)l);
		return;
	}
	t->mails++;
	k->mail.fn = on_mail;
	ramet_host_post(t->main->ramet, &k->mail);
}

void linkable_notify(struct linkable *l)
{
	struct link *k;

	while ((k = l->links)) {
		l->links = k->next;
		dispatch(l, k);
	}
}

/* ---- methods -------------------------------------------------------------
 */

/* The name is kept: the interpreter remembers look-ups by the name's address,
 * and one made for each call would drive all others out. */
static PyObject *str_ready;

static bool is_ready_now(PyObject *self)
{
	PyObject *answer = PyObject_CallMethodNoArgs(self, str_ready);
	int ready = answer ? PyObject_IsTrue(answer) : -1;

	Py_XDECREF(answer);
	if (ready < 0)
		PyErr_Clear();
	return ready > 0;
}

PyObject *linkable_rawlink(PyObject *self, PyObject *callback)
{
	struct linkable *l = (struct linkable *)self;
	struct link *k;

	if (!PyCallable_Check(callback)) {
		PyErr_Format(PyExc_TypeError, "Expected callable: %R",
			     callback);
		return NULL;
	}
	k = link_new(callback);
	if (!k)
		return NULL;
	append(&l->links, k);
	if (is_ready_now(self))
		linkable_notify(l);
	Py_RETURN_NONE;
}

static bool is_in(const struct link *links, const struct link *k)
{
	while (links && links != k)
		links = links->next;
	return links;
}

/* The first link of callback in *links; an error stays set.  To compare may run
 * code, which may take links out. */
static struct link *find(struct link *const *links, PyObject *callback)
{
	struct link *k = *links;

	while (k) {
		PyObject *mine = k->callback;
		int same = 0;

		if (mine) {
			Py_INCREF(mine);
			same = PyObject_RichCompareBool(mine, callback, Py_EQ);
			Py_DECREF(mine);
		}
		if (same < 0)
			return NULL;
		if (mine != callback && mine && !is_in(*links, k)) {
			k = *links;
			continue;
		}
		if (same)
			return k;
		k = k->next;
	}
	return NULL;
}

static PyObject *unlink_(PyObject *self, PyObject *callback)
{
	struct linkable *l = (struct linkable *)self;
	struct link *k = find(&l->links, callback);

	if (k) {
		remove_from(&l->links, k);
		link_free(k);
	} else if (!PyErr_Occurred() && (k = find(&l->due, callback))) {
		Py_CLEAR(k->callback);
	}
	if (PyErr_Occurred())
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *ready(PyObject *self, PyObject *unused)
{
	(void)self;
	(void)unused;
	Py_RETURN_FALSE;
}

/* The child of a fork has none of those who waited. */
static PyObject *at_fork_reinit(PyObject *self, PyObject *unused)
{
	struct linkable *l = (struct linkable *)self;

	(void)unused;
	waiters_drop(&l->waiters);
	links_free(&l->links);
	Py_RETURN_NONE;
}

Py_ssize_t linkable_count(const struct linkable *l)
{
	Py_ssize_t n = (Py_ssize_t)waiters_count(&l->waiters);

	for (const struct link *k = l->links; k; k = k->next)
		n++;
	for (const struct link *k = l->due; k; k = k->next)
		n += k->callback != NULL;
	return n;
}

static PyObject *linkcount(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyLong_FromSsize_t(linkable_count((struct linkable *)self));
}

static PyObject *get_hub(PyObject *self, void *unused)
{
	struct thread *t = thread_get();

	(void)self;
	(void)unused;
	return t ? (PyObject *)Py_XNewRef(hub_get(t)) : NULL;
}

/* ---- life ----------------------------------------------------------------
 */

static int visit_links(const struct link *links, visitproc visit, void *arg)
{
	for (; links; links = links->next)
		Py_VISIT(links->callback);
	return 0;
}

int linkable_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct linkable *l = (struct linkable *)self;
	int err = visit_links(l->links, visit, arg);

	Py_VISIT(Py_TYPE(self));
	return err ? err : visit_links(l->due, visit, arg);
}

int linkable_clear(PyObject *self)
{
	links_free(&((struct linkable *)self)->links);
	return 0;
}

/* Who waits has a reference, and so has what is due. */
void linkable_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	if (((struct linkable *)self)->weakrefs)
		PyObject_ClearWeakRefs(self);
	type->tp_clear(self);
	linkable_clear(self);
	type->tp_free(self);
	Py_DECREF(type);
}

static PyMethodDef methods[] = {
	{"rawlink", linkable_rawlink, METH_O,
	 "rawlink($self, callback, /)\n--\n\n"
	 "Call callback(self) in the hub once it is ready.  It must not\n"
	 "block."},
	{"unlink", unlink_, METH_O,
	 "unlink($self, callback, /)\n--\n\n"
	 "Take back one rawlink of it."},
	{"ready", ready, METH_NOARGS,
	 "ready($self, /)\n--\n\n"
	 "Whether nobody would wait now."},
	{"linkcount", linkcount, METH_NOARGS,
	 "linkcount($self, /)\n--\n\n"
	 "How many greenlets and callbacks wait."},
	{"_at_fork_reinit", at_fork_reinit, METH_NOARGS, NULL},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
	{"hub", get_hub, NULL, "The caller's hub.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
	{"__weaklistoffset__", T_PYSSIZET, offsetof(struct linkable, weakrefs),
	 READONLY, NULL},
	{NULL, 0, 0, 0, NULL},
};

PyTypeObject *linkable_add_type(PyObject *module, PyType_Spec *spec,
				PyTypeObject *base)
{
	PyObject *bases = (PyObject *)(base ? base : linkable_type);
	PyTypeObject *type =
		(PyTypeObject *)PyType_FromSpecWithBases(spec, bases);

	if (type && PyModule_AddType(module, type) < 0)
		Py_CLEAR(type);
	return type;
}

int linkable_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc, (char *)"What greenlets and callbacks wait for."},
		{Py_tp_dealloc, linkable_dealloc},
		{Py_tp_traverse, linkable_traverse},
		{Py_tp_clear, linkable_clear},
		{Py_tp_methods, methods},
		{Py_tp_getset, attributes},
		{Py_tp_members, members},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet._core.AbstractLinkable",
				   sizeof(struct linkable), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
					   Py_TPFLAGS_HAVE_GC,
				   slots};

	waiters_ready();
	str_ready = PyUnicode_InternFromString("ready");
	if (!str_ready)
		return -1;
	linkable_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return linkable_type ? PyModule_AddType(module, linkable_type) : -1;
}
