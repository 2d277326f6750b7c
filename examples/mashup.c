/* mashup.c - ask several HTTP(S) sources at once, and make one answer of what
 * has come after 300 ms.
 * Run: mashup URL...   without URLs: five sources of its own, some too slow */
#include <ramet.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sources.h"

enum { SOURCES_MAX = 64, BODY_MAX = 1 << 20 };

static struct source {
	const char *url, *body;
	struct ramet_http_response *response;
} sources[SOURCES_MAX];

static void *ask(void *p)
{
	struct source *s = p;

	s->response = ramet_http_get(NULL, s->url);
	if (s->response)
		s->body = ramet_http_response_body(s->response, BODY_MAX, NULL);
	return NULL;
}

int main(int argc, char **argv)
{
	struct ramet *asking[SOURCES_MAX];
	size_t n = 0, come;

	if (argc == 1)
		argc = start_sources(&argv);
	for (; n < SOURCES_MAX && n + 1 < (size_t)argc; n++) {
		sources[n].url = argv[n + 1];
		asking[n] = ramet_spawn(ask, &sources[n]);
	}
	RAMET_WITHIN(300 * RAMET_MS)
		ramet_joinall(asking, n, n);
	come = 0;
	for (struct source *s = sources; s < sources + n; s++) {
		bool ok = s->body && ramet_http_status(s->response) == 200;
		const char *text = ok ? s->body : "no answer";

		come += ok;
		printf("%s: %.*s\n", s->url, (int)strcspn(text, "\n"), text);
	}
	printf("%zu of %zu\n", come, n);
	return 0; /* which ends what has not ended */
}
