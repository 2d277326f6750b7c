/* sieve.c - primes by a chain of green threads: each passes on to the next what
 * its own prime does not divide.  Run: sieve [HOW_MANY] */
#include <ramet.h>

#include <stdio.h>
#include <stdlib.h>

struct filter {
	int prime;
	struct ramet_chan *in;
};

static void *count_up(void *out)
{
	for (int n = 2; ramet_chan_send(out, &n) > 0; n++)
		;
	return NULL;
}

static void *filter(void *p)
{
	struct filter *f = p, *next = f + 1;

	for (int n; ramet_chan_recv(f->in, &n) > 0;)
		if (n % f->prime && ramet_chan_send(next->in, &n) < 0)
			break;
	return NULL;
}

/* What comes through all the filters so far is the next prime, and gets a
 * filter of its own.  Leaving the group ends them all. */
static void sieve(struct filter *filters, size_t count)
{
	ramet_auto_group group;

	ramet_group_open(&group, RAMET_ALL);
	ramet_go(&group, count_up, filters[0].in);
	for (struct filter *f = filters; f < filters + count; f++) {
		ramet_chan_recv(f->in, &f->prime);
		printf("%d\n", f->prime);
		ramet_go(&group, filter, f);
	}
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 25;
	struct filter *filters = calloc(count + 1, sizeof *filters);

	for (size_t i = 0; i <= count; i++)
		filters[i].in = ramet_chan_new(sizeof(int), 0);
	sieve(filters, count);
	for (size_t i = 0; i <= count; i++)
		ramet_chan_free(filters[i].in);
	free(filters);
	return 0;
}
