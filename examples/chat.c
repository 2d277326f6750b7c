/* chat.c - a chat server; who reads slowly misses lines and holds up nobody.
 * Run: chat [ADDRESS], then nc 127.0.0.1 7777; your first line is your name. */
#include <ramet.h>

#include <stdio.h>
#include <string.h>

enum { LINE = 256, LINES_MAX = 100 };

struct client {
	int fd;
	char name[32];
	struct ramet_chan *lines; /* still to be shown */
	struct client *next;
};

static struct client *clients;

static void say(struct client *me, const char *verb, const char *text)
{
	char line[LINE];

	snprintf(line, sizeof line, "%s %s%s", me->name, verb, text);
	for (struct client *other = clients; other; other = other->next)
		if (other != me) /* one without room misses it */
			ramet_chan_trysend(other->lines, line);
}

static void *show(void *p)
{
	struct client *me = p;
	char line[LINE];

	while (ramet_chan_recv(me->lines, line) > 0 &&
	       ramet_write_all(me->fd, line, strlen(line)) > 0)
		;
	return NULL;
}

/* Lines by stdio: who waits in fgets waits in ramet_read. */
static ssize_t receive(void *fd, char *buf, size_t size)
{
	return ramet_read((int)(intptr_t)fd, buf, size);
}

static void serve(struct client *me, FILE *in)
{
	char text[LINE - 50];
	struct client **link = &clients;
	ramet_auto_group group;

	ramet_group_open(&group, RAMET_ALL);
	if (!fgets(me->name, sizeof me->name, in) ||
	    !ramet_go(&group, show, me))
		return;
	me->name[strcspn(me->name, "\r\n")] = '\0';
	say(me, "is here\n", "");
	me->next = clients;
	clients = me;
	while (fgets(text, sizeof text, in))
		say(me, "says: ", text);
	while (*link != me)
		link = &(*link)->next;
	*link = me->next;
	say(me, "has left\n", "");
}

static void *client(void *fd)
{
	struct client me = {.fd = (int)(intptr_t)fd,
			    .lines = ramet_chan_new(LINE, LINES_MAX)};
	FILE *in =
		fopencookie(fd, "r", (cookie_io_functions_t){.read = receive});

	if (in && me.lines)
		serve(&me, in);
	if (in)
		fclose(in);
	ramet_chan_free(me.lines);
	ramet_close(me.fd);
	return NULL;
}

int main(int argc, char **argv)
{
	int fd = ramet_listen(argc > 1 ? argv[1] : "tcp://127.0.0.1:7777");

	if (fd >= 0)
		printf("port %d\n", ramet_port(fd));
	fflush(stdout);
	for (int c; fd >= 0 && (c = ramet_accept(fd, NULL, NULL)) >= 0;)
		if (!ramet_go(NULL, client, (void *)(intptr_t)c))
			ramet_close(c);
	perror("chat");
	return 1;
}
