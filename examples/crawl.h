/* crawl.h - what the parts of the crawler share. */
#ifndef CRAWL_H
#define CRAWL_H

#include <ramet.h>

#include <stdbool.h>

enum state { PAGE_LATE, PAGE_FETCHED, PAGE_FAILED };

struct page {
	struct crawl *crawl;
	char *url;
	enum state state;
	int status;      /* of the answer */
	size_t size;     /* of its body */
	int64_t time;    /* that it took */
	const char *why; /* it failed */
};

struct crawl {
	struct page *pages;
	size_t count, at_once;
	int64_t limit; /* for everything together */
	bool demo, json;
	struct ramet_sem slots;
	size_t ended;             /* pages fetched or failed so far */
	int64_t start, last, end; /* last: when the last page came */
};

/* crawl_options.c: fill in the first half of *c.  Exits after --help, and with
 * status 2 after misuse. */
void crawl_options(struct crawl *c, int argc, char **argv);

/* crawl_demo.c: start the server of --demo and make the pages its own.  Exits
 * if that fails.  Returns the server's process, 0 without --demo. */
pid_t crawl_demo(struct crawl *c);

/* crawl_http.c: fetch page->url, fill in all that is known then.  A caller
 * that is cancelled leaves a page that is late. */
void http_get(struct page *page);
bool http_url_ok(const char *url);

/* crawl_view.c: draw a progress bar on standard error, if that is a terminal,
 * until cancelled. */
void *crawl_progress(void *crawl);

/* crawl_report.c: print what came of it.  Returns the exit status. */
int crawl_report(const struct crawl *c);

#endif
