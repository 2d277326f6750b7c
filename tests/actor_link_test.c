/* Links and monitors: who is concerned hears of an end, and nobody else. */
#include "actors.h"
#include "ramet.h"
#include "ramets.h"
#include "thread.h"

#include <string.h>

static int idles(struct ramet_actor *me, void *status)
{
	while (ramet_receive(me, NULL, 0) == 0)
		;
	return status ? *(int *)status : 0;
}

/* Links itself to what it is given, and idles. */
static int links_to(struct ramet_actor *me, void *a)
{
	CHECK_EQ(ramet_actor_link(me, a), 0);
	CHECK_EQ(ramet_actor_link(me, a), 0); /* that is once */
	return idles(me, NULL);
}

static int crash = 5;

TEST(a_crash_is_the_other_ones_too)
{
	struct ramet_actor *a = start(idles, &crash);
	struct ramet_actor *b = start(links_to, a);

	let_run();
	CHECK_EQ(stop(a), 5);
	CHECK_EQ(finish(b), RAMET_WAS_LINKED);
	a = start(idles, NULL);
	b = start(links_to, a);
	let_run();
	ramet_actor_kill(b);
	CHECK_EQ(finish(b), RAMET_WAS_KILLED);
	CHECK_EQ(finish(a), RAMET_WAS_LINKED);
}

TEST(a_chain_of_links_falls)
{
	struct ramet_actor *a[5] = {start(idles, &crash)};

	for (int i = 1; i < 5; i++)
		a[i] = start(links_to, a[i - 1]);
	let_run();
	ramet_actor_kill(a[2]);
	CHECK_EQ(finish(a[2]), RAMET_WAS_KILLED);
	for (int i = 0; i < 5; i++)
		if (i != 2)
			CHECK_EQ(finish(a[i]), RAMET_WAS_LINKED);
}

TEST(a_normal_end_undoes_the_link)
{
	struct ramet_actor *a = start(idles, NULL);
	struct ramet_actor *b = start(links_to, a);

	let_run();
	CHECK_EQ(stop(a), 0);
	let_run();
	CHECK_EQ(ramet_tell(b, NULL, 0), 0);
	CHECK_EQ(stop(b), 0);
}

static int links_and_unlinks(struct ramet_actor *me, void *a)
{
	CHECK_EQ(ramet_actor_link(me, a), 0);
	CHECK_EQ(ramet_actor_unlink(me, a), 0);
	CHECK_EQ(ramet_actor_unlink(me, a), 0);
	CHECK_EQ(ramet_actor_link(me, me), 0); /* means nothing */
	return idles(me, NULL);
}

TEST(unlinked_is_unlinked)
{
	struct ramet_actor *a = start(idles, &crash);
	struct ramet_actor *b = start(links_and_unlinks, a);

	let_run();
	CHECK_EQ(stop(a), 5);
	let_run();
	CHECK_EQ(stop(b), 0);
}

TEST(a_link_to_the_dead_is_a_crash)
{
	struct ramet_actor *a = start(idles, NULL);
	struct ramet_actor *b;

	let_run();
	ramet_actor_stop(a);
	CHECK_EQ(end_of(a), 0);
	b = start(links_to, a);
	CHECK_EQ(finish(b), RAMET_WAS_LINKED);
	ramet_actor_release(a);
}

/* ---- messages about ends ------------------------------------------------ */

struct seen {
	struct ramet_actor *of;
	uint64_t tag;
	struct ramet_exit what;
	int times;
};

static void see(struct ramet_actor *me, struct seen *s)
{
	CHECK_EQ(ramet_receive(me, &s->what, sizeof s->what), sizeof s->what);
	s->tag = ramet_actor_tag(me);
	CHECK(ramet_actor_sender(me) == s->what.actor);
	s->times++;
}

static int traps(struct ramet_actor *me, void *seen)
{
	struct seen *s = seen;

	CHECK_EQ(ramet_actor_link(me, s->of), 0);
	see(me, s);
	return idles(me, NULL);
}

TEST(a_crash_may_be_a_message)
{
	struct seen s = {.of = start(idles, &crash)};
	struct ramet_actor *a =
		start_with(traps, &s,
			   (struct ramet_actor_opts){.traps_exits = 1});

	let_run();
	ramet_actor_stop(s.of);
	CHECK_EQ(end_of(s.of), 5);
	let_run();
	CHECK_EQ(s.times, 1);
	CHECK_EQ(s.tag, RAMET_TAG_EXIT);
	CHECK(s.what.actor == s.of);
	CHECK_EQ(s.what.status, 5);
	CHECK_EQ(s.what.restarts, 0);
	CHECK_EQ(stop(a), 0);
	ramet_actor_release(s.of);
}

