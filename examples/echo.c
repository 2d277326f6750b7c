/* echo.c - an echo server: any number of clients, each idle for 30 s at most.
 * Run: echo [ADDRESS], then nc 127.0.0.1 7777.  Port 0 is any free one. */
#include <ramet.h>

#include <stdint.h>
#include <stdio.h>

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

int main(int argc, char **argv)
{
	int listener =
		ramet_listen(argc > 1 ? argv[1] : "tcp://127.0.0.1:7777");

	if (listener < 0) {
		perror("echo: cannot listen");
		return 1;
	}
	printf("port %d\n", ramet_port(listener));
	fflush(stdout);
	for (int fd; (fd = ramet_accept(listener, NULL, NULL)) >= 0;)
		if (!ramet_go(NULL, echo, (void *)(intptr_t)fd))
			ramet_close(fd); /* no memory: for this client only */
	perror("echo: cannot accept");
	return 1;
}
