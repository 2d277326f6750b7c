/* fold.c - most ramets of a program stand at few places. */
#include "tools/ramet/fold.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const struct trace *trace)
{
	uint64_t hash = trace->left_out;

	for (size_t i = 0; i < trace->count; i++) {
		hash ^= trace->frames[i].pc + trace->frames[i].times;
		hash *= UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return hash;
}

static bool is_equal(const struct trace *a, const struct trace *b)
{
	return a->count == b->count && a->left_out == b->left_out &&
	       memcmp(a->frames, b->frames, a->count * sizeof *a->frames) == 0;
}

/* Where a trace is in the table, or is to be. */
static uint32_t *place_of(struct fold *f, const struct trace *trace)
{
	size_t mask = f->table_size - 1, at = hash_of(trace) & mask;

	while (f->table[at] && !is_equal(&f->traces[f->table[at] - 1], trace))
		at = (at + 1) & mask;
	return &f->table[at];
}

static void grow(struct fold *f)
{
	f->room = f->room ? 2 * f->room : 64;
	f->traces = need(realloc(f->traces, f->room * sizeof *f->traces));
	f->table_size = 4 * f->room;
	free(f->table);
	f->table = need(calloc(f->table_size, sizeof *f->table));
	for (size_t i = 0; i < f->count; i++)
		*place_of(f, &f->traces[i]) = (uint32_t)(i + 1);
}

size_t fold_add(struct fold *f, const struct trace *trace)
{
	uint32_t *place;

	if (f->count == f->room)
		grow(f);
	place = place_of(f, trace);
	if (!*place) {
		f->traces[f->count++] = *trace;
		*place = (uint32_t)f->count;
	}
	return *place - 1;
}

void fold_clear(struct fold *f)
{
	free(f->traces);
	free(f->table);
	*f = (struct fold){0};
}

/* ---- names --------------------------------------------------------------- */

static bool starts_with(const char *function, const char *prefix)
{
	return strncmp(function, prefix, strlen(prefix)) == 0;
}

static const char *function_of(struct unwinder *u, const struct trace *trace,
			       size_t i)
{
	const char *function =
		unwinder_symbol(u, trace->frames[i].pc)->function;

	return function ? function : "";
}

static bool is_public(struct unwinder *u, const struct trace *trace, size_t i)
{
	const char *function = function_of(u, trace, i);

	return unwinder_symbol(u, trace->frames[i].pc)->hook ||
	       (starts_with(function, "ramet_") &&
		!starts_with(function, "ramet__"));
}

/* Whether a frame is in the object that has the library. */
static bool is_ours(struct unwinder *u, const struct trace *trace, size_t i,
		    uint64_t boot)
{
	uint64_t start = unwinder_symbol(u, boot)->start;

	return start && unwinder_symbol(u, trace->frames[i].pc)->start == start;
}

/* Where the library is called, if it is an object of its own; else symbols may
 * tell. */
size_t fold_head(struct unwinder *u, const struct trace *trace, uint64_t boot)
{
	enum { HEAD_MAX = 16 }; /* frames of ours, at most, above the user's */
	size_t n = 0;

	while (n < trace->count && is_ours(u, trace, n, boot))
		n++;
	if (n && n < trace->count)
		return n - 1;
	for (size_t i = 0; i < trace->count && i < HEAD_MAX; i++)
		if (is_public(u, trace, i))
			return i;
	return 0;
}

size_t fold_end(struct unwinder *u, const struct trace *trace, uint64_t boot)
{
	size_t end = trace->count, users = 0;

	for (size_t i = 0; i < end; i++) {
		const char *function = function_of(u, trace, i);

		if (strcmp(function, "main") == 0)
			return i + 1;
		if (i && starts_with(function, "__libc_start_"))
			end = i;
	}
	for (size_t i = 0; i < end; i++)
		if (!is_ours(u, trace, i, boot))
			users = i + 1;
	return users ? users : end;
}
