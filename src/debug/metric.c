/* metric.c - counters, gauges and histograms of the program's own.
 *
 * A list that only grows: whoever reads it takes no lock, and adding to a
 * metric is one atomic operation on it.
 */
#include "debug/metric.h"

#include "core/core.h"
#include "kernel/calls.h"

#include <string.h>

enum { BOUNDS_MAX = 64 };

struct ramet_metric *ramet__metrics;

static int lock; /* atomic; of who adds to the list */

/* ---- what names may be ----------------------------------------------------
 */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name(const char *name, bool colons)
{
	if (!name || !(is_letter(*name) || (colons && *name == ':')))
		return false;
	for (; *name; name++)
		if (!is_letter(*name) && !(*name >= '0' && *name <= '9') &&
		    !(colons && *name == ':'))
			return false;
	return true;
}

/* "le" is the histograms' own, and "__" begins what is Prometheus' own. */
static bool are_labels(const char *const *labels)
{
	for (; labels && labels[0]; labels += 2)
		if (!labels[1] || !is_name(labels[0], false) ||
		    strncmp(labels[0], "__", 2) == 0 ||
		    strcmp(labels[0], "le") == 0)
			return false;
	return true;
}

static bool are_bounds(const struct ramet_metric_opts *o)
{
	if (o->kind != RAMET_HISTOGRAM)
		return o->bound_count == 0;
	for (size_t i = 0; i < o->bound_count; i++)
		if (o->bounds[i] - o->bounds[i] != 0 /* not a number */ ||
		    (i && o->bounds[i] <= o->bounds[i - 1]))
			return false;
	return o->bound_count <= BOUNDS_MAX;
}

static bool is_good(const struct ramet_metric_opts *o)
{
	return o && (unsigned)o->kind <= RAMET_HISTOGRAM &&
	       is_name(o->name, true) && strncmp(o->name, "ramet_", 6) != 0 &&
	       are_labels(o->labels) && are_bounds(o);
}

/* ---- text -----------------------------------------------------------------
 */

/* Each character may become two. */
static size_t text_size(const struct ramet_metric_opts *o)
{
	size_t n = strlen(o->name) + 2;

	n += o->help ? 2 * strlen(o->help) : 0;
	for (const char *const *l = o->labels; l && l[0]; l += 2)
		n += strlen(l[0]) + 2 * strlen(l[1]) + 4;
	return n + 1;
}

/* Returns the end, where the NUL is. */
static char *escape(char *to, const char *text, bool quotes)
{
	for (; *text; text++) {
		if (*text == '\n' || *text == '\\' || (quotes && *text == '"'))
			*to++ = '\\';
		*to++ = *text == '\n' ? 'n' : *text;
	}
	*to = '\0';
	return to;
}

static void put_labels(char *to, const char *const *labels)
{
	*to = '\0';
	for (const char *const *l = labels; l && l[0]; l += 2) {
		if (l != labels)
			*to++ = ',';
		to = stpcpy(stpcpy(to, l[0]), "=\"");
		to = stpcpy(escape(to, l[1], true), "\"");
	}
}

static struct ramet_metric *copy(const struct ramet_metric_opts *o)
{
	size_t buckets = (o->bound_count + 1) * sizeof(uint64_t);
	size_t bounds = o->bound_count * sizeof *o->bounds;
	struct ramet_metric *m =
		kernel_alloc(sizeof *m + buckets + bounds + text_size(o));
	double *own;
	char *text;

	if (!m)
		return NULL;
	own = (double *)(void *)((char *)m->bucket + buckets);
	text = (char *)own + bounds;
	m->kind = o->kind;
	m->bound_count = o->bound_count;
	m->bounds = own;
	if (bounds)
		memcpy(own, o->bounds, bounds);
	m->name = text;
	text = stpcpy(text, o->name) + 1;
	m->help = text;
	text = escape(text, o->help ? o->help : "", false) + 1;
	m->labels = text;
	put_labels(text, o->labels);
	return m;
}

/* ---- the list -------------------------------------------------------------
 */

/* After the last of its name. */
static int insert(struct ramet_metric *m)
{
	struct ramet_metric **link = &ramet__metrics, **at = NULL, *other;

	for (; (other = *link); link = &other->next) {
		if (strcmp(other->name, m->name) != 0)
			continue;
		if (other->kind != m->kind ||
		    strcmp(other->labels, m->labels) == 0)
			return -EEXIST;
		at = &other->next;
	}
	if (!at)
		at = link;
	m->next = *at;
	__atomic_store_n(at, m, __ATOMIC_RELEASE);
	return 0;
}

static int new_metric(const struct ramet_metric_opts *o,
		      struct ramet_metric **out)
{
	int err;

	if (!is_good(o))
		return -EINVAL;
	*out = copy(o);
	if (!*out)
		return -ENOMEM;
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	err = insert(*out);
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	if (err < 0)
		kernel_free(*out);
	return err;
}

struct ramet_metric *ramet_metric_new(const struct ramet_metric_opts *opts)
{
	struct ramet_metric *m = NULL;
	int err = new_metric(opts, &m);

	if (err < 0) {
		ramet__fail(err);
		return NULL;
	}
	return m;
}

/* ---- values ---------------------------------------------------------------
 */

static double as_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static uint64_t as_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits;
}

double ramet__metric_load(const uint64_t *value)
{
	return as_double(__atomic_load_n(value, __ATOMIC_RELAXED));
}

static void add_to(uint64_t *place, double value)
{
	uint64_t old = __atomic_load_n(place, __ATOMIC_RELAXED);

	while (!__atomic_compare_exchange_n(place, &old,
					    as_bits(as_double(old) + value),
					    true, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
}

void ramet_metric_add(struct ramet_metric *m, double value)
{
	size_t i = 0;

	if (!m || (m->kind == RAMET_COUNTER && !(value >= 0)))
		return;
	if (m->kind == RAMET_HISTOGRAM) {
		while (i < m->bound_count && !(value <= m->bounds[i]))
			i++;
		__atomic_add_fetch(&m->bucket[i], 1, __ATOMIC_RELAXED);
	}
	add_to(&m->value, value);
}

void ramet_metric_set(struct ramet_metric *m, double value)
{
	if (m && m->kind == RAMET_GAUGE)
		__atomic_store_n(&m->value, as_bits(value), __ATOMIC_RELAXED);
}

double ramet_metric_value(const struct ramet_metric *m)
{
	return m ? ramet__metric_load(&m->value) : 0;
}
