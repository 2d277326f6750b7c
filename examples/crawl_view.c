/* crawl_view.c - the progress bar: one more green thread that sleeps mostly.
 * Part of crawl. */
#include "crawl.h"
#include "crawl_text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { CELLS_MAX = 40, BESIDE_BAR = 58, FRAME_MS = 40 };

#define CLEAR_LINE "\r\033[K"

struct style {
	const char *done, *left;
	const char *green, *grey, *normal;
};

static struct style choose_style(void)
{
	const char *no_color = getenv("NO_COLOR"); /* see no-color.org */
	struct style s = {"=", "-", "", "", ""};

	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0) {
		s.done = "\u2501"; /* a heavy line */
		s.left = "\u2500"; /* a light one */
	}
	if (!no_color || !*no_color) {
		s.green = "\033[32m";
		s.grey = "\033[90m";
		s.normal = "\033[m";
	}
	return s;
}

static int cells(void)
{
	struct winsize size = {0};
	int n;

	ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
	n = (size.ws_col ? size.ws_col : 80) - BESIDE_BAR;
	return n < 0 ? 0 : n > CELLS_MAX ? CELLS_MAX : n;
}

static void draw(const struct crawl *c, const struct style *s)
{
	char line[1024];
	FILE *out = fmemopen(line, sizeof line, "w");
	int n = cells(), done = (int)(c->ended * (size_t)n / c->count);

	if (!out)
		return;
	fprintf(out, CLEAR_LINE "  %s", s->green);
	for (int i = 0; i < n; i++)
		fprintf(out, "%s%s", i == done ? s->grey : "",
			i < done ? s->done : s->left);
	fprintf(out, "%s  %s of %s pages, %s on their way, %.1f of %g s",
		s->normal, text_count(c->ended).s, text_count(c->count).s,
		text_count(c->at_once - c->slots.value).s,
		(double)(ramet_now() - c->start) / RAMET_SEC,
		(double)c->limit / RAMET_SEC);
	n = (int)ftell(out);
	fclose(out);
	ramet_write_all(STDERR_FILENO, line, (size_t)n);
}

void *crawl_progress(void *p)
{
	const struct crawl *c = p;
	struct style s = choose_style();

	if (!isatty(STDERR_FILENO))
		return NULL;
	while (ramet_sleep(FRAME_MS * RAMET_MS) == 0)
		draw(c, &s);
	RAMET_SHIELD(RAMET_SEC) /* we are cancelled, but clean up */
		ramet_write_all(STDERR_FILENO, CLEAR_LINE, strlen(CLEAR_LINE));
	return NULL;
}
