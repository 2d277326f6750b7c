/* crawl_report.c - what came of it: a table, a list or JSON.
 * Part of crawl. */
#include "crawl.h"
#include "crawl_text.h"
#include "origin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sums {
	size_t by_state[3];
	int64_t one_by_one; /* the time of all that were fetched */
	const char *why;    /* the first failure */
	size_t threads, peak_kib;
	struct ramet_stats stats;
};

/* A number of /proc/self/status. */
static size_t status(const char *field)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	size_t value = 0;

	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, field, strlen(field)) == 0)
			value = strtoul(line + strlen(field), NULL, 10);
	if (f)
		fclose(f);
	return value;
}

static struct sums add_up(const struct crawl *c)
{
	struct sums s = {.threads = status("Threads:"),
			 .peak_kib = status("VmHWM:")};

	ramet_get_stats(&s.stats);
	for (const struct page *p = c->pages; p < c->pages + c->count; p++) {
		s.by_state[p->state]++;
		if (p->state == PAGE_FETCHED)
			s.one_by_one += p->time;
		else if (!s.why)
			s.why = p->why;
	}
	return s;
}

static double calls_per_page(const struct crawl *c, const struct sums *s)
{
	return (double)s->stats.system_calls / (double)c->count;
}

/* ---- as a table --------------------------------------------------------- */

static const char *bold = "", *grey = "", *normal = "";

static void use_colours(void)
{
	const char *no_color = getenv("NO_COLOR");

	if (!isatty(STDOUT_FILENO) || (no_color && *no_color))
		return;
	bold = "\033[1m";
	grey = "\033[90m";
	normal = "\033[m";
}

static void row(const char *label, struct text value, const char *remark)
{
	printf("  %-15s%s%12s%s", label, bold, value.s, normal);
	if (*remark)
		printf("   %s%s%s", grey, remark, normal);
	printf("\n");
}

static void print_table(const struct crawl *c, const struct sums *s)
{
	size_t silent = c->demo ? origin_silent(c->count) : 0;
	char remark[128];
	struct text calls;

	use_colours();
	printf("\n  %s%s pages, %s at a time, one deadline of %g s%s\n\n", bold,
	       text_count(c->count).s, text_count(c->at_once).s,
	       (double)c->limit / RAMET_SEC, normal);
	snprintf(remark, sizeof remark, "the last after %s",
		 text_time(c->last - c->start).s);
	row("fetched", text_count(s->by_state[PAGE_FETCHED]), remark);
	snprintf(remark, sizeof remark, "%s never answer",
		 text_count(silent).s);
	row("timed out", text_count(s->by_state[PAGE_LATE]), remark);
	row("failed", text_count(s->by_state[PAGE_FAILED]),
	    s->why ? s->why : "");
	printf("\n");
	snprintf(remark, sizeof remark, "one after another: %s",
		 text_time(s->one_by_one).s);
	row("time", text_time(c->end - c->start), remark);
	row("OS threads", text_count(s->threads), "one is the watchdog's");
	snprintf(remark, sizeof remark,
		 "at most at one time, %s in all, %s switches",
		 text_count(s->stats.spawned).s,
		 text_count(s->stats.switches).s);
	row("green threads", text_count(s->stats.live_max), remark);
	row("peak memory", text_memory(s->peak_kib), "");
	snprintf(calls.s, sizeof calls.s, "%.1f", calls_per_page(c, s));
	row("system calls", calls, "per page");
	printf("\n");
}

/* ---- as a list ---------------------------------------------------------- */

static void print_list(const struct crawl *c, const struct sums *s)
{
	for (const struct page *p = c->pages; p < c->pages + c->count; p++) {
		if (p->status)
			printf("%3d %12s bytes  %8s  %s", p->status,
			       text_count(p->size).s, text_time(p->time).s,
			       p->url);
		else
			printf("%3s %12s        %8s  %s", "-", "-", "-",
			       p->url);
		if (p->state == PAGE_LATE)
			printf("  (timed out)");
		else if (p->why)
			printf("  (%s)", p->why);
		printf("\n");
	}
	printf("%s fetched, %s timed out, %s failed in %s\n",
	       text_count(s->by_state[PAGE_FETCHED]).s,
	       text_count(s->by_state[PAGE_LATE]).s,
	       text_count(s->by_state[PAGE_FAILED]).s,
	       text_time(c->end - c->start).s);
}

/* ---- as JSON ------------------------------------------------------------ */

static void print_string(const char *text)
{
	putchar('"');
	for (; *text; text++)
		if (strchr("\"\\", *text))
			printf("\\%c", *text);
		else if ((unsigned char)*text < ' ')
			printf("\\u%04x", *text);
		else
			putchar(*text);
	putchar('"');
}

static void print_urls(const struct crawl *c)
{
	static const char *const states[] = {"timed out", "fetched", "failed"};

	printf(",\n \"urls\": [");
	for (const struct page *p = c->pages; p < c->pages + c->count; p++) {
		printf("%s\n  {\"url\": ", p == c->pages ? "" : ",");
		print_string(p->url);
		printf(", \"state\": \"%s\", \"status\": %d, \"size\": %zu, "
		       "\"seconds\": %.6f}",
		       states[p->state], p->status, p->size,
		       (double)p->time / RAMET_SEC);
	}
	printf("]");
}

static void print_json(const struct crawl *c, const struct sums *s)
{
	printf("{\"pages\": %zu, \"at_once\": %zu, \"deadline_seconds\": %g,\n"
	       " \"fetched\": %zu, \"timed_out\": %zu, \"failed\": %zu,\n"
	       " \"seconds\": %.6f, \"last_page_seconds\": %.6f, "
	       "\"one_by_one_seconds\": %.6f,\n",
	       c->count, c->at_once, (double)c->limit / RAMET_SEC,
	       s->by_state[PAGE_FETCHED], s->by_state[PAGE_LATE],
	       s->by_state[PAGE_FAILED],
	       (double)(c->end - c->start) / RAMET_SEC,
	       (double)(c->last - c->start) / RAMET_SEC,
	       (double)s->one_by_one / RAMET_SEC);
	printf(" \"os_threads\": %zu, \"peak_memory_kib\": %zu, "
	       "\"system_calls_per_page\": %.2f,\n"
	       " \"green_threads\": %" PRIu64 ", \"switches\": %" PRIu64,
	       s->threads, s->peak_kib, calls_per_page(c, s), s->stats.live_max,
	       s->stats.switches);
	if (!c->demo)
		print_urls(c);
	printf("}\n");
}

/* ---- all of it ---------------------------------------------------------- */

int crawl_report(const struct crawl *c)
{
	struct sums s = add_up(c);
	size_t silent = c->demo ? origin_silent(c->count) : 0;

	if (c->json)
		print_json(c, &s);
	else if (c->demo)
		print_table(c, &s);
	else
		print_list(c, &s);
	return s.by_state[PAGE_LATE] > silent || s.by_state[PAGE_FAILED];
}
