/* pymap.c - where the interpreter keeps a greenlet's frames, for tools that
 * look at the process from outside: a map as the library has one
 * (src/debug/map.h), with a note of its own.  What differs between versions of
 * CPython is a value in it, so that one tool reads them all.
 */
#include "origin.h"

#include "../../src/debug/map.h"

#if SINCE(11)
#define Py_BUILD_CORE
#include <internal/pycore_frame.h>
#endif

#define AT(name, type, member)                                                 \
	{                                                                      \
		name, offsetof(type, member)                                   \
	}

/* What the words of "frame.entry.kind", "frame.at.kind" and "code.lines.kind"
 * mean is in tools/ramet/guest.c and guest_lines.c. */
__attribute__((used)) const struct map ramet_python_map = {
	.magic = {'r', 'a', 'm', 'e', 't', 'm', 'a', 'p'},
	.format = MAP_FORMAT,
	.size = sizeof(struct map),
	.version = PY_VERSION,
	.values = offsetof(struct map, value),
	.value_size = sizeof(struct map_value),
	.value_count = MAP_VALUES,
	.waits = offsetof(struct map, wait),
	.wait_size = sizeof(struct map_wait),
	.wait_count = 0,
	.package = (uintptr_t)greenlet_package,
	.value =
		{
			/* Where the innermost frame is: of a greenlet that is
			 * suspended, and of the running one. */
			AT("greenlet.thread", struct greenlet, thread),
			AT("thread.ts", struct thread, ts),
#if SINCE(13)
			{"top.indirect", 0},
			{"top.frame", 0},
			AT("greenlet.top", struct greenlet, state.frame),
			AT("tstate.top", PyThreadState, current_frame),
#elif SINCE(11)
			{"top.indirect", 1},
			AT("top.frame", _PyCFrame, current_frame),
			AT("greenlet.top", struct greenlet, state.cframe),
			AT("tstate.top", PyThreadState, cframe),
#else
			{"top.indirect", 0},
			{"top.frame", 0},
			AT("greenlet.top", struct greenlet, state.frame),
			AT("tstate.top", PyThreadState, frame),
#endif

/* A frame, the instruction that it is at, and whether what called it is
 * another call of the interpreter's loop. */
#if SINCE(13)
			AT("frame.code", _PyInterpreterFrame, f_executable),
			AT("frame.at", _PyInterpreterFrame, instr_ptr),
#elif SINCE(11)
			AT("frame.code", _PyInterpreterFrame, f_code),
			AT("frame.at", _PyInterpreterFrame, prev_instr),
#else
			AT("frame.code", PyFrameObject, f_code),
			AT("frame.at", PyFrameObject, f_lasti),
#endif
#if SINCE(11)
			{"frame.at.kind", 0}, /* an address */
			AT("frame.previous", _PyInterpreterFrame, previous),
#else
			/* A number, of so many bytes. */
			{"frame.at.kind", SINCE(10) ? 2 : 1},
			AT("frame.previous", PyFrameObject, f_back),
#endif
#if SINCE(12)
			{"frame.entry.kind", 2}, /* frames between have this */
			AT("frame.entry", _PyInterpreterFrame, owner),
			{"frame.entry.owner", FRAME_OWNED_BY_CSTACK},
#elif SINCE(11)
			{"frame.entry.kind", 1}, /* set in the last */
			AT("frame.entry", _PyInterpreterFrame, is_entry),
			{"frame.entry.owner", 0},
#else
			{"frame.entry.kind", 0}, /* each is */
			{"frame.entry", 0},
			{"frame.entry.owner", 0},
#endif

			AT("code.filename", PyCodeObject, co_filename),
			AT("code.line", PyCodeObject, co_firstlineno),
#if SINCE(11)
			AT("code.name", PyCodeObject, co_qualname),
			AT("code.instructions", PyCodeObject, co_code_adaptive),
#else
			AT("code.name", PyCodeObject, co_name),
			{"code.instructions", 0},
#endif
#if SINCE(10)
			AT("code.lines", PyCodeObject, co_linetable),
			{"code.lines.kind", SINCE(11) ? 11 : 10},
#else
			AT("code.lines", PyCodeObject, co_lnotab),
			{"code.lines.kind", 9},
#endif

			AT("bytes.size", PyVarObject, ob_size),
			AT("bytes.data", PyBytesObject, ob_sval),
			AT("text.size", PyASCIIObject, length),
			AT("text.state", PyASCIIObject, state),
			{"text.ascii", sizeof(PyASCIIObject)},
			{"text.other", sizeof(PyCompactUnicodeObject)},

			/* Where it was spawned. */
			AT("greenlet.origin", struct greenlet, origin),
			AT("origin.places", struct origin, places),
			AT("origin.depth", struct origin, depth),
			{"sizeof.place", sizeof(struct place)},
			AT("place.code", struct place, code),
			AT("place.instruction", struct place, instruction),
			{"", 0},
		},
};

__asm__(".pushsection .note.ramet, \"a\", %note\n"
	".balign 4\n"
	".long 6, 4, 2\n" /* MAP_NOTE_PYTHON */
	".asciz \"ramet\"\n"
	".balign 4\n"
	"1: .long ramet_python_map - 1b\n"
	".popsection");
