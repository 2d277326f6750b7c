/* resolve.c - look up several names at once, two seconds for all of them.
 * Run: resolve www.google.com www.example.com www.python.org */
#include <ramet.h>

#include <stdio.h>

enum { NAMES_MAX = 64 };

static struct lookup {
	const char *name, *answer;
	char address[NI_MAXHOST];
} lookups[NAMES_MAX];

static void *look_up(void *p)
{
	struct lookup *l = p;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	int error = ramet_getaddrinfo(l->name, NULL, &hints, &found);

	if (error) {
		if (error != EAI_SYSTEM) /* else its time is up */
			l->answer = gai_strerror(error);
		return NULL;
	}
	if (ramet_getnameinfo(found->ai_addr, found->ai_addrlen, l->address,
			      sizeof l->address, NULL, 0, NI_NUMERICHOST) == 0)
		l->answer = l->address;
	ramet_freeaddrinfo(found);
	return NULL;
}

int main(int argc, char **argv)
{
	size_t n = 0;

	RAMET_WITHIN(2 * RAMET_SEC) {
		struct ramet *jobs[NAMES_MAX];

		for (; n < NAMES_MAX && n + 1 < (size_t)argc; n++) {
			lookups[n] = (struct lookup){.name = argv[n + 1],
						     .answer = "no answer"};
			jobs[n] = ramet_spawn(look_up, &lookups[n]);
		}
		if (ramet_joinall(jobs, n, n) < 0)
			perror("resolve");
	}
	for (struct lookup *l = lookups; l < lookups + n; l++)
		printf("%-24s %s\n", l->name, l->answer);
	return 0; /* which ends what has not ended */
}
