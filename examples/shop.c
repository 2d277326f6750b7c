/* shop.c - in three kinds of trouble: docs/guide-stuck-slow-leaking.md */
#include <ramet.h>
#include <stdlib.h>

static struct ramet_mutex stock, cash, *in_turn[] = {&stock, &cash, &stock};
static struct ramet_chan *orders;
static volatile long sum;

static void *trade(void *arg)
{
	struct ramet_mutex **locks = arg;

	ramet_mutex_lock(locks[0]);
	ramet_sleep(10 * RAMET_MS);
	ramet_mutex_lock(locks[1]);
	return NULL;
}

static int by_price(const void *a, const void *b)
{
	for (int i = 0; i < 30000; i++)
		sum += i;
	return *(const int *)a - *(const int *)b;
}

static void *report(void *unused)
{
	int prices[2000];

	for (int i = 0; i < 2000; i++)
		prices[i] = rand();
	qsort(prices, 2000, sizeof *prices, by_price);
	return unused;
}

static void *wait_for_order(void *order)
{
	return ramet_chan_recv(orders, &order) < 0 ? order : NULL;
}

static struct ramet *start(const char *name, void *(*fn)(void *), void *arg)
{
	return ramet_spawn_opts(fn, arg, &(struct ramet_opts){.name = name});
}

int main(int argc, char **argv)
{
	orders = ramet_chan_new(sizeof(void *), 0);
	if (argc > 1 && argv[1][0] == 's' && start("buy", trade, in_turn))
		ramet_join(start("refund", trade, in_turn + 1), NULL);
	for (int i = 0; i < 1000; i++)
		start("order", wait_for_order, NULL);
	start("report", report, NULL);
	for (int i = 0; i < 60; i++)
		ramet_sleep(RAMET_SEC);
}