static int watches(struct ramet_actor *me, void *seen)
{
	struct seen *s = seen;

	CHECK_EQ(ramet_actor_monitor(me, s->of), 0);
	CHECK_EQ(ramet_actor_monitor(me, s->of), 0); /* that is once */
	see(me, s);
	return idles(me, NULL);
}

static void watch(int *status)
{
	struct seen s = {.of = start(idles, status)};
	struct ramet_actor *a = start(watches, &s);

	let_run();
	ramet_actor_stop(s.of);
	CHECK_EQ(end_of(s.of), status ? *status : 0);
	let_run();
	CHECK_EQ(s.times, 1);
	CHECK_EQ(s.tag, RAMET_TAG_DOWN);
	CHECK(s.what.actor == s.of);
	CHECK_EQ(s.what.status, status ? *status : 0);
	CHECK_EQ(s.what.restarts, 0);
	CHECK_EQ(stop(a), 0);
	ramet_actor_release(s.of);
}

TEST(a_monitor_is_told_of_each_end)
{
	watch(NULL);
	watch(&crash);
}

TEST(a_monitor_of_the_dead_is_told_at_once)
{
	struct seen s = {.of = start(idles, &crash)};
	struct ramet_actor *a;

	let_run();
	ramet_actor_stop(s.of);
	CHECK_EQ(end_of(s.of), 5);
	a = start(watches, &s);
	let_run();
	CHECK_EQ(s.times, 1);
	CHECK_EQ(s.what.status, 5);
	CHECK_EQ(stop(a), 0);
	ramet_actor_release(s.of);
}

static int watches_no_more(struct ramet_actor *me, void *a)
{
	CHECK_EQ(ramet_actor_monitor(me, a), 0);
	CHECK_EQ(ramet_actor_demonitor(me, a), 0);
	CHECK_EQ(ramet_actor_demonitor(me, a), 0);
	CHECK_ERR(ramet_receive(me, NULL, 0), ECANCELED);
	return 0;
}

TEST(who_watches_no_more_is_not_told)
{
	struct ramet_actor *a = start(idles, &crash);
	struct ramet_actor *b = start(watches_no_more, a);

	let_run();
	CHECK_EQ(stop(a), 5);
	let_run();
	CHECK_EQ(stop(b), 0);
}

static int watches_in_a_full_room(struct ramet_actor *me, void *seen)
{
	struct seen *s = seen;

	CHECK_EQ(ramet_actor_monitor(me, s->of), 0);
	RAMET_SHIELD(RAMET_SEC)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	CHECK_EQ(ramet_receive(me, NULL, 0), 0);
	see(me, s);
	return 0;
}

TEST(a_full_mailbox_has_room_for_an_end)
{
	struct seen s = {.of = start(idles, &crash)};
	struct ramet_actor *a =
		start_with(watches_in_a_full_room, &s,
			   (struct ramet_actor_opts){.mailbox = 1});

	CHECK_EQ(ramet_tell(a, NULL, 0), 0);
	let_run();
	CHECK_EQ(stop(s.of), 5);
	CHECK_EQ(finish(a), 0);
	CHECK_EQ(s.times, 1);
}

TEST(who_watches_may_end_first)
{
	struct seen s = {.of = start(idles, &crash)};
	struct ramet_actor *a = start(watches, &s);

	let_run();
	ramet_actor_kill(a);
	CHECK_EQ(finish(a), RAMET_WAS_KILLED);
	CHECK_EQ(stop(s.of), 5);
	CHECK_EQ(s.times, 0);
}

static int watches_many(struct ramet_actor *me, void *of)
{
	struct ramet_actor **all = of;
	struct ramet_exit end;

	for (int i = 0; i < 100; i++)
		CHECK_EQ(ramet_actor_monitor(me, all[i]), 0);
	for (int i = 0; i < 50; i++)
		CHECK_EQ(ramet_actor_demonitor(me, all[2 * i]), 0);
	for (int i = 0; i < 50; i++) {
		CHECK_EQ(ramet_receive(me, &end, sizeof end), sizeof end);
		CHECK(end.actor == all[2 * i + 1]);
	}
	return 0;
}

TEST(one_may_watch_many)
{
	struct ramet_actor *all[100], *a;

	for (int i = 0; i < 100; i++)
		all[i] = start(idles, NULL);
	a = start(watches_many, all);
	let_run();
	for (int i = 0; i < 100; i++) {
		ramet_actor_stop(all[i]);
		CHECK_EQ(end_of(all[i]), 0);
	}
	CHECK_EQ(finish(a), 0);
	for (int i = 0; i < 100; i++)
		ramet_actor_release(all[i]);
}
