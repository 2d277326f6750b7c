/* local.c - local: an object whose attributes are each greenlet's own.
 *
 * A dict per greenlet that has used the object, owned by the object: it goes
 * with the object, and when the greenlet ends.  The one that was used last is
 * remembered, so that what happens most is two comparisons.
 */
#include "linkable.h"

#include <structmember.h>

struct local;

struct local_entry {
	struct local *owner;
	struct greenlet *greenlet;
	PyObject *dict; /* owned */
	struct local_entry *next_of_greenlet, **link_of_greenlet;
	struct local_entry *next_of_owner, **link_of_owner;
};

struct local {
	PyObject_HEAD PyObject *weakrefs;
	PyObject *args, *kwargs; /* of the constructor; owned */
	struct local_entry *entries;
	struct local_entry *last; /* the one that was used last */
};

static PyTypeObject *local_type;
static PyObject *name_dict;

#if SINCE(13)
PyObject *_PyObject_GenericGetAttrWithDict(PyObject *, PyObject *, PyObject *,
					   int);
int _PyObject_GenericSetAttrWithDict(PyObject *, PyObject *, PyObject *,
				     PyObject *);
#endif

/* ---- entries -------------------------------------------------------------
 */

static struct local_entry *entry_new(struct local *l, struct greenlet *g)
{
	struct local_entry *e = PyMem_Calloc(1, sizeof *e);

	if (!e || !(e->dict = PyDict_New())) {
		PyMem_Free(e);
		PyErr_NoMemory();
		return NULL;
	}
	e->owner = l;
	e->greenlet = g;
	e->next_of_greenlet = g->locals;
	e->link_of_greenlet = &g->locals;
	if (g->locals)
		g->locals->link_of_greenlet = &e->next_of_greenlet;
	g->locals = e;
	e->next_of_owner = l->entries;
	e->link_of_owner = &l->entries;
	if (l->entries)
		l->entries->link_of_owner = &e->next_of_owner;
	l->entries = e;
	return e;
}

static void entry_free(struct local_entry *e)
{
	PyObject *dict = e->dict;

	*e->link_of_greenlet = e->next_of_greenlet;
	if (e->next_of_greenlet)
		e->next_of_greenlet->link_of_greenlet = e->link_of_greenlet;
	*e->link_of_owner = e->next_of_owner;
	if (e->next_of_owner)
		e->next_of_owner->link_of_owner = e->link_of_owner;
	if (e->owner->last == e)
		e->owner->last = NULL;
	PyMem_Free(e);
	Py_DECREF(dict);
}

void local_forget(struct greenlet *g)
{
	while (g->locals)
		entry_free(g->locals);
}

/* ---- the caller's --------------------------------------------------------
 */

/* As the constructor did for the greenlet that made the object. */
static int init_again(struct local *l)
{
	PyTypeObject *type = Py_TYPE(l);

	if (type->tp_init == PyBaseObject_Type.tp_init || !l->args)
		return 0;
	return type->tp_init((PyObject *)l, l->args, l->kwargs);
}

/* A new reference: the entry may go meanwhile. */
static PyObject *make_mine(struct local *l, struct greenlet *me)
{
	struct local_entry *e = entry_new(l, me);
	PyObject *dict;

	if (!e)
		return NULL;
	dict = Py_NewRef(e->dict);
	l->last = e;
	if (init_again(l) < 0) {
		for (e = l->entries; e && e->dict != dict;)
			e = e->next_of_owner;
		if (e)
			entry_free(e);
		Py_CLEAR(dict);
	}
	return dict;
}

static PyObject *mine(struct local *l)
{
	struct thread *t = thread_get();
	struct local_entry *e = l->last;

	if (!t)
		return NULL;
	if (e && e->greenlet == t->current)
		return Py_NewRef(e->dict);
	for (e = t->current->locals; e; e = e->next_of_greenlet)
		if (e->owner == l) {
			l->last = e;
			return Py_NewRef(e->dict);
		}
	return make_mine(l, t->current);
}

/* ---- attributes ----------------------------------------------------------
 */

static bool is_dict(PyObject *name)
{
	return name == name_dict ||
	       (PyUnicode_Check(name) &&
		PyUnicode_CompareWithASCIIString(name, "__dict__") == 0);
}

static PyObject *getattro(PyObject *self, PyObject *name)
{
	PyObject *dict = mine((struct local *)self), *value;

	if (!dict || is_dict(name))
		return dict;
	value = _PyObject_GenericGetAttrWithDict(self, name, dict, 0);
	Py_DECREF(dict);
	return value;
}

static int setattro(PyObject *self, PyObject *name, PyObject *value)
{
	PyObject *dict;
	int err;

	if (is_dict(name)) {
		PyErr_Format(PyExc_AttributeError,
			     "'%.100s' object attribute '__dict__' is "
			     "read-only",
			     Py_TYPE(self)->tp_name);
		return -1;
	}
	dict = mine((struct local *)self);
	if (!dict)
		return -1;
	err = _PyObject_GenericSetAttrWithDict(self, name, value, dict);
	Py_DECREF(dict);
	return err;
}

/* ---- life ----------------------------------------------------------------
 */

