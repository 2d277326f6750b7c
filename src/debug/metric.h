/* metric.h - metrics of the program's own. */
#ifndef DEBUG_METRIC_H
#define DEBUG_METRIC_H

#include "base/base.h"
#include "ramet/debug.h"

/* Those of one name follow one another.  What is not atomic stays as it is. */
struct ramet_metric {
	struct ramet_metric *next; /* atomic */
	enum ramet_metric_kind kind;
	const char *name, *help;
	const char *labels; /* as they are written: `a="b",c="d"` */
	uint64_t value;     /* atomic: a double; a histogram's sum */
	const double *bounds;
	size_t bound_count;
	uint64_t bucket[]; /* atomic; one more than bounds */
};

/* The first; atomic. */
extern struct ramet_metric *ramet__metrics;

double ramet__metric_load(const uint64_t *value);

#endif
