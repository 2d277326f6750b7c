/* actors.c - whatever crashes or is killed, no message to a living actor is
 * lost or comes twice, each question ends, and who watches hears of the end. */
#include "world.h"

enum { TELLERS = 3, TOLD = 6, QUESTION = 7 };

struct numbered {
	int from, n;
};

struct stage {
	struct ramet_actor *supervisor, *actor;
	struct ramet_child child;
	struct ramet_supervisor spec;
	int ids, next[TELLERS], told[TELLERS];
	bool over, heard;
};

/* ---- the actor ---------------------------------------------------------- */

static void take(struct ramet_actor *me, struct stage *s,
		 const struct numbered *m)
{
	int answer = m->n + 1;

	if (ramet_actor_tag(me) != QUESTION)
		REQUIRE(m->n == s->next[m->from]++,
			"a message was lost, or came twice");
	else if (roll(4))
		good(ramet_reply(me, &answer, sizeof answer), "replying");
}

static int act(struct ramet_actor *me, void *stage)
{
	struct stage *s = stage;
	struct numbered m;

	while (ramet_receive(me, &m, sizeof m) > 0) {
		take(me, s, &m);
		if (!roll(8) && !s->over)
			return 1;
		if (!roll(8))
			nap(RAMET_MS);
	}
	return (int)roll(2);
}

/* ---- those around it ---------------------------------------------------- */

static int64_t patience(void)
{
	return roll(4) ? PATIENCE : roll(RAMET_MS);
}

static void *teller(void *stage)
{
	struct stage *s = stage;
	struct numbered m = {s->ids++, 0};

	while (m.n < TOLD) {
		int64_t most = patience();
		int r = -1;

		RAMET_WITHIN(most)
			r = ramet_tell(s->actor, &m, sizeof m);
		if (r == 0)
			s->told[m.from] = ++m.n;
		else if ((most == PATIENCE || errno != ETIMEDOUT) &&
			 !good(r, "telling"))
			break;
	}
	return NULL;
}

static void *asker(void *stage)
{
	struct stage *s = stage;

	for (int i = 0; i < 4; i++) {
		struct numbered m = {-1, i};
		int64_t most = patience();
		int answer = -1;
		ssize_t r = -1;

		RAMET_WITHIN(most)
			r = ramet_ask_tag(s->actor, QUESTION, &m, sizeof m,
					  &answer, sizeof answer);
		if (r >= 0)
			REQUIRE(r == sizeof answer && answer == i + 1,
				"another's answer");
		else if (errno != ECONNRESET &&
			 (most == PATIENCE || errno != ETIMEDOUT))
			good(r, "asking");
	}
	return NULL;
}

static void *villain(void *stage)
{
	struct stage *s = stage;

	for (int n = (int)roll(4); n; n--) {
		nap(RAMET_MS);
		if (roll(2))
			ramet_actor_kill(s->actor);
		else
			ramet_actor_stop(s->actor);
	}
	return NULL;
}

static int watcher(struct ramet_actor *me, void *stage)
{
	struct stage *s = stage;
	struct ramet_exit e = {.restarts = 1};

	e.restarts = good(ramet_actor_monitor(me, s->actor), "monitoring");
	RAMET_WITHIN(20 * PATIENCE)
		while (e.restarts &&
		       good(ramet_receive(me, &e, sizeof e), "watching"))
			REQUIRE(e.actor == s->actor, "another's end");
	s->heard = true;
	return 0;
}

/* ---- the scene ---------------------------------------------------------- */

static void play(struct stage *s)
{
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_ALL);
	for (int n = 1 + (int)roll(TELLERS); n; n--)
		go(&g, teller, s);
	for (int n = (int)roll(3); n; n--)
		go(&g, asker, s);
	go(&g, villain, s);
	wait_for_all(&g);
}

static void all_arrived(struct stage *s)
{
	struct ramet_actor_stats stats;

	s->over = true;
	for (int i = 0; i < 1000; i++) {
		ramet_actor_get_stats(s->actor, &stats);
		if (!stats.waiting)
			break;
		good(ramet_sleep(RAMET_SEC), "sleeping");
	}
	for (int i = 0; i < TELLERS; i++)
		REQUIRE(s->told[i] == s->next[i], "a message was lost");
}

static void end(struct ramet_actor *a, struct stage *s)
{
	ramet_actor_stop(s->supervisor);
	RAMET_WITHIN(PATIENCE) {
		good(ramet_actor_wait(s->supervisor, NULL), "the end");
		good(ramet_actor_wait(s->actor, NULL), "the child's end");
		if (a)
			good(ramet_actor_wait(a, NULL), "the watcher's end");
	}
	REQUIRE(!a || s->heard, "nobody heard of the end");
}

void *scene_actors(void *unused)
{
	static const int64_t shutdown[] = {0, RAMET_MS / 10, RAMET_NEVER};
	struct stage s = {.spec = {.restarts = UINT_MAX, .count = 1}};
	struct ramet_actor *a;

	(void)unused;
	s.child = (struct ramet_child){.fn = act,
				       .arg = &s,
				       .opts.mailbox = 1 + roll(4),
				       .shutdown = shutdown[roll(3)]};
	s.spec.children = &s.child;
	s.spec.strategy = (enum ramet_strategy)roll(3);
	s.supervisor = ramet_actor_start(ramet_supervise, &s.spec, NULL);
	if (!made(s.supervisor, "supervisor"))
		return NULL;
	s.actor = ramet_supervisor_child(s.supervisor, 0);
	if (s.actor) {
		a = ramet_actor_start(watcher, &s, NULL);
		made(a, "watcher");
		play(&s);
		all_arrived(&s);
		end(a, &s);
		ramet_actor_release(a);
		ramet_actor_release(s.actor);
	} else {
		require_error(-1, errno == ESRCH ? ESRCH : ECONNRESET,
			      "its child");
		ramet_actor_stop(s.supervisor);
		RAMET_WITHIN(PATIENCE)
			good(ramet_actor_wait(s.supervisor, NULL), "the end");
	}
	ramet_actor_release(s.supervisor);
	return NULL;
}
