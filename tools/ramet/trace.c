/* trace.c - a backtrace as it grows. */
#include "tools/ramet/unwind.h"

#include <string.h>

void trace_add(struct trace *trace, uint64_t pc, uint64_t times)
{
	struct frame *last = trace->frames + trace->count - 1;

	if (trace->count && last->pc == pc) {
		last->times += times;
		return;
	}
	if (trace->count == TRACE_FRAMES) {
		struct frame *gap = trace->frames + TRACE_FRAMES - TRACE_LAST;

		trace->left_out += gap->times;
		memmove(gap, gap + 1, (TRACE_LAST - 1) * sizeof *gap);
		trace->count--;
	}
	trace->frames[trace->count++] = (struct frame){pc, times};
}
