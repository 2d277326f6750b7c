/* record.h - what the recorder writes, as it lies in memory: tools read it from
 * outside as well.  RECORD_FORMAT changes with it. */
#ifndef BASE_RECORD_H
#define BASE_RECORD_H

#include <stdint.h>

enum { RECORD_FORMAT = 1 };

/* What happened, to which ramet, and what `argument` and `detail` say. */
enum record_kind {
	RECORD_GAP,    /* events were lost here; so many */
	RECORD_SPAWN,  /* it was made; the spawn site */
	RECORD_SWITCH, /* it runs from now on */
	RECORD_PARK,   /* it waits: the object; detail: for what */
	RECORD_WAKE,   /* it is ready; who did that, 0: the loop */
	RECORD_END,    /* it has ended; its function */
	RECORD_NAME,   /* 8 bytes of its name; detail: from which on */
	RECORD_TURN,   /* the loop looks at mail and timers */
	RECORD_WAIT,   /* the loop asks the kernel, and waits so many ns */
	RECORD_WAITED, /* which had so many events, or -errno */
	RECORD_WATCH,  /* a descriptor is to be reported; its number */
	RECORD_EVENT,  /* it was: the number; detail: EPOLLIN | EPOLLOUT ... */
	RECORD_TIMER,  /* the ramet's timer was due */
	RECORD_SEND,   /* work for a helper thread or the kernel sets out */
	RECORD_BACK,   /* and is back */
	RECORD_KINDS
};

struct record_event {
	uint64_t clock; /* ticks: see struct record */
	uint64_t argument;
	uint64_t what; /* kind, detail, and the ramet's number; 0: none */
};

static inline uint64_t record_what(enum record_kind kind, unsigned detail,
				   uint64_t ramet)
{
	return (uint64_t)kind | (uint64_t)(uint8_t)detail << 8 | ramet << 16;
}

static inline enum record_kind record_kind(const struct record_event *e)
{
	return (enum record_kind)(uint8_t)e->what;
}

static inline unsigned record_detail(const struct record_event *e)
{
	return (uint8_t)(e->what >> 8);
}

static inline uint64_t record_ramet(const struct record_event *e)
{
	return e->what >> 16;
}

/* Ticks are those of the processor's clock if `ticks` is set, else ns. Event n
 * is in events[n & mask] until event n + mask + 1 is written. */
struct record {
	uint32_t format, ticks;
	uint64_t mask;
	uint64_t written; /* atomic: how many */
	uint64_t clock;   /* when the recording began, by both clocks */
	int64_t time;
	uint32_t idle; /* for the recorder: nobody runs */
	struct record_event events[];
};

#endif
