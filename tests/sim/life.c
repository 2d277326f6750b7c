/* life.c - time is never early, cancel is level-triggered, kill cleans up,
 * joins and groups give what was returned. */
#include "world.h"

#include <sys/socket.h>

#define LATE (2 * RAMET_SEC) /* far more than a coarse clock explains */

/* ---- time --------------------------------------------------------------- */

static void in_time(int64_t begun, int64_t ns)
{
	int64_t passed = ramet_now() - begun;

	REQUIRE(passed >= ns, "woken early");
	REQUIRE(passed < ns + LATE, "woken late");
}

static void *sleeper(void *unused)
{
	(void)unused;
	for (int i = 0; i < 3; i++) {
		int64_t begun = ramet_now(), ns = roll(30 * RAMET_MS);

		if (good(ramet_sleep(ns), "sleeping"))
			in_time(begun, ns);
	}
	return NULL;
}

static void *reader_without_writer(void *arg)
{
	int64_t begun = ramet_now(), ns = roll(30 * RAMET_MS);
	ssize_t n = -1;
	char c;

	RAMET_WITHIN(ns) {
		n = ramet_read(*(int *)arg, &c, 1);
		require_error(n, ETIMEDOUT, "a read for which nothing comes");
		if (errno == ETIMEDOUT)
			in_time(begun, ns);
	}
	return NULL;
}

static void *waits_for_chan(void *arg)
{
	int64_t begun = ramet_now(), ns = roll(30 * RAMET_MS);
	char c;

	RAMET_WITHIN(ns) {
		int r = ramet_chan_recv(arg, &c);

		require_error(r, ETIMEDOUT, "a channel on which nothing comes");
		if (errno == ETIMEDOUT)
			in_time(begun, ns);
	}
	return NULL;
}

void *scene_time(void *unused)
{
	struct ramet_chan *chan = ramet_chan_new(1, 1);
	ramet_auto_group g;
	int fds[2];

	(void)unused;
	ramet_group_open(&g, RAMET_ALL);
	if (!made(chan, "channel"))
		return NULL;
	if (make_pair(fds)) {
		for (int n = 1 + (int)roll(3); n; n--)
			go(&g, sleeper, NULL);
		for (int n = 1 + (int)roll(3); n; n--)
			go(&g, reader_without_writer, &fds[0]);
		for (int n = 1 + (int)roll(2); n; n--)
			go(&g, waits_for_chan, chan);
		wait_for_all(&g);
		close_both(fds);
	}
	ramet_chan_free(chan);
	return NULL;
}

/* ---- cancel and kill ---------------------------------------------------- */

struct stuck {
	int fds[2]; /* nothing is ever written */
	struct ramet_chan *chan;
	struct ramet_mutex held;
	struct ramet_sem none;
	int ended;
};

/* One of all the ways to wait for ever. */
static long wait_for_ever(struct stuck *s)
{
	struct pollfd p = {s->fds[0], POLLIN, 0};
	char c;

	switch (roll(6)) {
	case 0:
		return ramet_read(s->fds[0], &c, 1);
	case 1:
		return ramet_chan_recv(s->chan, &c);
	case 2:
		return ramet_mutex_lock(&s->held);
	case 3:
		return ramet_sem_wait(&s->none);
	case 4:
		return ramet_poll(&p, 1);
	default:
		return ramet_sleep(2 * PATIENCE);
	}
}

/* What was cancelled once fails for ever. */
static void *cancelled(void *arg)
{
	struct stuck *s = arg;

	RAMET_WITHIN(PATIENCE) {
		require_error(wait_for_ever(s), ECANCELED, "cancelled");
		if (errno == ECANCELED)
			require_error(wait_for_ever(s), ECANCELED,
				      "cancelled before");
	}
	s->ended++;
	return NULL;
}

static void close_deferred(void *fds)
{
	close_both(fds);
	((struct stuck *)fds)->ended++;
}

/* Has a pair of its own, which goes when it is killed.  It is not kept on its
 * stack, which is unwound first. */
static void *killed(void *arg)
{
	struct stuck *s = arg;

	if (!make_pair(s->fds))
		return NULL;
	if (!good(ramet_defer(close_deferred, s), "defer")) {
		close_both(s->fds);
		return NULL;
	}
	RAMET_WITHIN(PATIENCE)
		good(wait_for_ever(s), "what was killed");
	return NULL;
}

