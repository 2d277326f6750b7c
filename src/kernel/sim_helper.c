/* sim_helper.c - helper threads, without threads: a job runs when its time has
 * come and nobody else runs. */
#include "kernel/sim_state.h"

#include <stdlib.h>

void sim_run_helpers(int64_t *next)
{
	struct sim_helper **link = &SIM->helpers, *h;

	while ((h = *link)) {
		if (h->at > SIM->time) {
			sim_sooner(next, h->at);
			link = &h->next;
			continue;
		}
		*link = h->next;
		sim_trace(SIM_HELPED, (uint64_t)SIM->time);
		h->job->run(h->job);
		h->job->done(h->job);
		free(h);
	}
}

int sim_run(struct kernel_job *job)
{
	struct sim_helper *h, **end = &SIM->helpers;

	if (sim_fault(SIM_NO_HELPER))
		return -EAGAIN;
	h = calloc(1, sizeof *h);
	if (!h)
		abort();
	h->job = job;
	h->at = sim_after_latency();
	while (*end)
		end = &(*end)->next;
	*end = h;
	return 0;
}

/* Some have their turn: they are in the middle of it. */
bool sim_recall(struct kernel_job *job)
{
	struct sim_helper **link = &SIM->helpers, *h;

	while ((h = *link) && h->job != job)
		link = &h->next;
	if (!h || job->lane == LANE_NONE || sim_random(2))
		return false;
	*link = h->next;
	free(h);
	return true;
}
