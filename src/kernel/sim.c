/* sim.c - a kernel drawn from a seed: its beginning and end, its random
 * numbers, its faults, and the hash over what has happened.
 *
 * Four sequences of random numbers are kept apart, so that a program that asks
 * for one more number, or a fault that is switched off, changes nothing else.
 */
#include "kernel/launch.h"
#include "kernel/sim_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 20 * 1000 * 1000 };

struct sim *ramet__sim_state;
void (*sim_on_violation)(const char *what);
void (*sim_on_event)(int64_t time, enum sim_event what, uint64_t value);

static const struct kernel *before;

/* ---- random numbers ----------------------------------------------------- */

/* Multiply and shift: no division, and the bias is below 2^-32. */
uint32_t sim_below(enum sim_stream stream, uint32_t n)
{
	uint64_t r = random_next(&SIM->random[stream]) >> 32;

	return (uint32_t)(r * n >> 32);
}

uint32_t sim_random(uint32_t n)
{
	return sim_below(SIM_BY_PROGRAM, n);
}

static bool taken(enum sim_fault fault)
{
	uint32_t ppm = SIM->faults.ppm[fault];

	if (fault < SIM_FALLIBLE) {
		SIM->counts.fallible++;
		if (SIM->faults.only)
			return SIM->counts.fallible == SIM->faults.only;
	}
	return ppm && sim_below(SIM_BY_FAULTS, 1000000) < ppm;
}

bool sim_fault(enum sim_fault fault)
{
	if (likely(!taken(fault)))
		return false;
	SIM->counts.faults[fault]++;
	SIM->counts.errors += fault < SIM_ERRORS;
	sim_trace(SIM_FAULTED, fault);
	return true;
}

void sim_swarm(uint64_t seed, struct sim_faults *faults)
{
	static const uint32_t most[SIM_FAULTS] = {
		[SIM_RESET] = 10000,     [SIM_ABORT] = 100000,
		[SIM_REFUSE] = 100000,   [SIM_NO_FDS] = 100000,
		[SIM_NO_MEMORY] = 30000, [SIM_NO_MAP] = 200000,
		[SIM_NO_WATCH] = 30000,  [SIM_NO_HELPER] = 200000,
		[SIM_EINTR] = 100000,    [SIM_SHORT] = 500000,
		[SIM_SLOW] = 200000,     [SIM_HOLD] = 300000,
		[SIM_SPURIOUS] = 300000,
	};
	uint64_t state = seed ^ 0x5377a7b6;
	bool errors = random_next(&state) % 4; /* a quarter has none */

	*faults = (struct sim_faults){0};
	for (int i = 0; i < SIM_FAULTS; i++) {
		bool on = random_next(&state) & 1;
		uint32_t rate = (uint32_t)(random_next(&state) % most[i]);

		if (on && (errors || i >= SIM_ERRORS))
			faults->ppm[i] = rate;
	}
}

/* ---- what happened ------------------------------------------------------ */

void sim_trace(enum sim_event what, uint64_t value)
{
	uint64_t h = SIM->hash ^ value;

	if (unlikely(sim_on_event != NULL))
		sim_on_event(SIM->time, what, value);
	SIM->hash = random_next(&h) ^ what;
}

uint64_t sim_hash(void)
{
	return SIM->hash;
}

const struct sim_counts *sim_counts(void)
{
	return &SIM->counts;
}

void sim_violation(int status, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (sim_on_violation)
		sim_on_violation(text);
	fprintf(stderr, "ramet: seed %llu of the simulation: %s\n",
		(unsigned long long)SIM->seed, text);
	exit(status);
}

/* A run that goes on and on is caught by its steps, not by a real clock. */
void sim_step(void)
{
	if (unlikely(++SIM->counts.steps == SIM->steps_max))
		sim_violation(SIM_EXIT_STEPS, "no end after %llu steps",
			      (unsigned long long)SIM->steps_max);
}

