/* libraries.c - C libraries that know nothing of ramets, on one OS thread: N at
 * a time, each 0.1 s of a server's time, before they are patched and after.
 *
 *	libraries CONNINFO URL
 */
#include <curl/curl.h>
#include <libpq-fe.h>
#include <ramet.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUERIES = 50, TRANSFERS = 30 };

static const char *where;
static PGconn *connections[QUERIES]; /* open: the server takes long to fork */
static int next;

static void *query(void *failed)
{
	PGconn *c = connections[next++ % QUERIES];
	PGresult *r = PQexec(c, "select pg_sleep(0.1)");

	if (PQresultStatus(r) != PGRES_TUPLES_OK) {
		fprintf(stderr, "%s", PQerrorMessage(c));
		++*(int *)failed;
	}
	PQclear(r);
	return NULL;
}

static size_t swallow(char *data, size_t size, size_t count, void *unused)
{
	(void)data;
	(void)unused;
	return size * count;
}

static void *transfer(void *failed)
{
	CURL *c = curl_easy_init();

	curl_easy_setopt(c, CURLOPT_URL, where);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, swallow);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	if (curl_easy_perform(c) != CURLE_OK)
		++*(int *)failed;
	curl_easy_cleanup(c);
	return NULL;
}

/* Seconds, best of three. */
static double measure(void *(*job)(void *), int count)
{
	double best = 1e9;
	int failed = 0;

	for (int round = 0; round < 3; round++) {
		int64_t start = ramet_now();
		struct ramet *t[QUERIES];

		for (int i = 0; i < count; i++)
			t[i] = ramet_spawn_opts(
				job, &failed,
				&(struct ramet_opts){.stack_size = 1 << 20});
		for (int i = 0; i < count; i++)
			ramet_join(t[i], NULL);
		double passed = (double)(ramet_now() - start) / RAMET_SEC;

		best = passed < best ? passed : best;
		if (best > 1) /* one by one: once says it */
			break;
	}
	if (failed)
		exit(1);
	return best;
}

static void compare(const char *name, void *(*job)(void *), int count)
{
	double plain = measure(job, count);

	if (ramet_patch(RAMET_SOCKET | RAMET_SELECT | RAMET_DNS | RAMET_TIME,
			name) < 0) {
		fprintf(stderr, "%s: %s\n", name, ramet_patch_reason());
		exit(1);
	}
	printf("%s %d %.3f %.3f\n", name, count, plain, measure(job, count));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	for (int i = 0; i < QUERIES; i++)
		connections[i] = PQconnectdb(argv[1]);
	compare("libpq", query, QUERIES);
	for (int i = 0; i < QUERIES; i++)
		PQfinish(connections[i]);
	where = argv[2];
	compare("libcurl", transfer, TRANSFERS);
	return 0;
}
