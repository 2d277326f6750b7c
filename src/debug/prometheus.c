/* prometheus.c - the library's figures and the program's own in Prometheus'
 * text format, version 0.0.4.
 */
#include "core/core.h"
#include "debug/metric.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- lines ----------------------------------------------------------------
 */

/* Once `write` has ended it, the rest is dropped. */
struct page {
	int (*write)(void *arg, const char *text, size_t size);
	void *arg;
	int end; /* what it returned */
	size_t used;
	char text[2048];
};

static void flush(struct page *p)
{
	if (p->end == 0 && p->used)
		p->end = p->write(p->arg, p->text, p->used);
	p->used = 0;
}

static void put(struct page *p, const char *text, size_t size)
{
	if (size > sizeof p->text - p->used)
		flush(p);
	if (size > sizeof p->text) {
		if (p->end == 0)
			p->end = p->write(p->arg, text, size);
		return;
	}
	memcpy(p->text + p->used, text, size);
	p->used += size;
}

static void put_text(struct page *p, const char *text)
{
	put(p, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static void print(struct page *p,
							const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	put(p, line, (size_t)n);
}

/* printf(3) writes the point as the locale has it. */
static void put_double(struct page *p, double value)
{
	char text[64];
	size_t n = 0;

	if (value != value || value - value != 0) {
		put_text(p, value != value ? "NaN"
			    : value > 0    ? "+Inf"
					   : "-Inf");
		return;
	}
	snprintf(text, sizeof text, "%.17g", value);
	for (const char *c = text; *c; c++) {
		bool plain = strchr("0123456789+-e", *c) != NULL;

		if (plain)
			text[n++] = *c;
		else if (!n || text[n - 1] != '.')
			text[n++] = '.';
	}
	put(p, text, n);
}

static void put_head(struct page *p, const char *name, const char *help,
		     const char *type)
{
	put_text(p, "# HELP ");
	put_text(p, name);
	put_text(p, " ");
	put_text(p, help);
	put_text(p, "\n# TYPE ");
	put_text(p, name);
	print(p, " %s\n", type);
}

/* ---- the library's --------------------------------------------------------
 */

/* One per loop. */
static const struct {
	const char *name, *type, *help;
	size_t at; /* in struct ramet_loop_metrics */
} of_loop[] = {
#define OF_LOOP(name, type, member, help)                                      \
	{                                                                      \
		"ramet_" name, type, help,                                     \
			offsetof(struct ramet_loop_metrics, member)            \
	}
	OF_LOOP("spawned_total", "counter", spawned, "Ramets ever."),
	OF_LOOP("switches_total", "counter", switches,
		"Switches from one ramet to another."),
	OF_LOOP("kernel_waits_total", "counter", kernel_waits,
		"Times the kernel was asked for events."),
	OF_LOOP("sleeps_total", "counter", sleeps,
		"Times the loop waited for events."),
	OF_LOOP("timers", "gauge", timers, "Timers that are armed."),
	OF_LOOP("errands", "gauge", errands,
		"Calls that helper threads or the kernel make for it."),
	OF_LOOP("stack_bytes", "gauge", stack_bytes,
		"Memory that its stacks hold, at least."),
};

static uint64_t figure(const struct ramet_loop_metrics *m, size_t at)
{
	uint64_t value;

	memcpy(&value, (const char *)m + at, sizeof value);
	return value;
}

static void put_states(struct page *p, const struct ramet_loop_metrics *m,
		       size_t n)
{
	put_head(p, "ramet_ramets", "Ramets by state.", "gauge");
	for (size_t i = 0; i < n; i++) {
		const struct {
			const char *name;
			uint64_t count;
		} states[] = {
			{"starting", m[i].starting}, {"ready", m[i].ready},
			{"running", m[i].running},   {"waiting", m[i].waiting},
			{"ended", m[i].ended},
		};

		for (size_t s = 0; s < sizeof states / sizeof *states; s++)
			print(p,
			      "ramet_ramets{loop=\"%u\",state=\"%s\"} %llu\n",
			      m[i].loop, states[s].name,
			      (unsigned long long)states[s].count);
	}
	put_head(p, "ramet_run_queue", "Ramets that wait for their turn.",
		 "gauge");
	for (size_t i = 0; i < n; i++)
		print(p, "ramet_run_queue{loop=\"%u\"} %llu\n", m[i].loop,
		      (unsigned long long)(m[i].starting + m[i].ready));
}

static void put_figures(struct page *p, const struct ramet_loop_metrics *m,
			size_t n)
{
	for (size_t f = 0; f < sizeof of_loop / sizeof *of_loop; f++) {
		put_head(p, of_loop[f].name, of_loop[f].help, of_loop[f].type);
		for (size_t i = 0; i < n; i++)
			print(p, "%s{loop=\"%u\"} %llu\n", of_loop[f].name,
			      m[i].loop,
			      (unsigned long long)figure(&m[i], of_loop[f].at));
	}
}

static void put_seconds(struct page *p, uint64_t ns)
{
	print(p, "%llu.%09llu", (unsigned long long)(ns / RAMET_SEC),
	      (unsigned long long)(ns % RAMET_SEC));
}

static void put_lag(struct page *p, const struct ramet_loop_metrics *m)
{
	uint64_t count = 0;

	for (int i = 0; i < RAMET_LAG_BUCKETS; i++) {
		count += m->lag_bucket[i];
		print(p, "ramet_loop_lag_seconds_bucket{loop=\"%u\",le=\"",
		      m->loop);
		if (i < RAMET_LAG_BUCKETS - 1)
			put_seconds(p, UINT64_C(1) << (10 + i));
		else
			put_text(p, "+Inf");
		print(p, "\"} %llu\n", (unsigned long long)count);
	}
	print(p, "ramet_loop_lag_seconds_sum{loop=\"%u\"} ", m->loop);
	put_seconds(p, m->lag_sum);
	print(p, "\nramet_loop_lag_seconds_count{loop=\"%u\"} %llu\n", m->loop,
	      (unsigned long long)count);
}

static void put_loops(struct page *p, const struct ramet_loop_metrics *m,
		      size_t n)
{
	put_states(p, m, n);
	put_figures(p, m, n);
	put_head(p, "ramet_loop_stuck_seconds",
		 "Since the loop turned last; 0 while it sleeps.", "gauge");
	for (size_t i = 0; i < n; i++) {
		print(p, "ramet_loop_stuck_seconds{loop=\"%u\"} ", m[i].loop);
		put_seconds(p, (uint64_t)m[i].lag);
		put_text(p, "\n");
	}
	put_head(p, "ramet_loop_lag_seconds",
		 "How long ramets ran from one turn of the loop to the next.",
		 "histogram");
	for (size_t i = 0; i < n; i++)
		put_lag(p, &m[i]);
}

static void put_lanes(struct page *p, const struct ramet_metrics *m)
{
	const struct {
		const char *name;
		const struct ramet_lane_metrics *lane;
	} lanes[] = {{"user", &m->user},
		     {"file", &m->file},
		     {"names", &m->names}};
	enum { LANES = sizeof lanes / sizeof *lanes };

	put_head(p, "ramet_helpers_busy", "Helper threads that make a call.",
		 "gauge");
	for (int i = 0; i < LANES; i++)
		print(p, "ramet_helpers_busy{lane=\"%s\"} %d\n", lanes[i].name,
		      lanes[i].lane->busy);
	put_head(p, "ramet_helpers_limit", "How many may.", "gauge");
	for (int i = 0; i < LANES; i++)
		print(p, "ramet_helpers_limit{lane=\"%s\"} %d\n", lanes[i].name,
		      lanes[i].lane->limit);
	put_head(p, "ramet_helpers_queued", "Calls that wait for a helper.",
		 "gauge");
	for (int i = 0; i < LANES; i++)
		print(p, "ramet_helpers_queued{lane=\"%s\"} %d\n",
		      lanes[i].name, lanes[i].lane->queued);
}

static void put_process(struct page *p, const struct ramet_metrics *m)
{
	put_lanes(p, m);
	put_head(p, "ramet_helpers", "Helper threads that there are.", "gauge");
	print(p, "ramet_helpers %d\n", m->helpers);
	put_head(p, "ramet_descriptors", "Descriptors that loops know.",
		 "gauge");
	print(p, "ramet_descriptors %llu\n",
	      (unsigned long long)m->descriptors);
	put_head(p, "ramet_stalls_total",
		 "Times the watchdog saw a loop that did not turn.", "counter");
	print(p, "ramet_stalls_total %llu\n", (unsigned long long)m->stalls);
}

/* ---- the program's own ----------------------------------------------------
 */

/* `name`, `suffix`, and its labels with one more, or none. */
static void put_series(struct page *p, const struct ramet_metric *m,
		       const char *suffix)
{
	put_text(p, m->name);
	put_text(p, suffix);
	if (*m->labels) {
		put_text(p, "{");
		put_text(p, m->labels);
		put_text(p, "}");
	}
	put_text(p, " ");
}

static void put_bucket(struct page *p, const struct ramet_metric *m, size_t i,
		       uint64_t count)
{
	put_text(p, m->name);
	put_text(p, "_bucket{");
	put_text(p, m->labels);
	put_text(p, *m->labels ? ",le=\"" : "le=\"");
	if (i < m->bound_count)
		put_double(p, m->bounds[i]);
	else
		put_text(p, "+Inf");
	print(p, "\"} %llu\n", (unsigned long long)count);
}

static void put_histogram(struct page *p, const struct ramet_metric *m)
{
	uint64_t count = 0;

	for (size_t i = 0; i <= m->bound_count; i++) {
		count += __atomic_load_n(&m->bucket[i], __ATOMIC_RELAXED);
		put_bucket(p, m, i, count);
	}
	put_series(p, m, "_sum");
	put_double(p, ramet__metric_load(&m->value));
	put_text(p, "\n");
	put_series(p, m, "_count");
	print(p, "%llu\n", (unsigned long long)count);
}

static void put_metric(struct page *p, const struct ramet_metric *m)
{
	if (m->kind == RAMET_HISTOGRAM) {
		put_histogram(p, m);
		return;
	}
	put_series(p, m, "");
	put_double(p, ramet__metric_load(&m->value));
	put_text(p, "\n");
}

static void put_own(struct page *p)
{
	static const char *const types[] = {"counter", "gauge", "histogram"};
	const struct ramet_metric *m, *before = NULL;

	m = __atomic_load_n(&ramet__metrics, __ATOMIC_ACQUIRE);
	for (; m; m = __atomic_load_n(&m->next, __ATOMIC_ACQUIRE)) {
		if (!before || strcmp(before->name, m->name) != 0)
			put_head(p, m->name, m->help, types[m->kind]);
		put_metric(p, m);
		before = m;
	}
}

/* ---- all -------------------------------------------------------------------
 */

int ramet_write_metrics(int (*write)(void *arg, const char *text, size_t size),
			void *arg)
{
	enum { ROOM = 4 }; /* loops that started meanwhile */
	struct page p = {.write = write, .arg = arg};
	struct ramet_loop_metrics *loops;
	struct ramet_metrics m;
	size_t room = ramet_get_metrics(&m, NULL, 0) + ROOM, n;

	loops = kernel_alloc(room * sizeof *loops);
	if (!loops)
		return (int)ramet__fail(-ENOMEM);
	n = ramet_get_metrics(&m, loops, room);
	put_loops(&p, loops, n < room ? n : room);
	kernel_free(loops);
	put_process(&p, &m);
	put_own(&p);
	flush(&p);
	return p.end;
}
