/* outside.c - reads the loops of a process that runs on, and their control
 * blocks, which lie in arrays: one read for each. */
#include "tools/ramet/read.h"
#include "tools/ramet/say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	LOOPS_MAX = 4096,
	SLABS_MAX = 4096,
	RAMETS_MAX = 1 << 24,
};

/* ---- what was read ------------------------------------------------------- */

static void damage(struct sight *s, const char *what, int tid)
{
	if (!s->damage[0])
		snprintf(s->damage, sizeof s->damage,
			 "%s of the loop of thread %d cannot be read; what "
			 "follows is left out",
			 what, tid);
}

static int64_t timer_due_ns(const struct layout *l, const char *block)
{
	int64_t ticks = i64(block, l->ramet_timer_when);

	if (!u64(block, l->ramet_timer_link) || ticks < 0)
		return -1;
	return ticks > INT64_MAX >> l->timer_bits ? INT64_MAX
						  : ticks << l->timer_bits;
}

void read_block(struct ramet_seen *t, const struct layout *l, const char *block)
{
	t->id = u64(block, l->ramet_id);
	t->state = (unsigned char)block[l->ramet_state];
	t->wait = (unsigned char)block[l->ramet_wait];
	t->flags = u16(block, l->ramet_flags);
	t->switches = u16(block, l->ramet_switches);
	t->object = u64(block, l->ramet_object);
	t->since = i64(block, l->ramet_since);
	t->due = timer_due_ns(l, block);
	t->cold = u64(block, l->ramet_cold);
	t->sp = u64(block, l->ramet_sp);
	t->fp = u64(block, l->ramet_fp);
	t->pc = u64(block, l->ramet_pc);
}

/* ---- lists --------------------------------------------------------------- */

static void add_ramet(struct sight *s, unsigned loop, uint64_t at,
		      uint64_t slot, const char *block)
{
	const struct layout *l = s->loops[loop].layout;
	struct ramet_seen *t;

	if ((unsigned char)block[l->ramet_state] == l->state_free ||
	    s->ramet_count == RAMETS_MAX)
		return;
	if ((s->ramet_count & (s->ramet_count - 1)) == 0)
		s->ramets = need(realloc(s->ramets, (2 * s->ramet_count + 1) *
							    sizeof *s->ramets));
	t = &s->ramets[s->ramet_count++];
	*t = (struct ramet_seen){.at = at,
				 .loop = loop,
				 .slot = slot,
				 .trace = -1};
	read_block(t, l, block);
}

/* Blocks [0, ready) of a slab. */
static bool read_blocks(struct sight *s, unsigned loop, uint64_t at,
			uint64_t ready, uint64_t slot)
{
	enum { AT_ONCE = 8192 };
	const struct layout *l = s->loops[loop].layout;
	char *blocks = need(malloc((size_t)AT_ONCE * l->ramet_size));

	while (ready > 0 && s->ramet_count < RAMETS_MAX) {
		size_t n = ready < AT_ONCE ? ready : AT_ONCE;

		if (!target_read(s->target, at, blocks, n * l->ramet_size))
			break;
		for (size_t i = 0; i < n; i++)
			add_ramet(s, loop, at + i * l->ramet_size, slot,
				  blocks + i * l->ramet_size);
		at += n * l->ramet_size;
		ready -= n;
	}
	free(blocks);
	return ready == 0;
}

/* A damaged list may go round: it comes by where it was after 1, 2, 4, ...
 * steps (R. P. Brent, "An improved Monte Carlo factorization algorithm", 1980).
 */
static bool read_slabs(struct sight *s, unsigned loop, uint64_t slab,
		       uint64_t slot)
{
	const struct layout *l = s->loops[loop].layout;
	char *bytes = need(malloc(l->slab_size));
	uint64_t mark = 0;
	bool ok = true;

	for (int n = 1; slab && ok; slab = u64(bytes, l->slab_next), n++) {
		ok = slab != mark && n < SLABS_MAX &&
		     target_read(s->target, slab, bytes, l->slab_size) &&
		     read_blocks(s, loop, u64(bytes, l->slab_ramets),
				 u64(bytes, l->slab_ready), slot);
		if ((n & (n - 1)) == 0)
			mark = slab;
	}
	free(bytes);
	return ok;
}

