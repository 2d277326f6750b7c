/* sim_time.c - a clock that moves by what is done, and jumps when nobody has
 * anything to do.
 *
 * Reading it takes time too, or a program that waits by looking at the clock
 * would wait for ever.  What is read is cut to the seed's quantum.
 */
#include "kernel/sim_state.h"

enum { READING_NS = 50 };

int64_t sim_clock(void)
{
	return SIM->time - SIM->time % SIM->quantum;
}

int64_t sim_now(void)
{
	sim_step();
	SIM->time += READING_NS;
	return sim_clock();
}

/* To the first moment at which the clock reads `until`. */
void sim_advance(int64_t until)
{
	int64_t over = until % SIM->quantum;

	if (over)
		until = time_add(until, SIM->quantum - over);
	if (until > SIM->time)
		SIM->time = until;
}

int64_t sim_after_latency(void)
{
	return SIM->time + 1 + sim_below(SIM_BY_WORLD, (uint32_t)SIM->latency);
}
