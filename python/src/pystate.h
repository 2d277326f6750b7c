/* pystate.h - what CPython keeps of the running greenlet in the thread state,
 * and swaps at a switch: a table by version.  Nothing else of ours knows the
 * fields of PyThreadState.
 *
 * Who traces is the thread's, as are the hooks of asynchronous generators; a
 * greenlet's is whether it is in a trace function itself, which is not traced.
 */
#ifndef PYSTATE_H
#define PYSTATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <frameobject.h> /* before 3.11 frames are nowhere else */

#include <stdbool.h>
#include <string.h>

#if PY_VERSION_HEX < 0x03090000 || PY_VERSION_HEX >= 0x030e0000
#error "This version of CPython is not known; see the table in pystate.h"
#endif

#define SINCE(minor) (PY_VERSION_HEX >= (3 << 24 | (minor) << 16))

/* What 3.10 brought. */
#if !SINCE(10)
static inline PyObject *new_reference(PyObject *o)
{
	Py_XINCREF(o);
	return o;
}
#define Py_NewRef(o) new_reference((PyObject *)(o))
#define Py_XNewRef(o) new_reference((PyObject *)(o))

static inline int PyModule_AddObjectRef(PyObject *module, const char *name,
					PyObject *o)
{
	if (!o || PyModule_AddObject(module, name, Py_NewRef(o)) == 0)
		return o ? 0 : -1;
	Py_DECREF(o);
	return -1;
}

static inline PyObject *type_with_base(PyType_Spec *spec, PyObject *base)
{
	PyObject *bases =
		PyTuple_Check(base) ? Py_NewRef(base) : PyTuple_Pack(1, base);
	PyObject *type = bases ? PyType_FromSpecWithBases(spec, bases) : NULL;

	Py_XDECREF(bases);
	return type;
}
#define PyType_FromSpecWithBases(spec, base) type_with_base(spec, base)
#endif

#if SINCE(13)
/* asyncio's running loop, the first of what follows the public fields. */
static inline PyObject **pystate_asyncio_loop(PyThreadState *ts)
{
	return (PyObject **)(ts + 1);
}
#endif

/* Where the interpreter finds a thread's threading.local values. */
struct pylocals {
	/* What caches of per-thread values, such as asyncio's running loop,
	 * know the thread by. */
	uint64_t id;
	PyObject *dict; /* owned, as are the next ones */
#if SINCE(13)
	PyObject *key, *sentinel;
	PyObject *asyncio_loop; /* that runs */
#endif
};

/* Unlike all that the interpreter gives its threads.  With the GIL. */
static inline uint64_t pystate_new_id(void)
{
	static uint64_t last = UINT64_C(1) << 62;

	return ++last;
}

struct pystate {
	PyObject *context;   /* owned, as is the next one */
	PyObject *async_exc; /* to be raised at its next bytecode */
	bool own_locals;     /* it has `locals`; else those of the thread */
	struct pylocals locals;
	_PyErr_StackItem *exc_info, exc_state;
#if SINCE(11)
	_PyStackChunk *chunk;
	PyObject **chunk_top, **chunk_limit;
	int recursion; /* levels in use */
#else
	struct _frame *frame;
	int recursion;
#endif
#if SINCE(12)
	int c_recursion; /* levels left */
#endif
#if SINCE(13)
	struct _PyInterpreterFrame *frame;
	PyObject *trash;
	uintptr_t critical_section;
#elif SINCE(10)
	int trash;
#if SINCE(11)
	_PyCFrame *cframe, root;
#else
	CFrame *cframe, root;
#endif
#else
	int trash;
#endif
	int tracing; /* how deep it is in trace functions */
};

/* How deep C functions may call each other on a stack of `size` bytes, which is
 * what versions since 3.12 count: sorted() whose key calls sorted() takes this
 * much for a level, and most others an eighth of it. */
enum { BYTES_PER_C_LEVEL = 2800 };

/* Stacks grow with sys.setrecursionlimit, as far as it counts calls that are on
 * them. */
static inline size_t pystate_stack_size(size_t size)
{
#if !SINCE(12)
	enum { BYTES_PER_LEVEL = 3 << 10, MOST = 256 << 20 };
	size_t levels = (size_t)Py_GetRecursionLimit();

	if (levels > size / BYTES_PER_LEVEL && size < MOST)
		size = levels < MOST / BYTES_PER_LEVEL
			       ? levels * BYTES_PER_LEVEL
			       : MOST;
#endif
	return size;
}

