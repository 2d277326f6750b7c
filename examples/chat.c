/* chat.c - a chat server; who reads slowly misses lines and holds up nobody.
 * Run: chat [ADDRESS], then nc 127.0.0.1 7777; your first line is your name. */
#define _GNU_SOURCE 1 /* fopencookie */
#include <ramet.h>

#include <stdio.h>

static struct pollfd here[FD_SETSIZE]; /* by descriptor; no events: nobody */

/* To all who have room for a line, in one go: nothing here waits. */
static void say(const char *name, const char *verb, const char *text)
{
	char line[256];
	int n = snprintf(line, sizeof line, "%s %s%s\n", name, verb, text);

	for (struct pollfd *c = here; c < here + FD_SETSIZE; c++)
		if (c->events && poll(c, 1, 0) > 0 &&
		    send(c->fd, line, n, MSG_DONTWAIT | MSG_NOSIGNAL) != n)
			ramet_shutdown(c->fd, SHUT_RDWR); /* gone, or cut off */
}

static ssize_t hear(void *fd, char *buf, size_t size)
{
	return ramet_read((int)(intptr_t)fd, buf, size);
}

static void *client(void *p)
{
	FILE *in = fopencookie(p, "r", (cookie_io_functions_t){.read = hear});
	int fd = (int)(intptr_t)p;
	char name[32], text[200];

	if (in && fscanf(in, " %31[^\r\n]", name) == 1) {
		here[fd] = (struct pollfd){.fd = fd, .events = POLLOUT};
		say(name, "is here", "");
		while (fscanf(in, " %199[^\r\n]", text) == 1)
			say(name, "says: ", text);
		here[fd].events = 0;
		say(name, "has left", "");
	}
	if (in)
		fclose(in);
	ramet_close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	int fd = ramet_listen(argc > 1 ? argv[1] : "tcp://127.0.0.1:7777");

	if (fd >= 0)
		printf("port %d\n", ramet_port(fd));
	fflush(stdout);
	for (intptr_t c; fd >= 0 && (c = ramet_accept(fd, NULL, NULL)) >= 0;)
		if (c >= FD_SETSIZE || !ramet_go(NULL, client, (void *)c))
			ramet_close((int)c); /* no room: for this one only */
	perror("chat");
	return 1;
}
