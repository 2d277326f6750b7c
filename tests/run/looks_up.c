/* looks_up.c - threads that each look up a name of their own: n0.test, ...
 *
 * usage: looks_up COUNT
 *
 * A name server that answers none before all have asked tells whether they wait
 * at once.  Then each of the other calls is made once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 1000 };

static int found; /* atomic */

static void *look_up(void *number)
{
	struct addrinfo hints = {.ai_flags = AI_CANONNAME,
				 .ai_family = AF_INET,
				 .ai_socktype = SOCK_STREAM},
			*list;
	char name[32];

	snprintf(name, sizeof name, "n%d.test", *(int *)number);
	if (getaddrinfo(name, "80", &hints, &list))
		return NULL;
	if (strcmp(list->ai_canonname, name) == 0)
		__atomic_add_fetch(&found, 1, __ATOMIC_RELAXED);
	freeaddrinfo(list);
	return NULL;
}

static void look_up_all(int count)
{
	static pthread_t threads[THREADS_MAX];
	static int numbers[THREADS_MAX];

	for (int i = 0; i < count; i++) {
		numbers[i] = i;
		if (pthread_create(&threads[i], NULL, look_up, &numbers[i]))
			exit(99);
	}
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	printf("%d found\n", found);
}

/* Each address is laid out where the caller wants it. */
static void host_in_buffer(const char *name)
{
	struct hostent host, *result;
	char buf[512], text[64];
	int error, err, small = 0;

	for (size_t room = 0; room < sizeof buf; room += 8) {
		err = gethostbyname_r(name, &host, buf, room, &result, &error);
		if (err != ERANGE)
			break;
		small++;
	}
	if (err || !result) {
		printf("%s: error %d, h_errno %d\n", name, err, error);
		return;
	}
	inet_ntop(AF_INET, host.h_addr_list[0], text, sizeof text);
	printf("%s is %s (%s), not in %s\n", host.h_name, text,
	       host.h_aliases[0] ? host.h_aliases[0] : "no alias",
	       small ? "less" : "nothing");
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	struct addrinfo *list;
	struct hostent *host;
	char name[NI_MAXHOST];

	if (argc != 2 || atoi(argv[1]) > THREADS_MAX)
		return 2;
	look_up_all(atoi(argv[1]));
	host_in_buffer("alias.test");
	host_in_buffer("nx.test");
	host = gethostbyname("n1.test");
	printf("%s\n", host ? host->h_name : "none");
	host = gethostbyname("nx.test");
	printf("%s, %d\n", host ? host->h_name : "none", h_errno);
	printf("%s\n", gai_strerror(getaddrinfo("nx.test", "1", NULL, &list)));
	inet_pton(AF_INET, "192.0.2.1", &addr.sin_addr);
	printf("%s\n", getnameinfo((struct sockaddr *)&addr, sizeof addr, name,
				   sizeof name, NULL, 0, NI_NAMEREQD)
			       ? "no name"
			       : name);
	host = gethostbyaddr(&addr.sin_addr, sizeof addr.sin_addr, AF_INET);
	printf("%s\n", host ? host->h_name : "no host");
	return 0;
}
