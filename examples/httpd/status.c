/* status.c - the server's figures as JSON. */
#include "httpd.h"

#include <stdio.h>
#include <time.h>

void status(struct ramet_http *h, struct ramet_http_server *server)
{
	struct ramet_http_stats s;
	char text[256], now[32];
	time_t t = time(NULL);
	struct tm tm;
	int n;

	ramet_http_get_stats(server, &s);
	strftime(now, sizeof now, "%FT%TZ", gmtime_r(&t, &tm));
	n = snprintf(text, sizeof text,
		     "{\"time\": \"%s\", \"requests\": %llu, "
		     "\"connections\": %llu, \"chatting\": %d, "
		     "\"bytes_out\": %llu}\n",
		     now, (unsigned long long)s.requests,
		     (unsigned long long)s.connections, chatting(),
		     (unsigned long long)s.bytes_out);
	ramet_http_set(h, "Cache-Control", "no-store");
	ramet_http_reply(h, 200, "application/json", text, (size_t)n);
}
