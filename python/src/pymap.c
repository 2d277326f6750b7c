/* pymap.c - where the interpreter keeps a greenlet's frames, for tools that
 * look at the process from outside: a map as the library has one
 * (src/debug/map.h), with a note of its own.  Versions that are not described
 * have an empty one.
 */
#include "green.h"

#include "../../src/debug/map.h"

#if SINCE(11) && !SINCE(12)
#define Py_BUILD_CORE
#include <internal/pycore_frame.h>
#define DESCRIBED
#endif

#define AT(name, type, member)                                                 \
	{                                                                      \
		name, offsetof(type, member)                                   \
	}

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
	.value =
		{
#ifdef DESCRIBED
			/* Of a greenlet that is suspended, and of the running
			   one. */
			AT("greenlet.cframe", struct greenlet, state.cframe),
			AT("greenlet.thread", struct greenlet, thread),
			AT("thread.ts", struct thread, ts),
			AT("tstate.cframe", PyThreadState, cframe),
			AT("cframe.frame", _PyCFrame, current_frame),
			AT("frame.code", _PyInterpreterFrame, f_code),
			AT("frame.previous", _PyInterpreterFrame, previous),
			AT("frame.instruction", _PyInterpreterFrame,
			   prev_instr),
			/* Set: the frame before it is of another call of the
			 * interpreter's loop. */
			AT("frame.entry", _PyInterpreterFrame, is_entry),
			AT("code.filename", PyCodeObject, co_filename),
			AT("code.name", PyCodeObject, co_qualname),
			AT("code.line", PyCodeObject, co_firstlineno),
			AT("code.lines", PyCodeObject, co_linetable),
			AT("code.instructions", PyCodeObject, co_code_adaptive),
			AT("bytes.size", PyVarObject, ob_size),
			AT("bytes.data", PyBytesObject, ob_sval),
			AT("text.size", PyASCIIObject, length),
			AT("text.state", PyASCIIObject, state),
			{"text.data", sizeof(PyASCIIObject)},
#endif
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
