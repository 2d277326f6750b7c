/* frames.c - the functions that a greenlet is in, and where it was spawned, for
 * reports: read as it lies there, in signal handlers too, as faulthandler does.
 */
#include "origin.h"

#include <dlfcn.h>
#include <limits.h>

#if SINCE(11)
#define Py_BUILD_CORE 1
#include <internal/pycore_frame.h>
#endif

enum { DEPTH_MAX = 1000, TEXT_MAX = 256 };

/* ---- a frame ------------------------------------------------------------- */

#if SINCE(11)

static const pystate_frame_type *caller_of(const pystate_frame_type *f)
{
	return f->previous;
}

/* Borrowed; NULL: none of Python's. */
static PyCodeObject *code_of(const pystate_frame_type *f)
{
	PyObject *code;

#if SINCE(12)
	if (f->owner == FRAME_OWNED_BY_CSTACK)
		return NULL;
#endif
#if SINCE(13)
	code = f->f_executable;
#else
	code = (PyObject *)f->f_code;
#endif
	return code && PyCode_Check(code) ? (PyCodeObject *)code : NULL;
}

static int line_of(const pystate_frame_type *f, PyCodeObject *code)
{
#if SINCE(13)
	const _Py_CODEUNIT *at = f->instr_ptr;
#else
	const _Py_CODEUNIT *at = f->prev_instr;
#endif
	ptrdiff_t n = at - _PyCode_CODE(code);

	return PyCode_Addr2Line(code, (int)n * (int)sizeof(_Py_CODEUNIT));
}

static PyObject *name_of(const PyCodeObject *code)
{
	return code->co_qualname;
}

#else

static const pystate_frame_type *caller_of(const pystate_frame_type *f)
{
	return f->f_back;
}

static PyCodeObject *code_of(const pystate_frame_type *f)
{
	return f->f_code;
}

static int line_of(const pystate_frame_type *f, PyCodeObject *code)
{
	return PyCode_Addr2Line(code, pystate_lasti((pystate_frame_type *)f));
}

static PyObject *name_of(const PyCodeObject *code)
{
	return code->co_name;
}

#endif

/* ---- text ---------------------------------------------------------------- */

/* As UTF-8; returns how many bytes. */
static int put_character(char *at, Py_UCS4 c)
{
	if (c < 0x80) {
		at[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		at[0] = (char)(0xc0 | c >> 6);
		at[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		at[0] = (char)(0xe0 | c >> 12);
		at[1] = (char)(0x80 | (c >> 6 & 0x3f));
		at[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	at[0] = (char)(0xf0 | c >> 18);
	at[1] = (char)(0x80 | (c >> 12 & 0x3f));
	at[2] = (char)(0x80 | (c >> 6 & 0x3f));
	at[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

const char *greenlet_text(PyObject *string, char *text, size_t size)
{
	char *at = text;

	if (!string || !PyUnicode_Check(string) || !PyUnicode_IS_READY(string))
		return "?";
	for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(string); i++) {
		if (at > text + size - 5)
			break;
		at += put_character(at, PyUnicode_READ_CHAR(string, i));
	}
	*at = '\0';
	return text;
}

/* ---- all ----------------------------------------------------------------- */

static const pystate_frame_type *top_of(const struct greenlet *g)
{
	struct thread *t = g->thread;

	if (g->phase != PHASE_STARTED || !t)
		return NULL;
	return pystate_top(t->current == g ? NULL : &g->state, t->ts);
}

void greenlet_describe(void *greenlet,
		       void (*put)(void *arg, const char *function,
				   const char *file, int line),
		       void *arg)
{
	const pystate_frame_type *f = top_of(greenlet);
	char function[TEXT_MAX], file[TEXT_MAX];

	for (int depth = 0; f && depth < DEPTH_MAX; depth++) {
		PyCodeObject *code = code_of(f);

		if (code)
			put(arg,
			    greenlet_text(name_of(code), function,
					  sizeof function),
			    greenlet_text(code->co_filename, file, sizeof file),
			    line_of(f, code));
		f = caller_of(f);
	}
}

/* ---- where it was spawned ------------------------------------------------ */

char greenlet_package[PATH_MAX];

/* The module is in the package's folder. */
static void find_package(void)
{
	const char *end;
	Dl_info info;

	if (!dladdr(greenlet_package, &info) || !info.dli_fname)
		return;
	end = strrchr(info.dli_fname, '/');
	if (end && (size_t)(end - info.dli_fname) + 1 < sizeof greenlet_package)
		memcpy(greenlet_package, info.dli_fname,
		       (size_t)(end - info.dli_fname) + 1);
}

static bool is_ours(const char *file)
{
	return *greenlet_package &&
	       strncmp(file, greenlet_package, strlen(greenlet_package)) == 0;
}

void greenlet_describe_spawn(void *greenlet,
			     void (*put)(void *arg, const char *function,
					 const char *file, int line),
			     void *arg)
{
	const struct origin *o = ((struct greenlet *)greenlet)->origin;
	char function_text[TEXT_MAX], file_text[TEXT_MAX];

	for (int i = 0; o && i < o->depth; i++) {
		PyCodeObject *code = o->places[i].code;
		const char *file = greenlet_text(code->co_filename, file_text,
						 sizeof file_text);

		/* A pool's spawn is called by whoever means it. */
		if (is_ours(file) && i + 1 < o->depth)
			continue;
		put(arg,
		    greenlet_text(name_of(code), function_text,
				  sizeof function_text),
		    file, PyCode_Addr2Line(code, o->places[i].instruction));
		return;
	}
}

int frames_ready(PyObject *module)
{
	(void)module;
	find_package();
	return 0;
}
