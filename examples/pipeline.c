/* pipeline.c - three stages with bounded queues between them: whoever is fast
 * waits for whoever is slow, and no more than the queues hold is under way. */
#include <ramet.h>

#include <stdio.h>

enum { ITEMS = 50, ROOM = 4 };

static struct stage {
	struct ramet_queue *in, *out; /* NULL: the first, the last */
	int64_t takes;                /* ns an item */
	int handled;
} stages[] = {{.takes = 0}, {.takes = RAMET_MS}, {.takes = 2 * RAMET_MS}};

static void report(void)
{
	printf("read %d, packed %d, sent %d; %zu and %zu wait\n",
	       stages[0].handled, stages[1].handled, stages[2].handled,
	       ramet_queue_count(stages[1].in),
	       ramet_queue_count(stages[2].in));
}

/* A put waits while the next stage has ROOM items to do: that is all there is
 * to back-pressure. */
static void *run(void *p)
{
	struct stage *s = p;

	for (int i = 0; s->in ? ramet_queue_get(s->in, &i) == 1 : i < ITEMS;
	     i++) {
		ramet_sleep(s->takes);
		s->handled++;
		if (s->out)
			ramet_queue_put(s->out, &i);
		else if (s->handled % 10 == 0)
			report();
	}
	if (s->out)
		ramet_queue_shutdown(s->out, 0); /* nothing more comes */
	return NULL;
}

int main(void)
{
	struct ramet_queue_opts opts = {.item_size = sizeof(int),
					.capacity = ROOM};
	ramet_auto_group group;

	ramet_group_open(&group, RAMET_ALL);
	for (int i = 0; i < 2; i++)
		stages[i].out = stages[i + 1].in = ramet_queue_new(&opts);
	for (int i = 0; i < 3; i++)
		ramet_go(&group, run, &stages[i]);
	ramet_group_wait(&group);
	for (int i = 0; i < 2; i++)
		ramet_queue_free(stages[i].out);
}
