/* pools.c - no more jobs run than there are places, each that was accepted runs
 * once, none outlives a wait for it, whatever is cancelled or killed. */
#include "world.h"

enum { CELLS = 6 };

enum mode { LEFT_ALONE, CANCELLED, KILLED, MODES };

struct pools {
	struct ramet_pool *pool;
	size_t size; /* 0: no bound */
	size_t inside;
	enum mode mode;
	size_t accepted, begun; /* of spawns */
};

/* What a job is given, and its number among those. */
struct cell {
	struct pools *pools;
	intptr_t number;
	int runs;
	bool closed; /* whoever gave it has gone */
};

/* ---- jobs --------------------------------------------------------------- */

/* It fails when it is cancelled, or of a fault. */
static void pass_time(void)
{
	int64_t ns = 1 + roll(2 * RAMET_MS);

	switch (roll(3)) {
	case 0:
		ramet_yield();
		break;
	case 1:
		ramet_sleep(ns);
		break;
	}
}

static void work(struct pools *p)
{
	p->inside++;
	if (p->size && p->mode != KILLED)
		REQUIRE(p->inside <= p->size,
			"more jobs run than there are places");
	pass_time();
	if (!roll(4))
		RAMET_SHIELD(RAMET_SEC)
			pass_time();
	p->inside--;
}

static void *spawned(void *pools)
{
	struct pools *p = pools;

	p->begun++;
	work(p);
	return NULL;
}

static void *use_cell(void *cell)
{
	struct cell *c = cell;

	REQUIRE(!c->closed, "a job begins that nobody waits for");
	REQUIRE(c->runs++ == 0, "a job ran twice");
	work(c->pools);
	REQUIRE(!c->closed, "a job outlived the wait for it");
	return (void *)(c->number + 1);
}

/* ---- who gives them ----------------------------------------------------- */

/* Whether a call did what it should.  Some have little time; others may have
 * cancelled or killed. */
static bool fine(const struct pools *p, long r, int64_t patience,
		 const char *what)
{
	if (r >= 0)
		return true;
	if ((errno == ETIMEDOUT && patience != PATIENCE) ||
	    (errno == EPIPE && p->mode != LEFT_ALONE) ||
	    (errno == ECHILD && p->mode == KILLED))
		return false;
	return good(r, what);
}

static void spawn_one(struct pools *p, int64_t patience)
{
	int r = -1;

	p->accepted++; /* it may begin before the call returns */
	RAMET_WITHIN(patience)
		r = roll(3) ? ramet_pool_spawn(p->pool, spawned, p)
			    : ramet_pool_tryspawn(p->pool, spawned, p);
	if (r == 0)
		return;
	p->accepted--;
	if (errno != EAGAIN)
		fine(p, r, patience, "spawning in a pool");
}

static void open_cells(struct pools *p, struct cell *cells, void **args)
{
	for (int i = 0; i < CELLS; i++) {
		cells[i] = (struct cell){.pools = p, .number = i};
		args[i] = &cells[i];
	}
}

static void close_cells(struct cell *cells)
{
	for (int i = 0; i < CELLS; i++)
		cells[i].closed = true;
}

static void map_cells(struct pools *p, struct cell *cells, int64_t patience)
{
	void *args[CELLS];
	size_t n = 1 + roll(CELLS);
	long r = -1;

	open_cells(p, cells, args);
	RAMET_WITHIN(patience)
		r = n > 1 ? ramet_pool_map(p->pool, use_cell, args, args, n)
			  : ramet_pool_apply(p->pool, use_cell, args[0], args);
	close_cells(cells);
	if (!fine(p, r, patience, "a map"))
		return;
	for (size_t i = 0; i < n; i++)
		REQUIRE(args[i] == (void *)(i + 1) && cells[i].runs == 1,
			"a map lost a value");
}

struct source {
	struct cell *cells;
	int next;
};

static int next_cell(void *source, void **arg)
{
	struct source *s = source;

	if (s->next == CELLS)
		return 0;
	if (!roll(4))
		pass_time();
	*arg = &s->cells[s->next++];
	return 1;
}

static void take_values(struct pools *p, struct ramet_imap *m, int order)
{
	intptr_t sum = 0, i = 0;
	void *value;
	int r;

	while ((r = ramet_imap_next(m, &value)) == 1 && value != RAMET_FAILED) {
		i++;
		if (order == RAMET_ORDERED)
			REQUIRE(value == (void *)i, "values out of order");
		sum += (intptr_t)value;
	}
	if (r == 0)
		REQUIRE(sum == CELLS * (CELLS + 1) / 2, "a value was lost");
	else if (r == 1)
		REQUIRE(p->mode == KILLED, "nobody was killed");
	else
		fine(p, r, 0, "the next value");
}

static void take_cells(struct pools *p, struct cell *cells, int64_t patience)
{
	struct source source = {cells, 0};
	int order = roll(2) ? RAMET_ORDERED : RAMET_UNORDERED;
	void *args[CELLS];
	struct ramet_imap *m;

	open_cells(p, cells, args);
	m = ramet_imap_new(p->pool, use_cell, next_cell, &source, order,
			   1 + roll(4));
	if (made(m, "imap"))
		RAMET_WITHIN(patience)
			take_values(p, m, order);
	ramet_imap_free(m);
	close_cells(cells);
}

static void *user(void *pools)
{
	struct pools *p = pools;
	struct cell cells[CELLS];

	for (int rounds = 1 + (int)roll(4); rounds; rounds--) {
		int64_t patience = roll(4) ? PATIENCE : roll(2 * RAMET_MS);

		switch (roll(3)) {
		case 0:
			spawn_one(p, patience);
			break;
		case 1:
			map_cells(p, cells, patience);
			break;
		default:
			take_cells(p, cells, patience);
		}
	}
	return NULL;
}

/* ---- who disturbs ------------------------------------------------------- */

static void *disturb(void *pools)
{
	struct pools *p = pools;

	for (int rounds = 1 + (int)roll(3); rounds; rounds--) {
		nap(2 * RAMET_MS);
		if (p->mode == CANCELLED)
			ramet_pool_cancel(p->pool);
		else if (p->mode == KILLED)
			ramet_pool_kill(p->pool);
	}
	return NULL;
}

void *scene_pools(void *unused)
{
	struct pools p = {.size = roll(4), .mode = roll(MODES)};
	ramet_auto_group g;

	(void)unused;
	ramet_group_open(&g, RAMET_ALL);
	p.pool = ramet_pool_new(p.size, NULL);
	if (!made(p.pool, "pool"))
		return NULL;
	for (int n = 1 + (int)roll(4); n; n--)
		go(&g, user, &p);
	if (p.mode != LEFT_ALONE)
		go(&g, disturb, &p);
	if (!roll(4))
		ramet_group_cancel(&g);
	wait_for_all(&g);
	RAMET_WITHIN(PATIENCE)
		good(ramet_pool_wait(p.pool), "waiting for a pool");
	if (p.mode != KILLED)
		REQUIRE(!p.inside && p.begun == p.accepted, "a job was lost");
	ramet_pool_free(p.pool);
	return NULL;
}
