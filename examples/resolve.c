/* resolve.c - look up several names at once, two seconds for all of them.
 * Run: resolve www.google.com www.example.com www.python.org */
#include <ramet.h>

#include <netdb.h>
#include <stdio.h>

enum { NAMES_MAX = 64 };

/* Static, because a look-up may go on after its time is up. */
static struct lookup {
	const char *name, *answer;
	char address[NI_MAXHOST];
	int error;
} lookups[NAMES_MAX];

/* Runs on another OS thread: getaddrinfo knows nothing of green threads. */
static void *look_up(void *p)
{
	struct lookup *l = p;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;

	l->error = getaddrinfo(l->name, NULL, &hints, &found);
	if (l->error)
		return NULL;
	l->error = getnameinfo(found->ai_addr, found->ai_addrlen, l->address,
			       sizeof l->address, NULL, 0, NI_NUMERICHOST);
	freeaddrinfo(found);
	return NULL;
}

static void *resolve(void *p)
{
	struct lookup *l = p;

	if (ramet_offload(look_up, l, NULL) < 0)
		perror(l->name);
	else
		l->answer = l->error ? gai_strerror(l->error) : l->address;
	return NULL;
}

int main(int argc, char **argv)
{
	struct ramet *jobs[NAMES_MAX];
	size_t n = 0;

	for (; n < NAMES_MAX && n + 1 < (size_t)argc; n++) {
		lookups[n].name = argv[n + 1];
		lookups[n].answer = "no answer";
		jobs[n] = ramet_spawn(resolve, &lookups[n]);
	}
	RAMET_WITHIN(2 * RAMET_SEC)
		if (ramet_joinall(jobs, n, n) < 0)
			perror("resolve");
	for (struct lookup *l = lookups; l < lookups + n; l++)
		printf("%-24s %s\n", l->name, l->answer);
	return 0; /* which ends what has not ended */
}