/* Who runs next: mostly any, in some worlds mostly the first or the last. */
static uint32_t sim_pick(uint32_t n)
{
	uint32_t chosen = sim_below(SIM_BY_SCHEDULE, n);

	sim_step();
	if (SIM->policy != SIM_ANY && sim_below(SIM_BY_SCHEDULE, 8))
		chosen = SIM->policy == SIM_FIRST ? 0 : n - 1;
	sim_trace(SIM_PICKED, chosen);
	return chosen;
}

/* ---- beginning and end -------------------------------------------------- */

/* The same for every seed unless there may be faults. */
static void calm(struct sim *s)
{
	s->quantum = 1;
	s->latency = 1;
	s->room = 1 << 16;
	s->messages = 256;
	s->backlog = 4096;
	s->policy = SIM_FIRST;
}

/* Events that fall together show what comes of their order: hence the coarse
 * clocks.  Buffers of a few bytes show what comes of partial writes. */
static void weather(struct sim *s)
{
	static const int64_t quanta[] = {1, RAMET_MS / 10, RAMET_MS,
					 10 * RAMET_MS};
	static const size_t rooms[] = {16, 100, 1024, 1 << 13, 1 << 16};

	s->quantum = quanta[sim_below(SIM_BY_WORLD, countof(quanta))];
	s->latency = 1 + (int64_t)sim_below(SIM_BY_WORLD, 5 * RAMET_MS);
	s->room = rooms[sim_below(SIM_BY_WORLD, countof(rooms))];
	s->messages = 1 + sim_below(SIM_BY_WORLD, 16);
	s->backlog = 1 + (int)sim_below(SIM_BY_WORLD, 32);
	switch (sim_below(SIM_BY_WORLD, 8)) {
	case 0:
		s->policy = SIM_FIRST;
		break;
	case 1:
		s->policy = SIM_LAST;
		break;
	}
}

/* The table of descriptors is large, and is kept. */
static void reset(struct sim *s)
{
	memset(s, 0, offsetof(struct sim, fds));
	s->lowest = s->top = SIM_FD_FIRST;
}

void sim_start(uint64_t seed, const struct sim_faults *faults)
{
	static struct sim state;
	uint64_t mix = seed;

	SIM = &state;
	reset(SIM);
	SIM->seed = SIM->hash = seed;
	for (int i = 0; i < SIM_STREAMS; i++)
		SIM->random[i] = random_next(&mix);
	SIM->time = RAMET_SEC;
	if (faults) {
		SIM->faults = *faults;
		weather(SIM);
	} else {
		calm(SIM);
	}
}

void sim_begin(uint64_t seed, const struct sim_faults *faults)
{
	kernel_choose();
	sim_start(seed, faults);
	SIM->closed_world = true;
	SIM->steps_max = STEPS_MAX;
	if (ramet__kernel != &ramet__sim)
		before = ramet__kernel;
	ramet__kernel = &ramet__sim;
}

void sim_end(void)
{
	for (int fd = 0; fd < SIM->top; fd++)
		if (SIM->fds[fd])
			sim_fd_close(fd);
	while (SIM->helpers) {
		struct sim_helper *h = SIM->helpers;

		SIM->helpers = h->next;
		free(h);
	}
	if (before)
		ramet__kernel = before;
}

void sim_print_left(void)
{
	for (int fd = 0; fd < SIM->top; fd++)
		if (SIM->fds[fd])
			fprintf(stderr, "descriptor %d, of kind %d, is open\n",
				fd, SIM->fds[fd]->kind);
	sim_print_memory();
}

/* ---- the door ----------------------------------------------------------- */

#define SIMULATED(choose)                                                      \
	{                                                                      \
		.name = "sim", .call = sim_call, .now = sim_now,               \
		.alloc = sim_alloc, .free = sim_free, .pick = (choose),        \
		.open = sim_open, .close = sim_close, .abandon = sim_close,    \
		.watch = sim_watch,                                            \
		.unwatch = sim_unwatch, .wait = sim_wait, .wake = sim_wake,    \
		.run = sim_run, .alone = sim_alone, .recall = sim_recall,      \
		.launch = kernel_real_launch,                                  \
	}

const struct kernel ramet__sim = SIMULATED(sim_pick);
const struct kernel ramet__sim_in_order = SIMULATED(NULL);
