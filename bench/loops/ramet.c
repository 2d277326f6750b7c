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
static uint64_t total, count, under_way; /* under_way: atomic */
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

static void arrived(void)
{
	__atomic_sub_fetch(&under_way, 1, __ATOMIC_RELEASE);
	if (++count == total)
		ramet_loop_go(here, tell, NULL);
}

/* No more under way than Go's channel has room for. */
static void go_on(void)
{
	while (__atomic_load_n(&under_way, __ATOMIC_ACQUIRE) >= WINDOW)
		ramet_yield();
	__atomic_add_fetch(&under_way, 1, __ATOMIC_RELAXED);
}

static void *receive(void *arg)
{
	arrived();
	return arg;
}

static void go(void)
{
	for (uint64_t i = 0; i < total; i++) {
		go_on();
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

		go_on();
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
	return ramet_loops_stop() < 0;
}