static PyObject *new (PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	bool has_arguments =
		PyTuple_GET_SIZE(args) || (kwargs && PyDict_GET_SIZE(kwargs));
	struct thread *t = thread_get();
	struct local *l;

	if (has_arguments && type->tp_init == PyBaseObject_Type.tp_init) {
		PyErr_SetString(PyExc_TypeError,
				"Initialization arguments are not supported");
		return NULL;
	}
	l = t ? (struct local *)type->tp_alloc(type, 0) : NULL;
	if (!l)
		return NULL;
	l->args = Py_NewRef(args);
	l->kwargs = Py_XNewRef(kwargs);
	/* Its __init__ is going to be called. */
	l->last = entry_new(l, t->current);
	if (!l->last)
		Py_CLEAR(l);
	return (PyObject *)l;
}

static int traverse(PyObject *self, visitproc visit, void *arg)
{
	struct local *l = (struct local *)self;

	Py_VISIT(Py_TYPE(self));
	Py_VISIT(l->args);
	Py_VISIT(l->kwargs);
	for (struct local_entry *e = l->entries; e; e = e->next_of_owner)
		Py_VISIT(e->dict);
	return 0;
}

static int clear(PyObject *self)
{
	struct local *l = (struct local *)self;

	Py_CLEAR(l->args);
	Py_CLEAR(l->kwargs);
	while (l->entries)
		entry_free(l->entries);
	return 0;
}

static void dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	if (((struct local *)self)->weakrefs)
		PyObject_ClearWeakRefs(self);
	clear(self);
	type->tp_free(self);
	Py_DECREF(type);
}

/* ---- methods -------------------------------------------------------------
 */

/* Another one, made as this was, with the caller's values. */
static struct local *make_again(struct local *l)
{
	PyObject *args = l->args ? Py_NewRef(l->args) : PyTuple_New(0);
	PyObject *made =
		args ? PyObject_Call((PyObject *)Py_TYPE(l), args, l->kwargs)
		     : NULL;

	Py_XDECREF(args);
	if (made && !PyObject_TypeCheck(made, local_type)) {
		PyErr_SetString(PyExc_TypeError, "the class makes no local");
		Py_CLEAR(made);
	}
	return (struct local *)made;
}

static PyObject *copy(PyObject *self, PyObject *unused)
{
	struct local *l = (struct local *)self, *made;
	PyObject *mine_ = mine(l), *theirs;

	(void)unused;
	if (!mine_)
		return NULL;
	made = make_again(l);
	theirs = made ? mine(made) : NULL;
	if (!theirs || PyDict_Update(theirs, mine_) < 0)
		Py_CLEAR(made);
	Py_XDECREF(theirs);
	Py_DECREF(mine_);
	return (PyObject *)made;
}

static int add_item(PyObject *list, const struct local_entry *e)
{
	PyObject *item = Py_BuildValue("((ON)O)", (PyObject *)Py_TYPE(e->owner),
				       PyLong_FromVoidPtr(e->owner), e->dict);
	int err = item ? PyList_Append(list, item) : -1;

	Py_XDECREF(item);
	return err;
}

static PyObject *all_local_dicts(PyObject *module, PyObject *greenlet)
{
	PyObject *list;
	struct local_entry *e;

	(void)module;
	if (!greenlet_check(greenlet)) {
		PyErr_Format(PyExc_TypeError, "a greenlet is required, not %s",
			     Py_TYPE(greenlet)->tp_name);
		return NULL;
	}
	list = PyList_New(0);
	e = list ? ((struct greenlet *)greenlet)->locals : NULL;
	for (; e; e = e->next_of_greenlet)
		if (add_item(list, e) < 0) {
			Py_DECREF(list);
			return NULL;
		}
	return list;
}

static PyMethodDef methods[] = {
	{"__copy__", copy, METH_NOARGS, NULL},
	{NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
	{"__weaklistoffset__", T_PYSSIZET, offsetof(struct local, weakrefs),
	 READONLY, NULL},
	{NULL, 0, 0, 0, NULL},
};

static PyMethodDef functions[] = {
	{"all_local_dicts_for_greenlet", all_local_dicts, METH_O,
	 "all_local_dicts_for_greenlet($module, greenlet, /)\n--\n\n"
	 "[((class, id), dict)]: what each local holds for it."},
	{NULL, NULL, 0, NULL},
};

int local_ready(PyObject *module)
{
	static PyType_Slot slots[] = {
		{Py_tp_doc, (char *)"An object whose attributes each greenlet "
				    "has its own of."},
		{Py_tp_new, new},
		{Py_tp_dealloc, dealloc},
		{Py_tp_traverse, traverse},
		{Py_tp_clear, clear},
		{Py_tp_methods, methods},
		{Py_tp_members, members},
		{Py_tp_getattro, getattro},
		{Py_tp_setattro, setattro},
		{0, NULL},
	};
	static PyType_Spec spec = {"ramet.local.local", sizeof(struct local), 0,
				   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
					   Py_TPFLAGS_HAVE_GC,
				   slots};

	name_dict = PyUnicode_InternFromString("__dict__");
	local_type = (PyTypeObject *)PyType_FromSpec(&spec);
	if (!name_dict || !local_type ||
	    PyModule_AddFunctions(module, functions) < 0)
		return -1;
	return PyModule_AddType(module, local_type);
}
