/* ticker.h - a ramet that ticks as long as nobody keeps the loop. */
#ifndef TICKER_H
#define TICKER_H

#include "ramets.h"

static int ticks;

static inline void *tick(void *unused)
{
	while (ramet_sleep(RAMET_MS) == 0)
		ticks++;
	return unused;
}

static inline struct ramet *start_ticker(void)
{
	return spawn(tick, NULL);
}

static inline void stop_ticker(struct ramet *ticker)
{
	CHECK_EQ(ramet_cancel(ticker), 0);
	join(ticker);
}

#endif
