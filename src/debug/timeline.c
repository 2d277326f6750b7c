/* timeline.c - walks events, twice: names come last, when a ramet ends. */
#include "debug/timeline.h"

#include "kernel/kernel.h"

#include <string.h>

/* ---- who ---------------------------------------------------------------- */

static struct who **place(struct who **table, size_t size, uint64_t id)
{
	size_t at = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32);

	for (at &= size - 1; table[at] && table[at]->id != id;)
		at = (at + 1) & (size - 1);
	return &table[at];
}

static int grow(struct track *track)
{
	size_t size = track->who_size ? 2 * track->who_size : 256;
	struct who **table = kernel_alloc(size * sizeof(struct who *));

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < track->who_size; i++)
		if (track->who[i])
			*place(table, size, track->who[i]->id) = track->who[i];
	kernel_free(track->who);
	track->who = table;
	track->who_size = size;
	return 0;
}

struct who *ramet__track_who(struct track *track, uint64_t id)
{
	struct who **at;

	if (2 * track->who_count >= track->who_size && grow(track) < 0)
		return NULL;
	at = place(track->who, track->who_size, id);
	if (!*at) {
		*at = kernel_alloc(sizeof **at);
		if (!*at)
			return NULL;
		(*at)->id = id;
		track->who_count++;
	}
	return *at;
}

static struct who *known(const struct track *track, uint64_t id)
{
	return id ? *place(track->who, track->who_size, id) : NULL;
}

void ramet__track_close(struct track *track)
{
	for (size_t i = 0; i < track->who_size; i++)
		kernel_free(track->who[i]);
	kernel_free(track->who);
	track->who = NULL;
	track->who_size = track->who_count = 0;
}

/* ---- the first walk ----------------------------------------------------- */

/* By how much more ramets are ready after the event.  Who ran and has neither
 * parked nor ended when another runs is ready. */
static int ready_change(struct track *track, const struct record_event *e,
			struct who *w)
{
	int change = 0;

	switch (record_kind(e)) {
	case RECORD_SPAWN:
	case RECORD_WAKE:
		return 1;
	case RECORD_SWITCH:
		change = track->current ? 0 : -1;
		track->current = w;
		return change;
	case RECORD_PARK: /* or it was spawned so */
		change = track->current == w ? 0 : -1;
		break;
	case RECORD_END:
	case RECORD_GAP:
		break;
	default:
		return 0;
	}
	if (track->current == w || record_kind(e) == RECORD_GAP)
		track->current = NULL;
	return change;
}

static void learn(const struct record_event *e, struct who *w)
{
	if (record_kind(e) == RECORD_SPAWN)
		w->site = e->argument;
	else if (record_kind(e) == RECORD_END)
		w->fn = e->argument;
	else if (record_kind(e) == RECORD_NAME &&
		 record_detail(e) <= WHO_NAME - 8)
		memcpy(w->name + record_detail(e), &e->argument, 8);
	w->name[WHO_NAME - 1] = '\0';
}

/* Who reads a ring that is written, or written over, may find anything. */
static bool makes_sense(const struct record_event *e)
{
	switch (record_kind(e)) {
	case RECORD_SPAWN:
	case RECORD_SWITCH:
	case RECORD_PARK:
	case RECORD_WAKE:
	case RECORD_END:
	case RECORD_NAME:
		return record_ramet(e) != 0;
	default:
		return record_kind(e) < RECORD_KINDS;
	}
}

static void drop_odd(struct track *track)
{
	size_t n = 0;

	for (size_t i = 0; i < track->count; i++)
		if (makes_sense(&track->events[i]))
			track->events[n++] = track->events[i];
	track->count = n;
}

