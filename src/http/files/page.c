/* page.c - writes the page, piece by piece.  It needs nothing from elsewhere,
 * and no script. */
#include "http/files/page.h"
#include "http/files/text.h"

#include <limits.h>
#include <string.h>

static const char head_start[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\">\n"
	"<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<link rel=\"icon\" href=\"data:,\">\n"
	"<title>";

static const char head_end[] =
	"</title>\n"
	"<style>\n"
	":root { color-scheme: light dark; }\n"
	"body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem;\n"
	"  margin: 2rem auto; padding: 0 1rem; }\n"
	"h1 { font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere; "
	"}\n"
	"table { border-collapse: collapse; width: 100%; }\n"
	"th { text-align: left; font-weight: 500; opacity: 0.7; }\n"
	"th, td { padding: 0.3rem 0.5rem; border-bottom: 1px solid #8884; }\n"
	"th:first-child { width: 100%; }\n"
	"td:first-child { overflow-wrap: anywhere; }\n"
	"td + td, th + th { text-align: right; white-space: nowrap;\n"
	"  font-variant-numeric: tabular-nums; }\n"
	"tbody tr:hover { background: #8882; }\n"
	"a { text-decoration: none; }\n"
	"a:hover, a:focus { text-decoration: underline; }\n"
	"@media (max-width: 32rem) { td:last-child, th:last-child "
	"{ display: none; } }\n"
	"</style>\n"
	"</head>\n"
	"<body>\n"
	"<h1>";

static const char table_start[] =
	"</h1>\n"
	"<table>\n"
	"<thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Size</th>"
	"<th scope=\"col\">Changed (UTC)</th></tr></thead>\n"
	"<tbody>\n";

static const char page_end[] = "</body>\n</html>\n";

/* Names of up to NAME_MAX bytes, as directory.c has them, twice. */
enum { ROW = TEXT_URL_MAX(NAME_MAX) + TEXT_HTML_MAX(NAME_MAX) + 256 };

static int put(struct ramet_http *h, const char *text)
{
	return ramet__http_write(h, text, strlen(text));
}

/* Room for the path as it is written; taken before anything is said. */
struct room {
	char *url, *html, *part;
};

static bool take_room(struct ramet_http *h, const char *path, struct room *r)
{
	size_t size = strlen(path);

	r->url = ramet__http_alloc(h, TEXT_URL_MAX(size));
	r->html = ramet__http_alloc(h, TEXT_HTML_MAX(size));
	r->part = ramet__http_alloc(h, size + 1);
	return r->url && r->html && r->part;
}

static int put_link(struct ramet_http *h, const char *url, const char *html)
{
	int err = put(h, "<a href=\"");

	if (err == 0)
		err = put(h, url);
	if (err == 0)
		err = put(h, "\">");
	if (err == 0)
		err = put(h, html);
	return err < 0 ? err : put(h, "</a>");
}

/* The path in pieces, each a link to where it leads. */
static int put_path(struct ramet_http *h, const char *path,
		    const struct room *r)
{
	size_t size = strlen(path);
	int err = 0;

	for (size_t at = 0, end; at < size && err == 0; at = end) {
		end = at + strcspn(path + at, "/") + 1;
		memcpy(r->part, path, end);
		r->part[end] = '\0';
		ramet__text_url(r->url, r->part);
		ramet__text_html(r->html, r->part + at);
		err = put_link(h, r->url, r->html);
	}
	return err;
}

/* "06 Nov 1994 08:49", of the date as HTTP has it. */
static char *put_date(char *to, int64_t seconds)
{
	enum { FROM = sizeof "Sun, " - 1, SIZE = sizeof "06 Nov 1994 08:49" };
	char date[HTTP_DATE];

	ramet__http_date(seconds, date);
	memcpy(to, date + FROM, SIZE - 1);
	return to + SIZE - 1;
}

static int put_row(struct ramet_http *h, const struct entry *e)
{
	char buf[ROW], size[TEXT_SIZE], *to = buf;

	/* "./": a name with a colon would be taken for a scheme. */
	to = stpcpy(to, "<tr><td><a href=\"./");
	to = ramet__text_url(to, e->name);
	to = stpcpy(to, e->directory ? "/\">" : "\">");
	to = ramet__text_html(to, e->name);
	to = stpcpy(to, e->directory ? "/</a></td><td>" : "</a></td><td>");
	if (!e->directory && !e->link) {
		ramet__text_size(size, e->size);
		to = stpcpy(to, size);
	}
	to = stpcpy(to, "</td><td>");
	if (!e->link)
		to = put_date(to, e->modified);
	to = stpcpy(to, "</td></tr>\n");
	return ramet__http_write(h, buf, (size_t)(to - buf));
}

static int put_table(struct ramet_http *h, const char *path,
		     const struct directory *d)
{
	int err = put(h, table_start);

	if (err == 0 && path[1])
		err = put(h, "<tr><td><a href=\"../\">../</a></td><td></td>"
			     "<td></td></tr>\n");
	for (size_t i = 0; i < d->count && err == 0; i++)
		err = put_row(h, &d->entries[i]);
	if (err == 0)
		err = put(h, "</tbody>\n</table>\n");
	if (err == 0 && !d->count)
		err = put(h, "<p>There are no files here.</p>\n");
	if (err == 0 && d->more)
		err = put(h, "<p>There are more, which are not listed.</p>\n");
	return err;
}

int ramet__page_answer(struct ramet_http *h, const char *path,
		       const struct directory *d)
{
	struct room r;
	int err;

	if (!take_room(h, path, &r))
		return -ENOMEM;
	ramet__text_html(r.html, path);
	err = ramet__http_begin(h, 200, "text/html; charset=utf-8", -1);
	if (err == 0)
		err = put(h, head_start);
	if (err == 0)
		err = put(h, r.html);
	if (err == 0)
		err = put(h, head_end);
	if (err == 0)
		err = put_path(h, path, &r);
	if (err == 0)
		err = put_table(h, path, d);
	if (err == 0)
		err = put(h, page_end);
	return err < 0 ? err : ramet__http_end(h, NULL, 0);
}
