/* status.c - the server's figures as JSON; how often is a metric of its own. */
#include "httpd.h"

#include <stdio.h>
#include <time.h>

static struct ramet_metric *asked; /* NULL: there was no memory */

void status_begin(void)
{
	const struct ramet_metric_opts opts =
		{.kind = RAMET_COUNTER,
		 .name = "httpd_status_total",
		 .help = "Times the status was asked for."};

	asked = ramet_metric_new(&opts);
}

void status(struct ramet_http *h, struct ramet_http_server *server)
{
	struct ramet_http_stats s;
	char text[256], now[32];
	time_t t = time(NULL);
	struct tm tm;
	int n;

	ramet_metric_add(asked, 1);
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
