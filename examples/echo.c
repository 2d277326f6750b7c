/* echo.c - an echo server: any number of clients, each idle for 30 s at most.
 * Run: echo [--loops N] [ADDRESS], then nc 127.0.0.1 7777.  Port 0: any. */
#include <ramet.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *echo(void *p)
{
	int fd = (int)(intptr_t)p;
	char buf[4096];

	for (ssize_t n = 1; n > 0;)
		RAMET_WITHIN(30 * RAMET_SEC)
			if ((n = ramet_read(fd, buf, sizeof buf)) > 0)
				n = ramet_write_all(fd, buf, (size_t)n);
	ramet_close(fd);
	return NULL;
}

static int fail(const char *what)
{
	return perror(what), 1;
}

static void *serve(void *p)
{
	for (int fd; (fd = ramet_accept((int)(intptr_t)p, NULL, NULL)) >= 0;)
		if (!ramet_go(NULL, echo, (void *)(intptr_t)fd))
			ramet_close(fd); /* no memory: for this client only */
	exit(fail("echo: cannot accept"));
}

int main(int argc, char **argv)
{
	int many = argc > 2 && strcmp(argv[1], "--loops") == 0;
	const char *given = argv[1 + 2 * many];
	int n = ramet_loops_start(many ? strtoul(argv[2], NULL, 10) : 1);
	char address[134];

	if (n < 0)
		return fail("echo: cannot start loops");
	snprintf(address, 128, "%s", given ? given : "tcp://127.0.0.1:7777");
	for (int i = 0; i < n; i++) { /* a listener for each, on one port */
		intptr_t fd = many ? ramet_listen_shared(address)
				   : ramet_listen(address);

		if (fd < 0)
			return fail("echo: cannot listen");
		sprintf(strrchr(address, ':'), ":%d", ramet_port((int)fd));
		if (ramet_loop_go(ramet_loop_at(i), serve, (void *)fd) < 0)
			return fail("echo: cannot serve");
	}
	printf("port %s\n", strrchr(address, ':') + 1);
	fflush(stdout);
	return ramet_sleep(RAMET_NEVER) < 0;
}
