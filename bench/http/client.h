/* client.h - what the load generators share: the clock, a histogram of waits,
 * and the CPU time of all processes of a server. */
#ifndef CLIENT_H
#define CLIENT_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LATENCIES = 1 << 20, MEMBERS = 64 };

static inline void fail(const char *what)
{
	perror(what);
	exit(1);
}

static inline void wrong(const char *what)
{
	fprintf(stderr, "load: %s\n", what);
	exit(1);
}

static inline int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) < 0)
		fail("load: clock_gettime");
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static inline int64_t now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* ---- how long answers took ---------------------------------------------- */

struct waits {
	uint32_t count[LATENCIES]; /* by us; the last is "or more" */
	uint64_t total;
};

static inline void waited(struct waits *w, int64_t ns)
{
	int64_t us = ns / 1000;

	w->count[us < LATENCIES ? us : LATENCIES - 1]++;
	w->total++;
}

static inline int percentile(const struct waits *w, double share)
{
	uint64_t below = 0, wanted = (uint64_t)(share * (double)w->total);
	int us = 0;

	while (us < LATENCIES - 1 && (below += w->count[us]) <= wanted)
		us++;
	return us;
}

/* ---- the server --------------------------------------------------------- */

/* The processes of a group: nginx is two, and its clock is theirs together. */
struct group {
	pid_t leader;
	clockid_t clock[MEMBERS];
	int size;
};

static inline bool is_member(const char *pid, pid_t leader)
{
	char path[300], line[600];
	const char *p;
	int pgrp = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%s/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	p = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
	fclose(f);
	return p && sscanf(p, ") %*c %*d %d", &pgrp) == 1 && pgrp == leader;
}

static inline void find_group(struct group *g, pid_t leader)
{
	DIR *proc = opendir("/proc");

	g->leader = leader;
	g->size = 0;
	if (!proc)
		fail("load: /proc");
	for (struct dirent *e; (e = readdir(proc));)
		if (*e->d_name >= '1' && *e->d_name <= '9' &&
		    is_member(e->d_name, leader) && g->size < MEMBERS &&
		    !clock_getcpuclockid(atoi(e->d_name), &g->clock[g->size]))
			g->size++;
	closedir(proc);
	if (!g->size)
		wrong("the server is not there");
}

static inline int64_t group_cpu(const struct group *g)
{
	int64_t ns = 0;

	for (int i = 0; i < g->size; i++)
		ns += clock_ns(g->clock[i]);
	return ns;
}

/* Have a server that can count say how far it has come. */
static inline void ask_server(const struct group *g)
{
	if (kill(g->leader, SIGUSR1) < 0)
		fail("load: kill");
}

/* ---- connections -------------------------------------------------------- */

/* Connect from the i-th of many: one address has not enough ports for all. */
static inline int connect_here(int port, int i)
{
	struct sockaddr_in addr = {.sin_family = AF_INET}, from = addr;
	const struct linger at_once = {1, 0}; /* leaves nothing behind */
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	addr.sin_port = htons((uint16_t)port);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)i / 10000);
	if (fd < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
		       sizeof one) < 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof from) < 0 ||
	    connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0)
		fail("load: connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		fail("load: fcntl");
	return fd;
}

static inline void watch(int poller, int fd, uint32_t events, void *what)
{
	struct epoll_event e = {.events = events, .data.ptr = what};

	if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e) < 0)
		fail("load: epoll_ctl");
}

static inline void raise_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

#endif
