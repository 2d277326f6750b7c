/* libpq cooperates, unchanged, with a server of its own. */
#include "patch/postgres.h"
#include "ramet.h"
#include "ramets.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 50 };

static const char *where;
static int connected, inside, inside_most, done;

static PGconn *connect_to_server(void)
{
	PGconn *c = PQconnectdb(where);

	if (PQstatus(c) != CONNECTION_OK)
		test_fail(__FILE__, __LINE__, "%s", PQerrorMessage(c));
	return c;
}

/* One row and column, as a number. */
static int number(PGconn *c, const char *query)
{
	PGresult *r = PQexec(c, query);
	int n;

	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		test_fail(__FILE__, __LINE__, "%s", PQerrorMessage(c));
	n = atoi(PQgetvalue(r, 0, 0));
	PQclear(r);
	return n;
}

static void *client(void *query)
{
	PGconn *c = connect_to_server();

	for (connected++; connected < CLIENTS;)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	if (++inside > inside_most)
		inside_most = inside;
	CHECK(number(c, query) >= 0);
	inside--;
	done++;
	PQfinish(c);
	return NULL;
}

static void start_clients(struct ramet *t[CLIENTS], const char *query)
{
	connected = inside_most = done = 0;
	for (int i = 0; i < CLIENTS; i++)
		t[i] = spawn(client, (void *)(uintptr_t)query);
}

static void join_clients(struct ramet *t[CLIENTS])
{
	for (int i = 0; i < CLIENTS; i++)
		join(t[i]);
	CHECK_EQ(done, CLIENTS);
}

static const char sleeps[] = "select pg_sleep(0.1)";

/* What each waits for is held till all of them are seen to wait. */
static void see_all_in_flight(void)
{
	PGconn *holder = connect_to_server();
	struct ramet *t[CLIENTS];

	number(holder, "select 1 from pg_advisory_lock(7)");
	start_clients(t, "select 1 from pg_advisory_lock_shared(7)");
	while (number(holder, "select count(*) from pg_stat_activity where "
			      "state = 'active' and query like "
			      "'%lock_shared(7)' and wait_event = "
			      "'advisory'") < CLIENTS)
		CHECK_EQ(ramet_sleep(10 * RAMET_MS), 0);
	CHECK_EQ(inside, CLIENTS);
	CHECK_EQ(done, 0);
	number(holder, "select pg_advisory_unlock(7)::int");
	join_clients(t);
	PQfinish(holder);
}

TEST_WITHIN(fifty_queries_are_in_flight_at_once_and_one_after_unpatch, 120000)
{
	struct ramet *t[CLIENTS];

	where = postgres_start();
	CHECK(ramet_patch(RAMET_SOCKET | RAMET_SELECT, "libpq") > 0);
	see_all_in_flight();
	start_clients(t, sleeps);
	join_clients(t);
	CHECK(inside_most > 1);

	CHECK(ramet_unpatch(RAMET_SOCKET | RAMET_SELECT, "libpq") > 0);
	start_clients(t, sleeps);
	join_clients(t);
	CHECK_EQ(inside_most, 1);
	postgres_stop();
}

static bool fails(PGconn *c, const char *query)
{
	PGresult *r = PQexec(c, query);
	bool failed = PQresultStatus(r) == PGRES_FATAL_ERROR || !r;

	PQclear(r);
	return failed;
}

TEST_WITHIN(a_deadline_ends_a_query_and_the_connection_with_it, 120000)
{
	int64_t before = ramet_now();
	PGconn *c, *other;

	where = postgres_start();
	CHECK(ramet_patch(RAMET_SOCKET | RAMET_SELECT, "libpq") > 0);
	c = connect_to_server();
	other = connect_to_server();
	before = ramet_now();
	RAMET_WITHIN(100 * RAMET_MS)
		CHECK(fails(c, "select pg_sleep(60)"));
	CHECK(ramet_now() - before < 50 * RAMET_SEC);
	CHECK(*PQerrorMessage(c));
	CHECK(fails(c, "select 1"));
	CHECK_EQ(PQstatus(c), CONNECTION_BAD);
	CHECK_EQ(number(other, "select 42"), 42);
	PQfinish(c);
	PQfinish(other);
	postgres_stop();
}
