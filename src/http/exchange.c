/* exchange.c - exchanges are taken and given back, and their arenas. */
#include "http/server.h"

#include <string.h>

struct http_block {
	struct http_block *next;
	uint64_t data[];
};

/* ---- the arena ----------------------------------------------------------- */

void *ramet__http_alloc(struct ramet_http *h, size_t size)
{
	uint32_t at = (h->space_used + 7) & ~UINT32_C(7);
	struct http_block *b;

	if (likely(size <= HTTP_SPACE - (size_t)at)) {
		h->space_used = at + (uint32_t)size;
		return h->space + at;
	}
	if (size > PTRDIFF_MAX - sizeof *b)
		return NULL;
	b = kernel_alloc(sizeof *b + size);
	if (!b)
		return NULL;
	b->next = h->blocks;
	h->blocks = b;
	return b->data;
}

static void free_blocks(struct ramet_http *h)
{
	struct http_block *b;

	while ((b = h->blocks)) {
		h->blocks = b->next;
		kernel_free(b);
	}
	h->space_used = 0;
}

/* ---- taken and given ----------------------------------------------------- */

void ramet__exchange_reset(struct ramet_http *h)
{
	if (unlikely(h->blocks != NULL))
		free_blocks(h);
	if (unlikely(h->kept != NULL))
		kernel_free(h->kept);
	if (unlikely(h->body != NULL))
		kernel_free(h->body);
	memset((char *)h + offsetof(struct ramet_http, text), 0,
	       offsetof(struct ramet_http, space) -
		       offsetof(struct ramet_http, text));
	h->lines_end = &h->lines;
	ramet__head_init(&h->head);
}

static struct ramet_http *new_exchange(void)
{
	struct ramet_http *h = kernel_alloc(sizeof *h);

	if (!h)
		return NULL;
	h->in.data = kernel_alloc(INPUT_SIZE);
	if (!h->in.data) {
		kernel_free(h);
		return NULL;
	}
	h->in.size = INPUT_SIZE;
	ramet__exchange_reset(h);
	return h;
}

int ramet__exchange_take(struct http_conn *c)
{
	struct ramet_http_server *s = c->server;
	struct ramet_http *h = s->spare;

	if (c->h)
		return 0;
	if (h) {
		s->spare = h->next;
		s->spares--;
	} else {
		h = new_exchange();
	}
	if (!h)
		return -ENOMEM;
	h->next = NULL;
	h->server = s;
	h->link = c;
	h->conn = c->conn;
	c->h = h;
	return 0;
}

static void free_exchange(struct ramet_http *h)
{
	kernel_free(h->in.data);
	kernel_free(h->out.data);
	kernel_free(h);
}

void ramet__exchange_give(struct http_conn *c)
{
	struct ramet_http_server *s = c->server;
	struct ramet_http *h = c->h;

	if (!h)
		return;
	c->h = NULL;
	ramet__exchange_reset(h);
	if (s->spares >= FREE_MAX || h->in.size > INPUT_SIZE ||
	    h->out.size > OUTPUT_KEPT) {
		free_exchange(h);
		return;
	}
	h->in.at = h->in.end = 0;
	h->out.at = h->out.end = 0;
	h->next = s->spare;
	s->spare = h;
	s->spares++;
}

void ramet__exchange_free_spares(struct ramet_http_server *s)
{
	struct ramet_http *h;

	while ((h = s->spare)) {
		s->spare = h->next;
		free_exchange(h);
	}
	s->spares = 0;
}
