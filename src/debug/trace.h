/* trace.h - a backtrace: of the running ramet, or of one that is suspended. */
#ifndef DEBUG_TRACE_H
#define DEBUG_TRACE_H

#include "core/core.h"
#include "debug/json.h"

enum { TRACE_FRAMES = 48, TRACE_LAST = 8 };

struct frame {
	const void *pc; /* in the call, not after it */
	size_t times;   /* recursion is one frame */
};

/* Innermost first.  Of a longer one the TRACE_LAST outermost are kept and what
 * is before them is left out. */
struct trace {
	size_t count, left_out;
	struct frame frames[TRACE_FRAMES];
};

/* Walk from where `context` is suspended; leave out what is inside of the frame
 * whose pc is `first`. */
void ramet__trace(struct trace *trace, const struct context *context,
		  const void *first);

/* In a signal handler: the same from where the signal came, at pc.  There the
 * frame of the kernel's tells all registers, which is needed where a function
 * has not finished making its frame. */
void ramet__trace_interrupted(struct trace *trace, const void *pc);

/* The same of ramet t.  `here` is where the running ramet is suspended. */
void ramet__trace_ramet(struct trace *trace, const struct ramet *t,
			const struct context *here);

/* The first frame that means something to the user: the public function in
 * which the ramet waits. */
size_t ramet__trace_head(const struct trace *trace);

/* The frame of who called that; trace->count if it is not known. */
size_t ramet__trace_caller_at(const struct trace *trace);

/* Whether what called it, if anything, is the same in every program. */
bool ramet__trace_is_outermost(const struct trace *trace, size_t i);

/* Who called that; NULL if it is not known. */
const void *ramet__trace_caller(const struct trace *trace);

/* One line for each frame from `head` on. */
void ramet__put_trace(struct out *o, const struct trace *trace, size_t head);

/* Members "frames", an array, and "left_out". */
void ramet__json_trace(struct json *j, const struct trace *trace, size_t head);

/* Have the unwinder do now what it does the first time, which may allocate. */
void ramet__trace_prime(void);

#endif