static void read_ramets(struct sight *s, unsigned loop, const char *bytes)
{
	const struct loop_seen *seen = &s->loops[loop];
	const struct layout *l = seen->layout;

	add_ramet(s, loop, seen->at + l->loop_main, 0, bytes + l->loop_main);
	for (uint32_t i = 0; i < l->class_count; i++) {
		const char *class =
			bytes + l->loop_classes + (size_t)i * l->class_size;

		if (!read_slabs(s, loop, u64(class, l->class_slabs),
				u64(class, l->class_slot)))
			damage(s, "the list of ramets", seen->tid);
	}
}

/* ---- the thread ---------------------------------------------------------- */

/* /proc/PID/task/TID/syscall: "running", "-1 SP PC", or "NR ARGS... SP PC". */
void read_call(const struct sight *s, struct loop_seen *l)
{
	unsigned long sp, pc;
	char text[256];
	long nr;

	l->in_call = l->on_cpu = false;
	if (!target_proc(s->target, l->tid, "syscall", text, sizeof text))
		return;
	l->on_cpu = strncmp(text, "running", 7) == 0;
	if (sscanf(text, "%ld %*x %*x %*x %*x %*x %*x %lx %lx", &nr, &sp,
		   &pc) != 3)
		return;
	l->in_call = true;
	l->call = nr;
	l->call_sp = sp;
	l->call_pc = pc;
}

