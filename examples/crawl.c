/* crawl.c - thousands of pages, a green thread for each, one deadline for all.
 * Run: crawl --demo, or crawl http://192.0.2.1/ ... (crawl --help says more) */
#include "crawl.h"
#include "origin.h"

static void *fetch(void *p)
{
	struct page *page = p;
	struct crawl *c = page->crawl;
	int64_t start = ramet_now();

	http_get(page); /* ordinary blocking code */
	page->time = ramet_now() - start;
	if (page->state != PAGE_LATE) {
		c->last = start + page->time;
		c->ended++;
	}
	ramet_sem_post(&c->slots);
	return NULL;
}

static void crawl(struct crawl *c)
{
	ramet_sem_init(&c->slots, c->at_once);
	c->start = ramet_now();
	RAMET_WITHIN(c->limit) {
		ramet_auto_group group;

		ramet_group_open(&group, RAMET_ALL);
		for (size_t i = 0; i < c->count; i++)
			if (ramet_sem_wait(&c->slots) < 0 ||
			    !ramet_go(&group, fetch, &c->pages[i]))
				break; /* out of time, or of memory */
		ramet_group_wait(&group);
	} /* what is still on its way now is cancelled */
	c->end = ramet_now();
}

int main(int argc, char **argv)
{
	struct crawl c = {0};
	struct ramet *progress;
	pid_t origin;

	crawl_options(&c, argc, argv);
	origin = crawl_demo(&c);
	progress = ramet_spawn(crawl_progress, &c);
	crawl(&c);
	ramet_cancel(progress);
	ramet_join(progress, NULL);
	origin_stop(origin);
	return crawl_report(&c);
}
