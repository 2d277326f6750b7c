/* crawl_options.c - the command line of crawl.  Run: crawl --help */
#include "crawl.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define USAGE                                                                  \
	"usage: crawl --demo [OPTION...]\n"                                    \
	"       crawl [OPTION...] URL...\n"

static const char help[] = USAGE
	"\n"
	"Fetches pages, all at once, on one OS thread.  URLs begin with "
	"http://.\n"
	"  --demo              pages of a server that crawl starts by itself: "
	"each\n"
	"                      takes 10 to 500 ms, one in 500 never comes\n"
	"  --pages N           how many of them (5000)\n"
	"  --at-once N         on their way at a time (2000)\n"
	"  --deadline SECONDS  for everything together (5)\n"
	"  --json              the result as JSON\n"
	"  --help              this text\n"
	"\n"
	"Exit status: 0 if all came that could, 1 if not, 2 for wrong "
	"arguments.\n";

static _Noreturn __attribute__((format(printf, 1, 2))) void misuse(
	const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("crawl: ", stderr);
	vfprintf(stderr, fmt, args);
	fputs("; crawl --help says more\n", stderr);
	va_end(args);
	exit(2);
}

static double number(const char *option, const char *text, double min)
{
	char *end;
	double n = strtod(text, &end);

	if (end == text || *end || !(n >= min && n <= 1e6))
		misuse("--%s cannot be '%s'", option, text);
	return n;
}

static size_t count(const char *option, const char *text)
{
	size_t n = (size_t)number(option, text, 1);

	if (strspn(text, "0123456789") != strlen(text))
		misuse("--%s cannot be '%s'", option, text);
	return n;
}

/* Each page on its way takes a descriptor; some are for the rest. */
static void raise_fd_limit(size_t at_once)
{
	enum { THE_REST = 24 };
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max >= at_once + THE_REST)
		return;
	fprintf(stderr,
		"crawl: %zu pages at a time need %zu file descriptors, but "
		"the hard limit is %ju (ulimit -Hn)\n",
		at_once, at_once + THE_REST, (uintmax_t)limit.rlim_max);
	exit(1);
}

static void add_pages(struct crawl *c, char **urls)
{
	c->pages = calloc(c->count, sizeof *c->pages);
	if (!c->pages) {
		perror("crawl");
		exit(1);
	}
	for (size_t i = 0; i < c->count; i++)
		c->pages[i].crawl = c;
	for (size_t i = 0; urls[i]; i++) {
		if (!http_url_ok(urls[i]))
			misuse("'%s' is no http:// URL", urls[i]);
		c->pages[i].url = urls[i];
	}
}

void crawl_options(struct crawl *c, int argc, char **argv)
{
	static const struct option options[] = {
		{"demo", no_argument, NULL, 'm'},
		{"pages", required_argument, NULL, 'p'},
		{"at-once", required_argument, NULL, 'a'},
		{"deadline", required_argument, NULL, 'd'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	double seconds = 5;

	c->at_once = 2000;
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
		switch (o) {
		case 'm':
			c->demo = true;
			break;
		case 'p':
			c->count = count("pages", optarg);
			break;
		case 'a':
			c->at_once = count("at-once", optarg);
			break;
		case 'd':
			seconds = number("deadline", optarg, 0.001);
			break;
		case 'j':
			c->json = true;
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default: /* getopt has said why */
			fputs(USAGE, stderr);
			exit(2);
		}
	c->limit = (int64_t)(seconds * (double)RAMET_SEC);
	argv += optind;
	argc -= optind;
	if (c->demo ? argc : !argc)
		misuse(c->demo ? "--demo takes no URLs" : "--demo or URLs?");
	if (c->count && !c->demo)
		misuse("--pages is for --demo");
	if (!c->demo)
		c->count = (size_t)argc;
	else if (!c->count)
		c->count = 5000;
	if (c->at_once > c->count)
		c->at_once = c->count;
	raise_fd_limit(c->at_once);
	add_pages(c, argv);
}
