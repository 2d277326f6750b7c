/* dump.c - every ramet of a loop, those with the same backtrace together.
 *
 * Unwinding takes 2 us a ramet, names of functions far longer, so backtraces
 * are compared by address and only one of each is put in words.
 */
#include "debug/dump.h"
#include "core/stack.h"
#include "debug/aside.h"
#include "debug/guest.h"
#include "debug/owners.h"
#include "debug/report.h"
#include "debug/words.h"

#include "kernel/calls.h"
#include "ramet/debug.h"

#include <string.h>
#include <sys/mman.h>

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
		  uint64_t hash, uint64_t guest)
{
	return p->hash == hash && p->guest == guest &&
	       p->frame_count == trace->count &&
	       p->left_out == trace->left_out &&
	       memcmp(p->frames, trace->frames,
		      trace->count * sizeof *p->frames) == 0;
}

static uint32_t new_place(struct dump *d, uint64_t hash, uint64_t guest)
{
	struct place *p = &d->places[++d->place_count];

	p->hash = hash;
	p->guest = guest;
	p->frames = d->frames + d->frame_count;
	p->frame_count = (uint32_t)d->trace->count;
	p->left_out = (uint32_t)d->trace->left_out;
	memcpy(p->frames, d->trace->frames,
	       d->trace->count * sizeof *p->frames);
	d->frame_count += d->trace->count;
	return (uint32_t)d->place_count;
}

/* The place of d->trace and of what the host tells, by number. */
static uint32_t place_of(struct dump *d, uint64_t guest)
{
	uint64_t hash = hash_of(d->trace) ^ guest;
	size_t mask = d->table_size - 1, at = hash & mask;

	for (; d->table[at]; at = (at + 1) & mask)
		if (is_at(&d->places[d->table[at]], d->trace, hash, guest))
			return d->table[at];
	return d->table[at] = new_place(d, hash, guest);
}

static void trace(struct dump *d, const struct ramet *t)
{
	if (t == d->loop->current)
		ramet__trace(d->trace, d->here,
			     d->first ? d->first : d->here->pc);
	else
		ramet__trace_ramet(d->trace, t, d->here);
}

static void gather(struct ramet *t, void *dump)
{
	struct dump *d = dump;
	struct place *p;
	uint32_t n, place;

	if (d->entry_count + 1 == d->room)
		return;
	trace(d, t);
	place = place_of(d, ramet__guest_hash(t));
	p = &d->places[place];
	n = (uint32_t)++d->entry_count;
	d->entries[n] = (struct entry){t, 0, place};
	if (p->count++)
		d->entries[p->last].next = n;
	else
		p->first = n;
	p->last = n;
}

/* ---- writing ------------------------------------------------------------ */

void ramet__dump_load(struct dump *d, const struct place *p)
{
	d->trace->count = p->frame_count;
	d->trace->left_out = p->left_out;
	memcpy(d->trace->frames, p->frames, p->frame_count * sizeof *p->frames);
}

size_t ramet__dump_stack(const struct dump *d, const struct ramet *t,
			 size_t *size)
{
	char *low, *sp = t == d->loop->current ? d->here->sp : t->context.sp;

	*size = 0;
	if (!t->cold->class || t->state == STATE_ENDED)
		return 0;
	ramet__stack_bounds(t, &low, size);
	if (!(t->flags & FLAG_STARTED) || sp < low || sp > (char *)t->cold)
		return 0;
	return (size_t)((char *)t->cold - sp);
}

uint64_t ramet__dump_switches(const struct ramet *t)
{
	return (uint64_t)t->cold->switches_high << 16 | t->switches;
}

static void put_use(struct dump *d, const struct ramet *t)
{
	size_t size, used = ramet__dump_stack(d, t, &size);
	uint64_t switches = ramet__dump_switches(t);

	if (used)
		ramet__print(d->out, ", stack %lu of %lu", used, size);
	if (switches)
		ramet__print(d->out, ", %lu switch%s", switches,
			     switches == 1 ? "" : "es");
}

static void put_place(struct dump *d, const struct place *p)
{
	struct out *o = d->out;

	for (uint32_t n = p->first; n; n = d->entries[n].next) {
		ramet__put_ramet(o, d->entries[n].t);
		ramet__put_state(o, d->entries[n].t, d->now);
		ramet__put_origin(o, d->entries[n].t);
		put_use(d, d->entries[n].t);
		ramet__print(o, "\n");
	}
	ramet__dump_load(d, p);
	if (p->count > 1 && p->frame_count)
		ramet__print(o, "  %lu ramets at\n", (size_t)p->count);
	ramet__put_guest(o, d->entries[p->first].t);
	ramet__put_trace(o, d->trace, ramet__trace_head(d->trace));
}

static void put_all(struct dump *d)
{
	ramet__print(d->out, "ramet: %lu ramets in process %lu, thread %lu\n",
		     d->entry_count, (unsigned long)d->process,
		     (unsigned long)d->thread);
	for (size_t i = 1; i <= d->place_count; i++)
		put_place(d, &d->places[i]);
}

static void dump_from(const struct context *here, void *dump)
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
	if (d->json)
		ramet__dump_write_json(d);
	else
		put_all(d);
	d->err = ramet__out_close(&out);
	ramet__owners_forget();
}

/* On the stack for reports, unless it is known where the running ramet is. */
static int dump(struct dump *d)
{
	int err;

	if (!d->process) {
		d->process = kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
		d->thread = kernel_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
	}
	d->room = d->loop->stats.live + 1;
	err = get_memory(d);
	if (err < 0)
		return err;
	if (d->here)
		dump_from(d->here, d);
	else if (!ramet__aside(dump_from, d))
		d->err = -EBUSY;
	kernel_munmap(d->entries, size_of(d));
	return d->err;
}

int ramet__dump(struct loop *l, int fd, bool json)
{
	struct dump d = {.loop = l, .fd = fd, .json = json};

	return dump(&d);
}

int ramet__dump_interrupted(struct loop *l, int fd, bool json, const void *pc)
{
	struct dump d = {.loop = l, .fd = fd, .json = json, .first = pc};

	return dump(&d);
}

int ramet__dump_blocked(struct loop *l, int fd, bool json,
			const struct context *at, long process, long thread)
{
	struct dump d = {.loop = l,
			 .fd = fd,
			 .json = json,
			 .here = at,
			 .process = process,
			 .thread = thread};

	return dump(&d);
}

static int dump_own(int fd, bool json)
{
	struct loop *l = ramet__loop();

	return (int)ramet__ret(l ? ramet__dump(l, fd, json) : -ENOMEM);
}

int ramet_dump(int fd)
{
	return dump_own(fd, false);
}

int ramet_dump_json(int fd)
{
	return dump_own(fd, true);
}