/* Of a greenlet that has not begun; on the stack of the one that makes it
 * begin. */
static inline void pystate_init(struct pystate *s, PyThreadState *ts,
				size_t stack_size, bool own_locals)
{
	PyObject *context = s->context;

	memset(s, 0, sizeof *s);
	s->context = context;
	s->own_locals = own_locals;
	s->locals.id = own_locals ? pystate_new_id() : 0;
	s->exc_info = &ts->exc_state;
#if SINCE(12)
	s->c_recursion = (int)(stack_size / BYTES_PER_C_LEVEL);
#else
	(void)stack_size;
#endif
#if SINCE(10) && !SINCE(13)
	s->root.previous = &ts->root_cframe;
	s->cframe = &s->root;
#endif
}

static inline void pystate_save_locals(struct pylocals *l, PyThreadState *ts)
{
	l->id = ts->id;
	l->dict = ts->dict;
#if SINCE(13)
	l->key = ts->threading_local_key;
	l->sentinel = ts->threading_local_sentinel;
	l->asyncio_loop = *pystate_asyncio_loop(ts);
#endif
}

static inline void pystate_load_locals(struct pylocals *l, PyThreadState *ts)
{
	ts->id = l->id;
	ts->dict = l->dict;
#if SINCE(13)
	ts->threading_local_key = l->key;
	ts->threading_local_sentinel = l->sentinel;
	*pystate_asyncio_loop(ts) = l->asyncio_loop;
#endif
}

/* `shared`: where the locals of the thread are kept meanwhile; NULL: neither
 * this one nor the next has its own.  What a switch need not write it does not.
 */
static inline void pystate_save(struct pystate *s, PyThreadState *ts,
				struct pylocals *shared)
{
	s->context = ts->context;
	if (ts->async_exc) {
		s->async_exc = ts->async_exc;
		ts->async_exc = NULL;
	}
	if (shared)
		pystate_save_locals(s->own_locals ? &s->locals : shared, ts);
	s->tracing = ts->tracing;
	s->exc_info = ts->exc_info;
#if SINCE(11)
	s->exc_state.exc_value = ts->exc_state.exc_value; /* the outermost */
#else
	s->exc_state = ts->exc_state;
#endif
#if SINCE(11)
	s->chunk = ts->datastack_chunk;
	s->chunk_top = ts->datastack_top;
	s->chunk_limit = ts->datastack_limit;
#else
	s->frame = ts->frame;
	s->recursion = ts->recursion_depth;
#endif
#if SINCE(12)
	s->recursion = ts->py_recursion_limit - ts->py_recursion_remaining;
	s->c_recursion = ts->c_recursion_remaining;
#elif SINCE(11)
	s->recursion = ts->recursion_limit - ts->recursion_remaining;
#endif
#if SINCE(13)
	s->frame = ts->current_frame;
	s->trash = ts->delete_later;
	s->critical_section = ts->critical_section;
#elif SINCE(12)
	s->trash = ts->trash.delete_nesting;
	s->cframe = ts->cframe;
#else
	s->trash = ts->trash_delete_nesting;
#if SINCE(10)
	s->cframe = ts->cframe;
#endif
#endif
}

/* What switches to the code that traces is set anew. */
static inline void pystate_load_tracing(const struct pystate *s,
					PyThreadState *ts)
{
#if !SINCE(12)
	bool on = !s->tracing && (ts->c_tracefunc || ts->c_profilefunc);

#if SINCE(10)
	ts->cframe->use_tracing = on ? 255 : 0;
#else
	ts->use_tracing = on;
#endif
#endif
	ts->tracing = s->tracing;
}

static inline bool pystate_is_tracing(const PyThreadState *ts)
{
	return ts->tracing > 0;
}

static inline void pystate_raise_later(PyThreadState *ts, PyObject **exc)
{
	PyThreadState_SetAsyncExc(ts->thread_id, *exc); /* takes a reference */
	Py_CLEAR(*exc);
}

