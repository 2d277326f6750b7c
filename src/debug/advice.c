/* advice.c - what most often leads to a deadlock of each kind, in a sentence.
 */
#include "debug/graph.h"

#define BIT(wait) (1ull << (wait))

static const struct {
	uint64_t kinds;
	const char *text;
} advice[] = {
	{BIT(WAIT_JOIN) | BIT(WAIT_GROUP) | BIT(WAIT_JOBS) |
		 BIT(WAIT_HOST_JOIN),
	 "who waits for others to end must hold or owe nothing that they wait "
	 "for"},
	{BIT(WAIT_PLACE),
	 "a job that needs a place in its own pool waits for itself: give it "
	 "another pool, or use ramet_pool_tryspawn"},
	{BIT(WAIT_MUTEX) | BIT(WAIT_LOT) | BIT(WAIT_HOST_LOCK),
	 "unlock on every way out of whoever locked, before it ends or waits "
	 "for others"},
	{BIT(WAIT_RDLOCK) | BIT(WAIT_WRLOCK),
	 "a reader cannot become the writer: it has to unlock first, and "
	 "everybody on every way out"},
	{BIT(WAIT_ONCE), "the function of a once must not need that once"},
	{BIT(WAIT_COND),
	 "signal a condition at each change of what is waited for, and look at "
	 "that before waiting"},
	{BIT(WAIT_SEM),
	 "post a semaphore once for each wait, also on the ways out that fail"},
	{BIT(WAIT_EVENT) | BIT(WAIT_FUTURE),
	 "set an event or a future on every way out of who is to set it"},
	{BIT(WAIT_WG),
	 "each ramet_wg_add needs as many calls of ramet_wg_done, "
	 "also on the ways out that fail"},
	{BIT(WAIT_SEND) | BIT(WAIT_RECV) | BIT(WAIT_SELECT),
	 "close a channel when its last sender is done, and receive until it "
	 "is closed"},
	{BIT(WAIT_BARRIER),
	 "as many must come to a barrier as it was made for"},
	{BIT(WAIT_PUT) | BIT(WAIT_GET) | BIT(WAIT_DONE),
	 "close a queue when nothing more is put, get until it is closed, and "
	 "tell it of each item that is done"},
	{BIT(WAIT_ACTOR),
	 "an actor that waits for an answer handles no message: it must not "
	 "ask who asks it"},
};

void ramet__graph_advise(struct graph *g,
			 void (*put)(struct graph *g, const char *text))
{
	if (g->crosswise)
		put(g, "lock in the same order everywhere, and wait for nobody "
		       "while holding a lock that he may need");
	for (size_t i = 0; i < sizeof advice / sizeof *advice; i++)
		if (g->kinds & advice[i].kinds)
			put(g, advice[i].text);
}
