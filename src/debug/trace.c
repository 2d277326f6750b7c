/* trace.c - walks a stack by libgcc's unwinder, which since glibc 2.35 takes no
 * lock and allocates nothing.
 *
 * It runs on the caller's stack, under a frame that claims to have been called
 * from where the ramet is suspended (ramet__call_as), so a suspended stack is
 * only read.
 */
#include "debug/trace.h"
#include "debug/symbol.h"

#include <string.h>
#include <unwind.h>

enum { HEAD_MAX = 16 }; /* frames of ours, at most, above the user's */

struct walk {
	struct trace *trace;
	const void *first;
	bool begun;
};

static void add(struct trace *trace, const void *pc)
{
	struct frame *last = trace->frames + trace->count - 1;

	if (trace->count && last->pc == pc) {
		last->times++;
		return;
	}
	if (trace->count == TRACE_FRAMES) {
		struct frame *gap = trace->frames + TRACE_FRAMES - TRACE_LAST;

		trace->left_out += gap->times;
		memmove(gap, gap + 1, (TRACE_LAST - 1) * sizeof *gap);
		trace->count--;
	}
	trace->frames[trace->count++] = (struct frame){pc, 1};
}

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *arg)
{
	struct walk *w = arg;
	int exact = 0; /* an interrupted frame: not the address after a call */
	const char *pc = (const char *)_Unwind_GetIPInfo(context, &exact);

	w->begun |= pc == w->first;
	if (!w->begun)
		return _URC_NO_REASON;
	if ((uintptr_t)pc - (uintptr_t)ramet__boot < 32) {
		/* What it calls is ours as well. */
		w->trace->count -= w->trace->count > 1;
		return _URC_END_OF_STACK;
	}
	if (!pc)
		return _URC_END_OF_STACK;
	add(w->trace, exact ? pc : pc - 1);
	return _URC_NO_REASON;
}

static void walk_here(void *walk)
{
	_Unwind_Backtrace(visit, walk);
}

void ramet__trace(struct trace *trace, const struct context *context,
		  const void *first)
{
	struct walk w = {.first = first};

	trace->count = trace->left_out = 0;
	w.trace = trace;
	ramet__call_as(context, walk_here, &w);
}

void ramet__trace_interrupted(struct trace *trace, const void *pc)
{
	struct walk w = {.trace = trace, .first = pc};

	trace->count = trace->left_out = 0;
	walk_here(&w);
}

void ramet__trace_ramet(struct trace *trace, const struct ramet *t,
			const struct context *here)
{
	trace->count = trace->left_out = 0;
	if (t == t->loop->current)
		ramet__trace(trace, here, here->pc);
	else if (!(t->flags & FLAG_STARTED))
		add(trace, (const void *)t->cold->fn);
	else if (t->state != STATE_ENDED)
		ramet__trace(trace, &t->context, t->context.pc);
}

static bool starts_with(const char *function, const char *prefix)
{
	return strncmp(function, prefix, strlen(prefix)) == 0;
}

static bool is_public(const char *function)
{
	return starts_with(function, "ramet_") &&
	       !starts_with(function, "ramet__");
}

static const char *function_of(const struct trace *trace, size_t i)
{
	const char *function = ramet__symbol(trace->frames[i].pc).function;

	return function ? function : "";
}

size_t ramet__trace_head(const struct trace *trace)
{
	for (size_t i = 0; i < trace->count && i < HEAD_MAX; i++)
		if (is_public(function_of(trace, i)))
			return i;
	return 0;
}

/* Under the patch it is a function of libc's that ours stands for. */
static size_t first_foreign(const struct trace *trace)
{
	for (size_t i = 0; i < trace->count; i++)
		if (ramet__is_foreign(trace->frames[i].pc))
			return i;
	return 0;
}

size_t ramet__trace_caller_at(const struct trace *trace)
{
	size_t i = ramet__trace_head(trace);

	if (i < trace->count && !is_public(function_of(trace, i)))
		return first_foreign(trace);
	while (i < trace->count && is_public(function_of(trace, i)))
		i++;
	return i;
}

const void *ramet__trace_caller(const struct trace *trace)
{
	size_t i = ramet__trace_caller_at(trace);

	return i < trace->count ? trace->frames[i].pc : NULL;
}

bool ramet__trace_is_outermost(const struct trace *trace, size_t i)
{
	return i + 1 >= trace->count || !strcmp(function_of(trace, i), "main");
}

static void put_frame(struct out *o, const struct frame *f)
{
	ramet__print(o, "    ");
	ramet__put_symbol(o, f->pc);
	if (f->times > 1)
		ramet__print(o, ", %lu times", f->times);
	ramet__print(o, "\n");
}

void ramet__put_trace(struct out *o, const struct trace *trace, size_t head)
{
	const char *function = "";

	/* What calls main is the same in every program. */
	for (size_t i = head; i < trace->count && strcmp(function, "main");
	     i++) {
		if (trace->left_out && i == TRACE_FRAMES - TRACE_LAST)
			ramet__print(o, "    ... %lu frames left out\n",
				     trace->left_out);
		put_frame(o, &trace->frames[i]);
		function = function_of(trace, i);
	}
}

static void put_json_frame(struct json *j, const struct frame *f)
{
	ramet__json_open(j, NULL, '{');
	ramet__json_code_members(j, f->pc);
	if (f->times > 1)
		ramet__json_number(j, "times", (int64_t)f->times);
	ramet__json_close(j, '}');
}

void ramet__json_trace(struct json *j, const struct trace *trace, size_t head)
{
	ramet__json_open(j, "frames", '[');
	for (size_t i = head; i < trace->count; i++)
		put_json_frame(j, &trace->frames[i]);
	ramet__json_close(j, ']');
	if (trace->left_out)
		ramet__json_number(j, "left_out", (int64_t)trace->left_out);
}

static _Unwind_Reason_Code look(struct _Unwind_Context *context, void *arg)
{
	(void)context, (void)arg;
	return _URC_END_OF_STACK;
}

void ramet__trace_prime(void)
{
	_Unwind_Backtrace(look, NULL);
}
