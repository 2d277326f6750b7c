/* resolve.c - look up several names at once, two seconds for all of them.
 * Run: resolve www.google.com www.example.com www.python.org */
#include <ramet.h>

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_MAX = 64 };

/* Static, because a look-up may go on after its time is up. */
static struct lookup {
	const char *name;
	char answer[NI_MAXHOST];
	struct ramet *job;
} lookups[NAMES_MAX];

/* Runs on another OS thread: getaddrinfo knows nothing of green threads. */
static void *look_up(void *p)
{
	struct lookup *l = p;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	int error = getaddrinfo(l->name, NULL, &hints, &found);

	if (error) {
		snprintf(l->answer, sizeof l->answer, "%s",
			 gai_strerror(error));
		return l->answer;
	}
	getnameinfo(found->ai_addr, found->ai_addrlen, l->answer,
		    sizeof l->answer, NULL, 0, NI_NUMERICHOST);
	freeaddrinfo(found);
	return l->answer;
}

static void *resolve(void *lookup)
{
	void *value;

	return ramet_offload(look_up, lookup, &value) < 0 ? strerror(errno)
							  : value;
}

int main(int argc, char **argv)
{
	struct ramet *jobs[NAMES_MAX];
	size_t n = 0;

	for (; n < NAMES_MAX && n + 1 < (size_t)argc; n++) {
		lookups[n].name = argv[n + 1];
		jobs[n] = ramet_spawn(resolve, &lookups[n]);
		lookups[n].job = jobs[n]; /* joinall reorders jobs */
	}
	RAMET_WITHIN(2 * RAMET_SEC) {
		ramet_joinall(jobs, n, n);
	}
	for (struct lookup *l = lookups; l < lookups + n; l++) {
		void *value = NULL;

		if (ramet_ended(l->job))
			ramet_join(l->job, &value);
		printf("%-24s %s\n", l->name,
		       value ? (char *)value : "no answer within 2 s");
	}
	return 0; /* which ends what has not ended */
}