static void cancel_them(struct stuck *s)
{
	int n = 0, most = 1 + (int)roll(4);
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_ALL);
	while (n < most && go(&g, cancelled, s))
		n++;
	nap(5 * RAMET_MS);
	ramet_group_cancel(&g);
	wait_for_all(&g);
	REQUIRE(s->ended == n, "what was cancelled did not end");
}

static void kill_them(struct stuck *s)
{
	struct stuck each[4];
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_ALL);
	for (int n = (int)roll(countof(each)); n >= 0; n--) {
		each[n] = *s;
		go(&g, killed, &each[n]);
	}
	if (roll(4))
		nap(5 * RAMET_MS);
	ramet_group_kill(&g);
	wait_for_all(&g);
}

void *scene_cancel(void *unused)
{
	struct stuck s = {.ended = 0};

	(void)unused;
	s.chan = ramet_chan_new(1, 0);
	if (!made(s.chan, "channel"))
		return NULL;
	if (make_pair(s.fds)) {
		good(ramet_mutex_lock(&s.held), "locking");
		if (roll(2))
			cancel_them(&s);
		else
			kill_them(&s);
		good(ramet_mutex_unlock(&s.held), "unlocking");
		close_both(s.fds);
	}
	ramet_chan_free(s.chan);
	return NULL;
}

/* ---- join --------------------------------------------------------------- */

static void *returns_its_argument(void *arg)
{
	if (roll(2))
		nap(5 * RAMET_MS);
	return arg;
}

static void join_one_by_one(struct ramet **ts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		void *value = NULL;

		RAMET_WITHIN(PATIENCE)
			if (good(ramet_join(ts[i], &value), "join"))
				REQUIRE(value == &ts[i],
					"join gave another's value");
	}
}

static void join_all(struct ramet **ts, size_t n)
{
	RAMET_WITHIN(PATIENCE)
		if (good(ramet_joinall(ts, n, n), "joining all"))
			for (size_t i = 0; i < n; i++)
				REQUIRE(ramet_ended(ts[i]),
					"joinall came back early");
	for (size_t i = 0; i < n; i++)
		good(ramet_join(ts[i], NULL), "join");
}

static void first_of_group(void)
{
	ramet_auto_group g;
	int one;

	ramet_group_open(&g, RAMET_ITERATE);
	for (int i = 0; i < 3; i++)
		go(&g, returns_its_argument, &one);
	for (size_t left = g.running; left; left--) {
		void *value = NULL;
		int r = -1;

		RAMET_WITHIN(PATIENCE)
			r = ramet_group_next(&g, &value);
		if (good(r, "the group's next"))
			REQUIRE(r == 1 && value == &one,
				"the group lost a child");
	}
}

void *scene_life(void *unused)
{
	struct ramet *ts[6];
	size_t n = 0, most = 1 + roll(countof(ts));

	(void)unused;
	if (!roll(3)) {
		first_of_group();
		return NULL;
	}
	for (; n < most; n++) {
		ts[n] = ramet_spawn(returns_its_argument, &ts[n]);
		if (!made(ts[n], "spawn"))
			break;
	}
	if (roll(2))
		join_one_by_one(ts, n);
	else if (n)
		join_all(ts, n);
	return NULL;
}

/* ---- offload ------------------------------------------------------------ */

static void *twice(void *number)
{
	*(int *)number *= 2;
	return number;
}

/* Who gives up must not take back what he gave: it stays for good. */
static void *offloader(void *unused)
{
	static int numbers[64]; /* a run needs less */
	static unsigned next;
	int *number = &numbers[next++ % countof(numbers)];
	int64_t patience = roll(4) ? PATIENCE : roll(5 * RAMET_MS);
	void *value = NULL;

	(void)unused;
	*number = 21;
	RAMET_WITHIN(patience) {
		int r = ramet_offload(twice, number, &value);

		if (r == 0)
			REQUIRE(value == number && *number == 42,
				"offload gave another value");
		else if (errno != ETIMEDOUT || patience == PATIENCE)
			good(r, "offload");
	}
	return NULL;
}

void *scene_offload(void *unused)
{
	ramet_auto_group g;

	(void)unused;
	ramet_group_open(&g, RAMET_ALL);
	for (int n = 1 + (int)roll(4); n; n--)
		go(&g, offloader, NULL);
	wait_for_all(&g);
	return NULL;
}
