/* crawl_demo.c - pages of a server of our own: to crawl without a network.
 * Part of crawl. */
#include "crawl.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>

static _Noreturn void give_up(void)
{
	perror("crawl: cannot start a server");
	exit(1); /* which ends the server as well */
}

pid_t crawl_demo(struct crawl *c)
{
	int port;
	pid_t origin;

	if (!c->demo)
		return 0;
	origin = origin_start(&port);
	if (origin < 0)
		give_up();
	for (size_t i = 0; i < c->count; i++)
		if (asprintf(&c->pages[i].url, "http://127.0.0.1:%d/page/%zu",
			     port, i) < 0)
			give_up();
	return origin;
}
