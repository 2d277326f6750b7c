/* sim.h - the simulated kernel, as tests drive it.
 *
 * Time, sockets, pipes, latency, the choice of who runs next and what fails are
 * all drawn from one seed, so the same seed replays the same run.  Descriptors
 * it made are numbered from SIM_FD_FIRST on, lowest free first; calls on others
 * go to the real kernel.  One run at a time in a process, all its loops in one
 * OS thread.
 */
#ifndef KERNEL_SIM_H
#define KERNEL_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel;

enum { SIM_FD_FIRST = 1024 };

/* What may be done to a program; only what Linux may do. */
enum sim_fault {
	/* Those the program has to report to somebody. */
	SIM_RESET,  /* a TCP connection breaks */
	SIM_ABORT,  /* a connection breaks before it is accepted */
	SIM_REFUSE, /* nobody is there to connect to */
	SIM_NO_FDS, /* EMFILE */
	SIM_NO_MEMORY,
	SIM_NO_MAP,   /* no address space */
	SIM_NO_WATCH, /* no memory to watch one more descriptor */
	SIM_NO_HELPER,
	SIM_ERRORS,
	/* Those that should not be noticed. */
	SIM_EINTR = SIM_ERRORS,
	SIM_SHORT, /* less is read, written or sent at once than could be */
	SIM_FALLIBLE,
	SIM_SLOW = SIM_FALLIBLE, /* connecting takes seconds */
	SIM_HOLD,                /* an event is reported later */
	SIM_SPURIOUS,            /* an event is reported again */
	SIM_FAULTS
};

struct sim_faults {
	uint32_t ppm[SIM_FAULTS]; /* of a million chances, how many are taken */
	uint64_t only; /* 0, or fail this one chance, counted from 1 */
};

struct sim_counts {
	uint64_t faults[SIM_FAULTS];
	uint64_t errors;   /* of these, how many somebody may notice */
	uint64_t fallible; /* chances below SIM_FALLIBLE */
	uint64_t steps;    /* calls, choices and waits */
	int64_t live;      /* allocations */
	int64_t mapped;    /* bytes of address space */
	int descriptors;
};

/* Make the simulated kernel the one in use.  Faults NULL: none, and a calm
 * world (large buffers, fine clock); else buffers, latency, clock and order
 * vary with the seed too. */
void sim_begin(uint64_t seed, const struct sim_faults *faults);

/* The same, for whoever has chosen this kernel already, and in an open world:
 * there may be other descriptors, OS threads and signals. */
void sim_start(uint64_t seed, const struct sim_faults *faults);

/* For programs without a seed: those that are ready run in turn, as ever. */
extern const struct kernel ramet__sim_in_order;

/* What is left goes; the kernel of before is back. */
void sim_end(void);

/* Faults for a seed: some seeds have none, the others each their own kinds and
 * rates.  A. Groce and others, "Swarm testing" (2012). */
void sim_swarm(uint64_t seed, struct sim_faults *faults);

/* What happens, with a number: */
enum sim_event {
	SIM_PICKED,   /* which of those that were ready */
	SIM_CALLED,   /* number << 48 | descriptor << 32 | result */
	SIM_REPORTED, /* descriptor << 32 | events */
	SIM_WAITED,   /* the time */
	SIM_HELPED,   /* the time */
	SIM_FAULTED,  /* enum sim_fault */
};

/* Called for each, if not NULL. */
extern void (*sim_on_event)(int64_t time, enum sim_event what, uint64_t value);

/* Over all that has happened so far, by ordinals, never by addresses. */
uint64_t sim_hash(void);

const struct sim_counts *sim_counts(void);

/* A number below n for the program that is run; part of the seed's world, but
 * of a sequence of its own. */
uint32_t sim_random(uint32_t n);

/* Print what is allocated, mapped or open to standard error. */
void sim_print_left(void);

/* Called for what no correct runtime lets happen: a call that would block the
 * loop, or a wait that nothing can end.  NULL: print it, and exit with status
 * SIM_EXIT_STUCK or SIM_EXIT_STEPS. */
extern void (*sim_on_violation)(const char *what);

enum { SIM_EXIT_STUCK = 97, SIM_EXIT_STEPS = 98 };

#endif