static inline void pystate_load(struct pystate *s, PyThreadState *ts,
				struct pylocals *shared)
{
	if (ts->context != s->context) {
		ts->context = s->context;
		ts->context_ver++;
	}
	s->context = NULL;
	if (s->async_exc)
		pystate_raise_later(ts, &s->async_exc);
	if (shared)
		pystate_load_locals(s->own_locals ? &s->locals : shared, ts);
#if SINCE(11)
	ts->exc_state.exc_value = s->exc_state.exc_value;
#else
	ts->exc_state = s->exc_state;
#endif
	ts->exc_info = s->exc_info;
#if SINCE(11)
	ts->datastack_chunk = s->chunk;
	ts->datastack_top = s->chunk_top;
	ts->datastack_limit = s->chunk_limit;
#else
	ts->frame = s->frame;
	ts->recursion_depth = s->recursion;
#endif
#if SINCE(12)
	ts->py_recursion_remaining = ts->py_recursion_limit - s->recursion;
	ts->c_recursion_remaining = s->c_recursion;
#elif SINCE(11)
	ts->recursion_remaining = ts->recursion_limit - s->recursion;
#endif
#if SINCE(13)
	ts->current_frame = s->frame;
	ts->delete_later = s->trash;
	ts->critical_section = s->critical_section;
#elif SINCE(12)
	ts->trash.delete_nesting = s->trash;
	ts->cframe = s->cframe;
#else
	ts->trash_delete_nesting = s->trash;
#if SINCE(10)
	{
		/* Whether anyone traces is the thread's. */
		uint8_t tracing = (uint8_t)ts->cframe->use_tracing;

		ts->cframe = s->cframe;
		ts->cframe->use_tracing = tracing;
	}
#endif
#endif
	if (ts->tracing != s->tracing)
		pystate_load_tracing(s, ts);
}

/* The first chunk for frames is on the greenlet's own stack: CPython would map,
 * touch and unmap 16 KiB for each.  One without a predecessor is never popped.
 */
enum { FIRST_CHUNK = 1024 };

static inline void pystate_begin(PyThreadState *ts, void *memory)
{
#if SINCE(11)
	_PyStackChunk *chunk = memory;

	chunk->previous = NULL;
	chunk->size = FIRST_CHUNK;
	chunk->top = 0;
	ts->datastack_chunk = chunk;
	ts->datastack_top = &chunk->data[1];
	ts->datastack_limit = (PyObject **)((char *)chunk + FIRST_CHUNK);
#else
	(void)ts;
	(void)memory;
#endif
}

/* What would run code when it goes: before the greenlet's last switch.  Its
 * context can be asked for afterwards. */
static inline void pystate_clear(struct pystate *s, PyThreadState *ts)
{
	if (s->own_locals) {
		Py_CLEAR(ts->dict);
#if SINCE(13)
		Py_CLEAR(ts->threading_local_key);
		Py_CLEAR(ts->threading_local_sentinel);
		Py_CLEAR(*pystate_asyncio_loop(ts));
#endif
	}
	if (ts->context) {
		Py_XSETREF(s->context, ts->context);
		ts->context = NULL;
		ts->context_ver++;
	}
	Py_CLEAR(ts->async_exc);
	/* None, once an exception has been handled. */
#if !SINCE(11)
	Py_CLEAR(ts->exc_state.exc_type);
	Py_CLEAR(ts->exc_state.exc_traceback);
#endif
	Py_CLEAR(ts->exc_state.exc_value);
	/* What was saved at its last switch is none of its any more. */
	s->async_exc = NULL;
	memset(&s->locals, 0, sizeof s->locals);
}

/* Last of all: no Python code runs in this greenlet any more.  The allocator is
 * asked for once: on 3.12 asking takes a lock. */
static inline void pystate_end(PyThreadState *ts, PyObjectArenaAllocator *a,
			       void *memory)
{
#if SINCE(11)
	_PyStackChunk *chunk = ts->datastack_chunk;

	ts->datastack_chunk = NULL;
	ts->datastack_top = ts->datastack_limit = NULL;
	while (chunk) {
		_PyStackChunk *previous = chunk->previous;

		if (chunk != memory)
			a->free(a->ctx, chunk, chunk->size);
		chunk = previous;
	}
#else
	(void)ts;
	(void)a;
	(void)memory;
#endif
}

/* The frame in which one that is not running is suspended: a new reference, or
 * NULL. */