static void read_cpu(struct sight *s, struct loop_seen *l)
{
	unsigned long user, system;
	char text[512], *at;

	if (!target_proc(s->target, l->tid, "stat", text, sizeof text))
		return;
	at = strrchr(text, ')');
	if (at && sscanf(at + 1,
			 " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			 &user, &system) == 2)
		l->cpu_ns = (int64_t)(user + system) *
			    (1000000000 / sysconf(_SC_CLK_TCK));
}

/* ---- loops --------------------------------------------------------------- */

static void take_loop(struct loop_seen *seen, const char *bytes)
{
	const struct layout *l = seen->layout;

	seen->current = u64(bytes, l->loop_current);
	seen->sleeping = u32(bytes, l->loop_sleeping) != 0;
	seen->now = i64(bytes, l->loop_now);
	seen->looked = i64(bytes, l->loop_looked);
	seen->spawned = u64(bytes, l->loop_spawned);
	seen->live = u64(bytes, l->loop_live);
	seen->switches = u64(bytes, l->loop_switches);
	seen->kernel_waits = u64(bytes, l->loop_kernel_waits);
	seen->timers = u64(bytes, l->loop_timers);
	seen->outside = u64(bytes, l->loop_outside);
}

static void add_loop(struct sight *s, const struct layout *l, uint64_t at,
		     int tid)
{
	char *bytes = need(malloc(l->loop_size));
	size_t first = s->ramet_count, n = s->loop_count;
	struct loop_seen *seen;

	s->loops = need(realloc(s->loops, (n + 1) * sizeof *s->loops));
	seen = &s->loops[n];
	*seen = (struct loop_seen){.layout = l,
				   .at = at,
				   .tid = target_task(s->target, tid)};
	if (target_read(s->target, at, bytes, l->loop_size)) {
		s->loop_count++;
		take_loop(seen, bytes);
		read_call(s, seen);
		read_cpu(s, seen);
		read_ramets(s, (unsigned)n, bytes);
	} else {
		damage(s, "the state", tid);
	}
	for (size_t i = first; i < s->ramet_count; i++) {
		struct ramet_seen *t = &s->ramets[i];

		t->current = t->at == seen->current;
		seen->ready += t->state == l->state_ready;
	}
	free(bytes);
}

/* A damaged list may go round. */
static bool is_among(uint64_t (*found)[2], int n, uint64_t loop)
{
	while (n > 0)
		if (found[--n][0] == loop)
			return true;
	return false;
}

/* The list has the newest first. */
static void read_loops(struct sight *s, const struct layout *l)
{
	uint64_t record, found[LOOPS_MAX][2];
	int n = 0;

	if (!target_read(s->target, l->seen, &record, sizeof record))
		return;
	while (record && n < LOOPS_MAX) {
		uint64_t loop = 0, next = 0;
		uint32_t tid = 0;

		if (!target_read(s->target, record + l->seen_loop, &loop, 8) ||
		    !target_read(s->target, record + l->seen_next, &next, 8) ||
		    !target_read(s->target, record + l->seen_tid, &tid, 4)) {
			damage(s, "the list", 0);
			break;
		}
		if (is_among(found, n, loop))
			break;
		if (loop) {
			found[n][0] = loop;
			found[n++][1] = tid;
		}
		record = next == record ? 0 : next;
	}
	while (n-- > 0)
		add_loop(s, l, found[n][0], (int)found[n][1]);
}

/* ---- questions ----------------------------------------------------------- */

static uint64_t key_at(const struct ramet_seen *t)
{
	return t->at;
}

static uint64_t key_id(const struct ramet_seen *t)
{
	return (uint64_t)t->loop << 48 ^ t->id;
}

static uint64_t key_lot(const struct ramet_seen *t)
{
	return t->lot_id;
}

typedef uint64_t key_fn(const struct ramet_seen *);

static uint32_t *place_of(const struct sight *s, const struct sight_index *i,
			  key_fn *key, uint64_t value)
{
	size_t at = (size_t)(value * UINT64_C(0x9e3779b97f4a7c15) >> 20);

	for (at &= i->size - 1; i->table[at]; at = (at + 1) & (i->size - 1))
		if (key(&s->ramets[i->table[at] - 1]) == value)
			break;
	return &i->table[at];
}

static void build(struct sight *s, struct sight_index *i, key_fn *key)
{
	i->size = 64;
	while (i->size < 2 * s->ramet_count)
		i->size *= 2;
	i->table = need(calloc(i->size, sizeof *i->table));
	for (size_t n = 0; n < s->ramet_count; n++)
		*place_of(s, i, key, key(&s->ramets[n])) = (uint32_t)n + 1;
}

static const struct ramet_seen *found(const struct sight *s,
				      const struct sight_index *i, key_fn *key,
				      uint64_t value)
{
	uint32_t n = i->table ? *place_of(s, i, key, value) : 0;

	return n ? &s->ramets[n - 1] : NULL;
}

const struct ramet_seen *sight_at(const struct sight *s, uint64_t at)
{
	return at ? found(s, &s->by_at, key_at, at) : NULL;
}

const struct ramet_seen *sight_id(const struct sight *s, unsigned loop,
				  uint64_t id)
{
	struct ramet_seen wanted = {.loop = loop, .id = id};

	return id ? found(s, &s->by_id, key_id, key_id(&wanted)) : NULL;
}

const struct ramet_seen *sight_owner(const struct sight *s, uint32_t lot_id)
{
	return lot_id ? found(s, &s->by_lot, key_lot, lot_id) : NULL;
}

int64_t loop_lag(const struct sight *s, const struct loop_seen *l)
{
	return l->sleeping || s->taken < l->looked ? 0 : s->taken - l->looked;
}

/* ---- all ----------------------------------------------------------------- */

void sight_open(struct sight *s, struct target *t)
{
	enum { MOST = sizeof s->layouts / sizeof *s->layouts };

	*s = (struct sight){.target = t};
	s->layout_count = layout_find(t, s->layouts, MOST);
	if (!s->layout_count)
		refuse(1,
		       "%s (process %d) does not use ramet, or a version "
		       "before "
		       "0.1: it has no .note.ramet; start it with \"ramet "
		       "run\", "
		       "or link it with libramet",
		       t->command, (int)t->pid);
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void forget(struct sight *s)
{
	free(s->loops);
	free(s->ramets);
	free(s->by_at.table);
	free(s->by_id.table);
	free(s->by_lot.table);
	s->by_at = s->by_id = s->by_lot = (struct sight_index){0};
	s->loops = NULL;
	s->ramets = NULL;
	s->loop_count = s->ramet_count = 0;
	s->damage[0] = '\0';
}

bool sight_take(struct sight *s, on_stack_fn *on_stack, void *arg)
{
	forget(s);
	s->taken = now_ns();
	for (size_t i = 0; i < s->layout_count; i++)
		read_loops(s, &s->layouts[i]);
	read_records(s, on_stack, arg);
	build(s, &s->by_at, key_at);
	build(s, &s->by_id, key_id);
	build(s, &s->by_lot, key_lot);
	return target_lives(s->target);
}

void sight_close(struct sight *s)
{
	forget(s);
}
