/* sources.c - five ports of one server; how slow each is its path says. */
#include "sources.h"

#include <ramet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCES = 5 };

static const int delays[SOURCES] = {20, 80, 150, 5000, 10000}; /* ms */

/* "/80?news" answers after 80 ms. */
static void answer(struct ramet_http *h, void *arg)
{
	long ms = strtol(ramet_http_path(h) + 1, NULL, 10);
	char text[64];
	int size = snprintf(text, sizeof text, "said after %ld ms\n", ms);

	(void)arg;
	if (ramet_sleep(ms * RAMET_MS) == 0)
		ramet_http_reply(h, 200, "text/plain", text, (size_t)size);
}

static void *serve(void *server)
{
	ramet_http_serve(server);
	return NULL;
}

int start_sources(char ***argv)
{
	static char urls[SOURCES][64];
	static char *list[SOURCES + 2];
	struct ramet_http_opts opts = {.handler = answer};
	struct ramet_http_server *s = ramet_http_server_new(&opts);

	for (int i = 0; i < SOURCES; i++) {
		int port = s ? ramet_http_listen(s, "http://127.0.0.1:0") : -1;

		if (port < 0) {
			perror("mashup");
			exit(1);
		}
		snprintf(urls[i], sizeof urls[i], "http://127.0.0.1:%d/%d",
			 port, delays[i]);
		list[i + 1] = urls[i];
	}
	ramet_detach(ramet_spawn(serve, s));
	list[0] = (*argv)[0];
	*argv = list;
	return SOURCES + 1;
}
