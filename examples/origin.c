/* origin.c - a small HTTP/1.1 server: one green thread for each connection.
 * Run: origin [ADDRESS]; crawl --demo starts one by itself. */
#include "origin.h"

#include <ramet.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SILENT_EVERY = 500, /* pages 250, 750, ... never come */
	SILENT_FIRST = 250,
	DELAY_MIN_MS = 10,
	DELAY_MAX_MS = 500,
	BYTES_MIN = 200,
	BYTES_MAX = 7000,
};

size_t origin_silent(size_t pages)
{
	return (pages + SILENT_EVERY - 1 - SILENT_FIRST) / SILENT_EVERY;
}

/* min to max, the same for the same page in every run. */
static unsigned pick(unsigned page, unsigned min, unsigned max)
{
	uint32_t n = page * UINT32_C(0x9e3779b9) + min;

	n = (n ^ n >> 16) * UINT32_C(0x85ebca6b);
	n = (n ^ n >> 13) * UINT32_C(0xc2b2ae35);
	return min + (n ^ n >> 16) % (max - min + 1);
}

/* One request, up to its empty line; what follows it at once is ignored. */
static bool receive(int fd, char *buf, size_t size)
{
	ssize_t n;

	for (size_t have = 0; have < size - 1; have += (size_t)n) {
		n = ramet_read(fd, buf + have, size - 1 - have);
		if (n <= 0)
			return false;
		buf[have + (size_t)n] = '\0';
		if (strstr(buf, "\r\n\r\n"))
			return true;
	}
	return false;
}

static bool answer(int fd, int status, size_t size)
{
	static char body[BYTES_MAX];
	char head[100];
	int n = snprintf(head, sizeof head,
			 "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\n\r\n",
			 status, status == 200 ? "OK" : "Not Found", size);
	struct iovec parts[] = {{head, (size_t)n}, {body, size}};

	memset(body, '.', size);
	return ramet_writev(fd, parts, 2) > 0;
}

/* Answer one request.  Returns whether there may be another. */
static bool serve_one(int fd)
{
	char request[1024];
	unsigned page;

	if (!receive(fd, request, sizeof request))
		return false;
	if (sscanf(request, "GET /page/%9u ", &page) != 1)
		return answer(fd, 404, 0);
	if (page % SILENT_EVERY == SILENT_FIRST)
		return true; /* wait for the client to give up */
	ramet_sleep(pick(page, DELAY_MIN_MS, DELAY_MAX_MS) * RAMET_MS);
	return answer(fd, 200, pick(page, BYTES_MIN, BYTES_MAX)) &&
	       !strstr(request, "\r\nConnection: close\r\n");
}

static void *converse(void *p)
{
	int fd = (int)(intptr_t)p;

	while (serve_one(fd))
		;
	ramet_close(fd);
	return NULL;
}

void origin_serve(int listener)
{
	for (int fd; (fd = ramet_accept(listener, NULL, NULL)) >= 0;)
		if (!ramet_go(NULL, converse, (void *)(intptr_t)fd))
			ramet_close(fd);
}

/* ---- in a process of its own -------------------------------------------- */

static _Noreturn void run(int port_to)
{
	int listener, port;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	listener = ramet_listen("tcp://127.0.0.1:0");
	port = ramet_port(listener);
	if (port > 0 && write(port_to, &port, sizeof port) == sizeof port) {
		close(port_to);
		origin_serve(listener);
	}
	_exit(1);
}

pid_t origin_start(int *port)
{
	int pipe_fds[2];
	pid_t pid;

	if (pipe(pipe_fds) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		close(pipe_fds[0]);
		run(pipe_fds[1]);
	}
	close(pipe_fds[1]);
	if (pid > 0 && read(pipe_fds[0], port, sizeof *port) != sizeof *port) {
		origin_stop(pid);
		pid = -1;
	}
	close(pipe_fds[0]);
	return pid;
}

void origin_stop(pid_t pid)
{
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}
