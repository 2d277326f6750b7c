/* report.h - the numbers of a run, and how they are written. */
#ifndef PATCH_TRACE_REPORT_H
#define PATCH_TRACE_REPORT_H

#include "patch/trace/trace.h"

struct report_numbers {
	struct ramet_stats stats;
	bool traced; /* all calls that blocked are known */
	struct blocked blocked;
	uint64_t calls;
	unsigned long os_threads, helpers, context_switches;
	int64_t time, cpu;
	char program[64];
};

/* Aligned, with colours if it is a terminal. */
void ramet__put_report(struct out *o, const struct report_numbers *n);

/* One line. */
void ramet__put_report_json(struct out *o, const struct report_numbers *n);

#endif