static inline PyFrameObject *pystate_frame(struct pystate *s, PyThreadState *ts)
{
#if SINCE(13)
	struct _PyInterpreterFrame *running = ts->current_frame;
	PyFrameObject *f;

	ts->current_frame = s->frame;
	f = PyThreadState_GetFrame(ts);
	ts->current_frame = running;
	return f;
#elif SINCE(11)
	_PyCFrame *running = ts->cframe;
	PyFrameObject *f;

	ts->cframe = s->cframe;
	f = PyThreadState_GetFrame(ts);
	ts->cframe = running;
	return f;
#else
	(void)ts;
	Py_XINCREF(s->frame);
	return s->frame;
#endif
}

/* The innermost frame of one that is suspended, or, `s` NULL, of the one that
 * runs; as frames.c walks them. */
#if SINCE(11)
typedef struct _PyInterpreterFrame pystate_frame_type;
#else
typedef PyFrameObject pystate_frame_type;
#endif

static inline pystate_frame_type *pystate_top(const struct pystate *s,
					      const PyThreadState *ts)
{
#if SINCE(13)
	return s ? s->frame : ts->current_frame;
#elif SINCE(11)
	const _PyCFrame *cframe = s ? s->cframe : ts->cframe;

	return cframe ? cframe->current_frame : NULL;
#else
	return s ? s->frame : ts->frame;
#endif
}

/* What is owned by one that will never run again. */
static inline void pystate_drop(struct pystate *s)
{
	Py_CLEAR(s->context);
	Py_CLEAR(s->async_exc);
	if (s->own_locals) {
		Py_CLEAR(s->locals.dict);
#if SINCE(13)
		Py_CLEAR(s->locals.key);
		Py_CLEAR(s->locals.sentinel);
		Py_CLEAR(s->locals.asyncio_loop);
#endif
	}
}

/* Called by something that is not to be traced itself. */
static inline void pystate_stop_tracing(PyThreadState *ts)
{
#if SINCE(11)
	PyThreadState_EnterTracing(ts);
#else
	ts->tracing++;
#if SINCE(10)
	ts->cframe->use_tracing = 0;
#else
	ts->use_tracing = 0;
#endif
#endif
}

static inline void pystate_go_on_tracing(PyThreadState *ts)
{
#if SINCE(11)
	PyThreadState_LeaveTracing(ts);
#else
	bool traced = ts->c_tracefunc || ts->c_profilefunc;

	ts->tracing--;
#if SINCE(10)
	ts->cframe->use_tracing = traced ? 255 : 0;
#else
	ts->use_tracing = traced;
#endif
#endif
}

static inline bool pystate_finalizing(void)
{
#if SINCE(13)
	return Py_IsFinalizing();
#else
	return _Py_IsFinalizing();
#endif
}

#if SINCE(11)
#define PYSTATE_VISIT_MORE(s)
#else
#define PYSTATE_VISIT_MORE(s)                                                  \
	do {                                                                   \
		Py_VISIT((s)->exc_state.exc_type);                             \
		Py_VISIT((s)->exc_state.exc_traceback);                        \
	} while (0)
#endif

#define PYSTATE_VISIT(s)                                                       \
	do {                                                                   \
		Py_VISIT((s)->context);                                        \
		Py_VISIT((s)->async_exc);                                      \
		if ((s)->own_locals)                                           \
			Py_VISIT((s)->locals.dict);                            \
		Py_VISIT((s)->exc_state.exc_value);                            \
		PYSTATE_VISIT_MORE(s);                                         \
	} while (0)

/* Where in its code a frame is: PyCode_Addr2Line's argument. */
static inline int pystate_lasti(PyFrameObject *frame)
{
#if SINCE(11)
	return PyFrame_GetLasti(frame);
#elif SINCE(10)
	return 2 * frame->f_lasti;
#else
	return frame->f_lasti;
#endif
}

/* Of the running one: a new reference.  NULL with an exception, or without one
 * if it has none. */
static inline PyObject *pystate_copy_context(PyThreadState *ts)
{
	return ts->context ? PyContext_Copy(ts->context) : NULL;
}

static inline bool pystate_holds_gil(const PyThreadState *ts)
{
#if SINCE(13)
	return PyThreadState_GetUnchecked() == ts;
#else
	return _PyThreadState_UncheckedGet() == ts;
#endif
}

#endif
