/* ramet.c - how long a thousand look-ups take whose answers take 50 ms.
 *
 *	names-ramet [COUNT [FAMILY]]	FAMILY: 4, 6, or 0 for both
 *
 * The name server is another process, so that the CPU time is that of the
 * look-ups.  Prints seconds: wall, CPU of all of the process; and how many
 *names were lost.
 */
#include <ramet.h>
#include <ramet/net.h>

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { DELAY_MS = 50, PENDING_MAX = 4096, QUERY_ROOM = 512 };

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the name server ---------------------------------------------------- */

static struct pending {
	double due;
	struct sockaddr_in from;
	size_t size;
	uint8_t query[QUERY_ROOM];
} ring[PENDING_MAX];
static size_t first, last;

/* 127.0.0.1 or ::1, whatever the name is; without the query's EDNS0. */
static size_t answer(uint8_t *m, size_t size)
{
	static const uint8_t v4[] = {0xc0, 12, 0, 1, 0,   1, 0, 0,
				     0,    60, 0, 4, 127, 0, 0, 1};
	static const uint8_t v6[] = {0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60,
				     0,    16, 0, 0,  0, 0, 0, 0, 0, 0,
				     0,    0,  0, 0,  0, 0, 0, 1};
	size_t end = 12;

	while (end < size && m[end])
		end += m[end] + 1u;
	end += 5;
	if (end + sizeof v6 > QUERY_ROOM)
		return 0;
	memcpy(m + 2, "\x81\x80\0\1\0\1\0\0\0\0", 10);
	if (m[end - 3] == 1) {
		memcpy(m + end, v4, sizeof v4);
		return end + sizeof v4;
	}
	memcpy(m + end, v6, sizeof v6);
	return end + sizeof v6;
}

static void take(int fd)
{
	struct pending *p = &ring[last % PENDING_MAX];
	socklen_t size = sizeof p->from;
	ssize_t n = recvfrom(fd, p->query, sizeof p->query, MSG_DONTWAIT,
			     (struct sockaddr *)&p->from, &size);

	if (n < 0 || last - first == PENDING_MAX)
		return;
	p->size = (size_t)n;
	p->due = seconds(CLOCK_MONOTONIC) + DELAY_MS / 1e3;
	last++;
}

static void give(int fd)
{
	struct pending *p = &ring[first++ % PENDING_MAX];
	size_t n = answer(p->query, p->size);

	sendto(fd, p->query, n, 0, (struct sockaddr *)&p->from, sizeof p->from);
}

static void serve(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		double now = seconds(CLOCK_MONOTONIC);
		int wait = -1;

		while (first != last && ring[first % PENDING_MAX].due <= now)
			give(fd);
		if (first != last)
			wait = (int)((ring[first % PENDING_MAX].due - now) *
				     1e3) +
			       1;
		if (poll(&p, 1, wait) > 0)
			take(fd);
	}
}

/* Returns its pid. */
static pid_t start_server(const char *conf)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t size = sizeof addr;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	FILE *f = fopen(conf, "w");
	pid_t pid;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || !f || bind(fd, (struct sockaddr *)&addr, size) ||
	    getsockname(fd, (struct sockaddr *)&addr, &size)) {
		perror("names-ramet");
		exit(1);
	}
	fprintf(f, "nameserver 127.0.0.1:%d\n", ntohs(addr.sin_port));
	fclose(f);
	pid = fork();
	if (pid == 0)
		serve(fd);
	close(fd);
	return pid;
}

/* ---- the look-ups ------------------------------------------------------- */

static int family, found, done;

static void *look_up(void *number)
{
	struct addrinfo hints = {.ai_family = family,
				 .ai_socktype = SOCK_STREAM},
			*list;
	char name[32];

	snprintf(name, sizeof name, "n%d.example.", (int)(intptr_t)number);
	if (ramet_getaddrinfo(name, "80", &hints, &list) == 0) {
		found++;
		ramet_freeaddrinfo(list);
	}
	done++;
	return NULL;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1000;
	int wish = argc > 2 ? atoi(argv[2]) : 4;
	char conf[] = "/tmp/names-ramet.XXXXXX";
	double start;
	pid_t server;

	if (count < 1 || mkstemp(conf) < 0)
		return 2;
	family = wish == 4 ? AF_INET : wish == 6 ? AF_INET6 : AF_UNSPEC;
	server = start_server(conf);
	setenv("RAMET_RESOLV_CONF", conf, 1);
	start = seconds(CLOCK_MONOTONIC);
	for (int i = 0; i < count; i++)
		ramet_go(NULL, look_up, (void *)(intptr_t)i);
	while (done < count)
		ramet_sleep(RAMET_MS);
	printf("wall %.3f s, CPU %.3f s, lost %d\n",
	       seconds(CLOCK_MONOTONIC) - start,
	       seconds(CLOCK_PROCESS_CPUTIME_ID), count - found);
	kill(server, SIGKILL);
	unlink(conf);
	return found != count;
}