int ramet__track_open(struct track *track)
{
	drop_odd(track);
	track->current = NULL;
	track->ready = track->ready_least = 0;
	if (!track->who && grow(track) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < track->count; i++) {
		const struct record_event *e = &track->events[i];
		struct who *w = NULL;

		if (record_ramet(e)) {
			w = ramet__track_who(track, record_ramet(e));
			if (!w)
				return -ENOMEM;
			learn(e, w);
		}
		track->ready += ready_change(track, e, w);
		if (track->ready < track->ready_least)
			track->ready_least = track->ready;
	}
	return 0;
}

/* ---- the second --------------------------------------------------------- */

/* A clock that cannot be makes a time that can. */
int64_t ramet__track_time(const struct track *track, uint64_t clock)
{
	const double longest = 1e16; /* 115 days */
	double ns = (double)(int64_t)(clock - track->clock) * track->tick;

	if (!(ns > -longest))
		ns = -longest;
	if (ns > longest)
		ns = longest;
	return track->time + (int64_t)ns;
}

static void stop(struct track *track, const struct view *view, void *arg,
		 int64_t now, enum stop why)
{
	if (track->current && view->stop)
		view->stop(arg, track, track->current, now, why);
}

/* Before an event: the run that it ends. */
static void stop_before(struct track *track, const struct view *view, void *arg,
			const struct record_event *e, const struct who *w,
			int64_t now)
{
	if (record_kind(e) == RECORD_GAP) {
		stop(track, view, arg, track->last, STOP_LOST);
	} else if (record_kind(e) == RECORD_SWITCH && track->current) {
		stop(track, view, arg, now, STOP_YIELD);
		track->current->ready = now;
		track->current->yielded = true;
	} else if (w == track->current && record_kind(e) == RECORD_PARK) {
		track->current->wait = (uint8_t)record_detail(e);
		track->current->object = e->argument;
		stop(track, view, arg, now, STOP_PARK);
	} else if (w == track->current && record_kind(e) == RECORD_END) {
		stop(track, view, arg, now, STOP_END);
	}
}

static void remember(const struct record_event *e, struct who *w, int64_t now)
{
	if (record_kind(e) == RECORD_PARK) {
		w->parked = now;
		w->ready = 0;
		w->waker = 0;
		w->wait = (uint8_t)record_detail(e);
		w->object = e->argument;
		w->yielded = false;
	} else if (record_kind(e) == RECORD_WAKE) {
		w->ready = now;
		w->waker = e->argument;
	} else if (record_kind(e) == RECORD_SPAWN) {
		w->ready = now;
	}
}

/* What was known of ramets' waits may be wrong. */
static void forget_waits(struct track *track)
{
	for (size_t i = 0; i < track->who_size; i++)
		if (track->who[i]) {
			track->who[i]->parked = track->who[i]->ready = 0;
			track->who[i]->waker = 0;
			track->who[i]->yielded = false;
		}
}

static void step(struct track *track, const struct view *view, void *arg,
		 const struct record_event *e)
{
	struct who *w = known(track, record_ramet(e));
	int64_t now = ramet__track_time(track, e->clock);
	int change;

	if (now < track->last)
		now = track->last;
	stop_before(track, view, arg, e, w, now);
	track->last = now;
	if (record_kind(e) == RECORD_GAP)
		forget_waits(track);
	if (view->event)
		view->event(arg, track, e, w, now);
	if (w)
		remember(e, w, now);
	change = ready_change(track, e, w);
	track->ready += change;
	if (record_kind(e) == RECORD_SWITCH && view->run)
		view->run(arg, track, w, now);
	if (record_kind(e) == RECORD_SWITCH) {
		w->parked = w->ready = 0;
		w->waker = 0;
		w->yielded = false;
	}
	if (change && view->ready)
		view->ready(arg, track, now);
}

void ramet__track_walk(struct track *track, const struct view *view, void *arg)
{
	forget_waits(track); /* an earlier walk's */
	track->ready = -track->ready_least;
	track->current = NULL;
	track->last = INT64_MIN;
	for (size_t i = 0; i < track->count; i++)
		step(track, view, arg, &track->events[i]);
	stop(track, view, arg, track->last, STOP_LOST);
	track->current = NULL;
}
