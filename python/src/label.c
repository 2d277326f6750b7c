/* label.c - what tools call a greenlet: dumps, `ramet stacks`, recordings.
 *
 * Each greenlet that starts comes by here, so nothing is made for it: a name
 * that is ASCII is copied as it lies there.
 */
#include "green.h"

#include <string.h>

enum {
	ROOM = 32,      /* a ramet's name has no more */
	TEXT_MAX = 256, /* with the names of what it is defined in */
};

static PyObject *str_name;

static const char *after_last(const char *text, const char *what)
{
	const char *next;

	while ((next = strstr(text, what)))
		text = next + strlen(what);
	return text;
}

static const char *type_name(PyObject *o)
{
	return after_last(Py_TYPE(o)->tp_name, ".");
}

/* `Queue.get`, `sleep`. */
static const char *name_of_builtin(PyObject *function, char *text)
{
	const char *name = ((PyCFunctionObject *)function)->m_ml->ml_name;
	PyObject *self = PyCFunction_GET_SELF(function);

	if (!self || PyModule_Check(self) || PyType_Check(self))
		return name;
	PyOS_snprintf(text, TEXT_MAX, "%s.%s", type_name(self), name);
	return text;
}

/* Almost all are ASCII, and so have a C string. */
static const char *string_of(PyObject *string, char *text)
{
	if (PyUnicode_Check(string) && PyUnicode_IS_READY(string) &&
	    PyUnicode_IS_COMPACT_ASCII(string))
		return PyUnicode_DATA(string);
	return greenlet_text(string, text, TEXT_MAX);
}

/* `Worker.run`, `handle`; of one that is defined in another that name alone. */
static const char *name_of_function(PyObject *function, char *text)
{
	if (PyMethod_Check(function))
		function = PyMethod_GET_FUNCTION(function);
	if (PyCFunction_Check(function))
		return name_of_builtin(function, text);
	if (!PyFunction_Check(function))
		return type_name(function);
	return after_last(string_of(((PyFunctionObject *)function)
					    ->func_qualname,
				    text),
			  "<locals>.");
}

/* Whole characters of what is too long. */
static void set_cut(struct ramet *r, const char *name)
{
	char text[ROOM];
	size_t n = ROOM - 1;

	while (n && (name[n] & 0xc0) == 0x80)
		n--;
	memcpy(text, name, n);
	text[n] = '\0';
	ramet_set_name(r, text);
}

static const char *name_of(struct greenlet *g, PyObject *function, char *text)
{
	PyObject *given = g->dict ? PyDict_GetItem(g->dict, str_name) : NULL;

	if (given && PyUnicode_Check(given))
		return string_of(given, text);
	if (function && function != Py_None)
		return name_of_function(function, text);
	return g->is_hub ? "hub" : type_name((PyObject *)g);
}

void greenlet_name(struct greenlet *g, PyObject *function)
{
	char text[TEXT_MAX];
	const char *name = name_of(g, function, text);

	if (strlen(name) < ROOM)
		ramet_set_name(g->ramet, name);
	else
		set_cut(g->ramet, name);
}

/* One has been given another. */
static PyObject *named(PyObject *module, PyObject *o)
{
	struct greenlet *g = (struct greenlet *)o;

	(void)module;
	if (greenlet_check(o) && greenlet_is_ours(g) && g->ramet)
		greenlet_name(g, NULL);
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{"named", named, METH_O,
	 "named($module, greenlet, /)\n--\n\n"
	 "Its attribute `name` has changed: tools are to call it by that."},
	{NULL, NULL, 0, NULL},
};

int label_ready(PyObject *module)
{
	str_name = PyUnicode_InternFromString("name");
	if (!str_name)
		return -1;
	return PyModule_AddFunctions(module, functions);
}
