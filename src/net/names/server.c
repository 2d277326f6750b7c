/* server.c - how much a name server is asked at a time.
 *
 * Queries beyond what fits into its receive buffer are lost, and each loss
 * takes seconds to notice.  So there is a window: 128 at first, one more for
 * each reply, half for each loss.
 */
#include "net/names/question.h"

#include "sync/sync.h"

#include <netinet/in.h>
#include <string.h>

enum {
	WINDOW_FIRST = CHANNEL_QUERIES,
	WINDOW_MIN = 16,
	WINDOW_MAX = 2 * CHANNEL_QUERIES,
};

/* ---- the list ----------------------------------------------------------- */

struct server *ramet__server_get(struct server **list,
				 const struct sockaddr_storage *addr)
{
	struct server *s;

	for (s = *list; s; s = s->next)
		if (memcmp(&s->addr, addr, sizeof *addr) == 0)
			break;
	if (!s) {
		s = kernel_alloc(sizeof *s);
		if (!s)
			return NULL;
		s->addr = *addr;
		s->addr_size = addr->ss_family == AF_INET
				       ? sizeof(struct sockaddr_in)
				       : sizeof(struct sockaddr_in6);
		s->window = WINDOW_FIRST;
		s->next = *list;
		*list = s;
	}
	s->users++;
	return s;
}

void ramet__server_put(struct server **list, struct server *s)
{
	if (--s->users)
		return;
	while (*list != s)
		list = &(*list)->next;
	*list = s->next;
	kernel_free(s);
}

/* ---- turns -------------------------------------------------------------- */

static bool has_room(const struct server *s, unsigned n)
{
	return s->in_flight == 0 || s->in_flight + n <= s->window;
}

int ramet__server_begin(struct loop *l, struct server *s, unsigned n)
{
	struct ramet_waiter w = {.ramet = l->current, .tag = (int)n};
	int err = ramet__interrupted(l);

	if (err < 0)
		return err;
	if (!sync_first(&s->turns) && has_room(s, n)) {
		s->in_flight += n;
		return 0;
	}
	waitq_append(&s->turns, &w);
	err = ramet__park(l, WAIT_WRITE, NULL); /* 0: counted by who woke us */
	waitq_remove(&w);
	return err;
}

void ramet__server_end(struct server *s, unsigned n, unsigned lost)
{
	struct ramet_waiter *w;

	s->in_flight -= n;
	s->window += n - lost;
	if (lost)
		s->window /= 2;
	if (s->window > WINDOW_MAX)
		s->window = WINDOW_MAX;
	if (s->window < WINDOW_MIN)
		s->window = WINDOW_MIN;
	while ((w = sync_first(&s->turns)) && has_room(s, (unsigned)w->tag)) {
		s->in_flight += (unsigned)w->tag;
		waitq_remove(w);
		ramet__wake(w->ramet, 0);
	}
}
