/* hosts.c - hosts(5), by name through a hash table: there are files with a
 * hundred thousand lines. */
#include "net/names/config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

struct hosts_name {
	const char *name;
	uint32_t line, next; /* both plus one: 0 is none */
};

/* FNV-1a, of the name in lower case. */
static uint32_t hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint32_t)tolower((unsigned char)*name)) * 16777619u;
	return h;
}

/* No more lines than there are ends of lines, nor names than there are gaps. */
static void count(const char *text, size_t *lines, size_t *names)
{
	*lines = *names = 1;
	for (; *text; text++) {
		*lines += *text == '\n';
		*names += !isspace((unsigned char)text[0]) &&
			  (isspace((unsigned char)text[1]) || !text[1]);
	}
}

/* The words of a line behind its address, brought together. */
static void add_line(struct hosts *h, char *line)
{
	struct hosts_line *l = &h->lines[h->count];
	char *word = ramet__next_word(&line), *to;

	if (!word)
		return;
	l->family = AF_INET;
	if (inet_pton(AF_INET, word, l->addr) != 1) {
		l->family = AF_INET6;
		if (inet_pton(AF_INET6, word, l->addr) != 1)
			return;
	}
	l->names = to = line;
	l->count = 0;
	while ((word = ramet__next_word(&line))) {
		size_t size = strlen(word) + 1;

		h->names[h->name_count++] =
			(struct hosts_name){to, (uint32_t)h->count + 1, 0};
		memmove(to, word, size);
		to += size;
		l->count++;
	}
	h->count += l->count > 0;
}

/* The last first, so that each chain is in the order of the file. */
static void make_index(struct hosts *h)
{
	for (size_t i = h->name_count; i--;) {
		uint32_t *bucket =
			&h->buckets[hash(h->names[i].name) & h->mask];

		h->names[i].next = *bucket;
		*bucket = (uint32_t)i + 1;
	}
}

int ramet__hosts_parse(struct hosts *h, char *text)
{
	size_t lines, names;
	char *line;

	count(text, &lines, &names);
	for (h->mask = 16; h->mask < names;)
		h->mask *= 2;
	h->lines = kernel_alloc(lines * sizeof *h->lines);
	h->names = kernel_alloc(names * sizeof *h->names);
	h->buckets = kernel_alloc(h->mask * sizeof *h->buckets);
	h->mask--;
	if (!h->lines || !h->names || !h->buckets)
		return -ENOMEM;
	while ((line = ramet__next_line(&text, "#")))
		add_line(h, line);
	make_index(h);
	return 0;
}

void ramet__hosts_fini(struct hosts *h)
{
	kernel_free(h->lines);
	kernel_free(h->names);
	kernel_free(h->buckets);
}

const struct hosts_line *ramet__hosts_next(const struct hosts *h,
					   const char *name,
					   const struct hosts_line *last)
{
	uint32_t i = h->buckets ? h->buckets[hash(name) & h->mask] : 0;

	for (; i; i = h->names[i - 1].next) {
		const struct hosts_name *n = &h->names[i - 1];
		const struct hosts_line *l = &h->lines[n->line - 1];

		if ((!last || l > last) && strcasecmp(n->name, name) == 0)
			return l;
	}
	return NULL;
}

const struct hosts_line *ramet__hosts_by_addr(const struct hosts *h, int family,
					      const void *addr)
{
	size_t size = family == AF_INET ? 4 : 16;

	for (size_t i = 0; i < h->count; i++)
		if (h->lines[i].family == family &&
		    memcmp(h->lines[i].addr, addr, size) == 0)
			return &h->lines[i];
	return NULL;
}
