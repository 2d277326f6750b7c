/* dump.c - every ramet of a loop, those with the same backtrace together.
 *
 * Unwinding takes 2 us a ramet, names of functions far longer, so backtraces
 * are compared by address and only one of each is put in words.
 */
#include "core/stack.h"
#include "debug/aside.h"
#include "debug/report.h"
#include "debug/trace.h"
#include "debug/words.h"

#include "kernel/calls.h"
#include "ramet/debug.h"

#include <string.h>
#include <sys/mman.h>

/* A ramet, in the list of those that are where it is; numbers, not pointers,
 * are links, and 0 is none. */
struct entry {
	struct ramet *t;
	uint32_t next;
};

/* Ramets with one backtrace. */
struct place {
	uint64_t hash;
	struct frame *frames;
	uint32_t frame_count, left_out;
	uint32_t first, last, count;
};

struct dump {
	struct loop *loop;
	const struct context *here;
	int fd, err;
	int64_t now;
	size_t room; /* for entries and places, number 0 unused */
	size_t entry_count, place_count, frame_count;
	size_t table_size; /* a power of two */
	struct entry *entries;
	struct place *places;
	struct frame *frames;
	uint32_t *table; /* places by hash */
	struct trace *trace;
	struct out *out;
};

/* ---- memory ------------------------------------------------------------- */

/* All that could be needed: only what is used takes memory. */
static size_t size_of(const struct dump *d)
{
	return d->room * (sizeof *d->entries + sizeof *d->places +
			  TRACE_FRAMES * sizeof *d->frames) +
	       d->table_size * sizeof *d->table;
}

static int get_memory(struct dump *d)
{
	int err = -ENOMEM;
	char *memory;

	d->table_size = 64;
	while (d->table_size < 2 * d->room)
		d->table_size *= 2;
	memory = kernel_mmap(size_of(d), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, &err);
	if (!memory)
		return err;
	d->entries = (void *)memory;
	d->places = (void *)(d->entries + d->room);
	d->frames = (void *)(d->places + d->room);
	d->table = (void *)(d->frames + d->room * TRACE_FRAMES);
	return 0;
}

/* ---- gathering ---------------------------------------------------------- */

static uint64_t hash_of(const struct trace *trace)
{
	uint64_t hash = trace->left_out;

	for (size_t i = 0; i < trace->count; i++) {
		hash ^= (uintptr_t)trace->frames[i].pc + trace->frames[i].times;
		hash = random_next(&hash);
	}
	return hash;
}

static bool is_at(const struct place *p, const struct trace *trace,
		  uint64_t hash)
{
	return p->hash == hash && p->frame_count == trace->count &&
	       p->left_out == trace->left_out &&
	       memcmp(p->frames, trace->frames,
		      trace->count * sizeof *p->frames) == 0;
}

static uint32_t new_place(struct dump *d, uint64_t hash)
{
	struct place *p = &d->places[++d->place_count];

	p->hash = hash;
	p->frames = d->frames + d->frame_count;
	p->frame_count = (uint32_t)d->trace->count;
	p->left_out = (uint32_t)d->trace->left_out;
	memcpy(p->frames, d->trace->frames,
	       d->trace->count * sizeof *p->frames);
	d->frame_count += d->trace->count;
	return (uint32_t)d->place_count;
}

/* The place of d->trace-> */
static struct place *place_of(struct dump *d)
{
	uint64_t hash = hash_of(d->trace);
	size_t mask = d->table_size - 1, at = hash & mask;

	for (; d->table[at]; at = (at + 1) & mask)
		if (is_at(&d->places[d->table[at]], d->trace, hash))
			return &d->places[d->table[at]];
	d->table[at] = new_place(d, hash);
	return &d->places[d->table[at]];
}

static void gather(struct ramet *t, void *dump)
{
	struct dump *d = dump;
	struct place *p;
	uint32_t n;

	if (d->entry_count + 1 == d->room)
		return;
	ramet__trace_ramet(d->trace, t, d->here);
	p = place_of(d);
	n = (uint32_t)++d->entry_count;
	d->entries[n] = (struct entry){t, 0};
	if (p->count++)
		d->entries[p->last].next = n;
	else
		p->first = n;
	p->last = n;
}

/* ---- writing ------------------------------------------------------------ */

static void put_state(struct dump *d, const struct ramet *t)
{
	struct out *o = d->out;

	if (t->state == STATE_PARKED) {
		ramet__print(o, " waiting ");
		ramet__put_wait(o, t, d->now);
		ramet__print(o, ", for ");
		ramet__put_duration(o, d->now - t->since);
	} else if (t->state == STATE_ENDED) {
		ramet__print(o, " ended, not joined");
	} else if (t->state == STATE_READY) {
		ramet__print(o, t->flags & FLAG_STARTED ? " ready to run"
							: " ready to start");
	} else {
		ramet__print(o, " running");
	}
	if (t->flags & FLAG_KILL)
		ramet__print(o, ", killed");
	else if (t->flags & FLAG_CANCEL)
		ramet__print(o, ", cancelled");
}

static void put_place(struct dump *d, const struct place *p)
{
	struct out *o = d->out;

	for (uint32_t n = p->first; n; n = d->entries[n].next) {
		ramet__put_ramet(o, d->entries[n].t);
		put_state(d, d->entries[n].t);
		ramet__put_origin(o, d->entries[n].t);
		ramet__print(o, "\n");
	}
	d->trace->count = p->frame_count;
	d->trace->left_out = p->left_out;
	memcpy(d->trace->frames, p->frames, p->frame_count * sizeof *p->frames);
	if (p->count > 1 && p->frame_count)
		ramet__print(o, "  %lu ramets at\n", (size_t)p->count);
	ramet__put_trace(o, d->trace, ramet__trace_head(d->trace));
}

static void put_all(struct dump *d)
{
	ramet__print(d->out, "ramet: %lu ramets in process %lu, thread %lu\n",
		     d->entry_count,
		     (unsigned long)kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0),
		     (unsigned long)kernel_call(SYS_gettid, 0, 0, 0, 0, 0, 0));
	for (size_t i = 1; i <= d->place_count; i++)
		put_place(d, &d->places[i]);
}

static void dump_aside(const struct context *here, void *dump)
{
	struct dump *d = dump;
	struct trace trace;
	struct out out;

	ramet__owners_forget();
	ramet__out_open(&out, d->fd);
	d->trace = &trace;
	d->out = &out;
	d->here = here;
	d->now = kernel_now();
	ramet__each(d->loop, gather, d);
	put_all(d);
	d->err = ramet__out_close(&out);
}

int ramet__dump(struct loop *l, int fd)
{
	struct dump d = {.loop = l, .fd = fd, .room = l->stats.live + 1};
	int err = get_memory(&d);

	if (err < 0)
		return err;
	if (!ramet__aside(dump_aside, &d))
		d.err = -EBUSY;
	kernel_munmap(d.entries, size_of(&d));
	return d.err;
}

int ramet_dump(int fd)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(l ? ramet__dump(l, fd) : -ENOMEM);
}
