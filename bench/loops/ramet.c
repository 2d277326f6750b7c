/* ramet.c - what it costs to reach another loop: wall clock time, two CPUs.
 *
 * go      functions sent to another loop, each run there as a ramet
 * post    bare mail, which is what everything else that crosses is made of
 * trip    there and back, while both loops have nothing else to do
 * busy    there and back, while ramets in both take turns all the time
 */
#include <ramet.h>

#include "core/core.h"
#include "task/gate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 1024 };

static struct ramet_loop *here, *there;
static struct ramet_event ended;
static struct ramet_waker *room;
static uint64_t total, count; /* count: atomic, how many have arrived */
static int64_t begun;

static void print(const char *name)
{
	printf("%s %.1f ns\n", name,
	       (double)(kernel_now() - begun) / (double)total);
}

static void *tell(void *arg)
{
	ramet_event_set(&ended);
	return arg;
}

/* ---- go ----------------------------------------------------------------- */

/* The sender sleeps while WINDOW of them are under way, as with Go's channel,
 * and is told when half of them have arrived. */
static void arrived(void)
{
	uint64_t n = __atomic_add_fetch(&count, 1, __ATOMIC_RELEASE);

	if (n % (WINDOW / 2) == 0)
		ramet_waker_wake(room);
	if (n == total)
		ramet_loop_go(here, tell, NULL);
}

static void wait_for_room(uint64_t sent)
{
	static uint64_t arrived_before;

	if (sent == 0)
		arrived_before = 0;
	while (sent - arrived_before >= WINDOW) {
		arrived_before = __atomic_load_n(&count, __ATOMIC_ACQUIRE);
		if (sent - arrived_before >= WINDOW)
			ramet_waker_wait(room);
	}
}

static void *receive(void *arg)
{
	arrived();
	return arg;
}

static void go(void)
{
	for (uint64_t i = 0; i < total; i++) {
		wait_for_room(i);
		ramet_loop_go(there, receive, NULL);
	}
}

/* ---- post --------------------------------------------------------------- */

static void on_mail(struct loop *l, struct mail *mail)
{
	(void)l, (void)mail;
	arrived();
}

static void post(void)
{
	static struct mail mails[WINDOW];

	for (uint64_t i = 0; i < total; i++) {
		struct mail *m = &mails[i % WINDOW];

		wait_for_room(i);
		m->deliver = on_mail;
		ramet__post(there->loop, m);
	}
}

/* ---- trip --------------------------------------------------------------- */

static void *back(void *arg);

static void *forth(void *arg)
{
	ramet_loop_go(here, back, arg);
	return arg;
}

static void *back(void *arg)
{
	if (++count == total)
		return tell(arg);
	ramet_loop_go(there, forth, arg);
	return arg;
}

static void trip(void)
{
	ramet_loop_go(there, forth, NULL);
}

/* ---- busy --------------------------------------------------------------- */

static bool busy; /* atomic */

static void *spin(void *arg)
{
	while (__atomic_load_n(&busy, __ATOMIC_RELAXED))
		ramet_yield();
	return arg;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
		uint64_t total;
	} benches[] = {{"go", go, 3000000},
		       {"post", post, 10000000},
		       {"trip", trip, 100000},
		       {"busy", trip, 20000}};

	if (ramet_loops_start(2) < 2)
		return 1;
	room = ramet_waker_new();
	here = ramet_loop_at(0);
	there = ramet_loop_at(1);
	for (size_t i = 0; i < sizeof benches / sizeof *benches; i++) {
		if (argc > 1 && strcmp(argv[1], benches[i].name) != 0)
			continue;
		ended = (struct ramet_event){0};
		total = benches[i].total;
		count = 0;
		busy = benches[i].name[0] == 'b';
		ramet_go(NULL, spin, NULL);
		ramet_loop_go(there, spin, NULL);
		begun = kernel_now();
		benches[i].run();
		ramet_event_wait(&ended);
		print(benches[i].name);
		busy = false;
	}
	ramet_waker_free(room);
	return ramet_loops_stop() < 0;
}
