/* services.c - services(5). */
#include "net/names/config.h"

#include <stdlib.h>
#include <string.h>

static void add(struct services *s, const char *name, const char *protocol,
		uint16_t port, bool alias)
{
	s->list[s->count++] = (struct service){name, protocol, port, alias};
}

/* "name port/protocol alias..." */
static void add_line(struct services *s, char *line)
{
	char *name = ramet__next_word(&line), *word, *slash;
	unsigned long port;

	word = name ? ramet__next_word(&line) : NULL;
	if (!word)
		return;
	port = strtoul(word, &slash, 10);
	if (*slash != '/' || port > 65535)
		return;
	add(s, name, slash + 1, (uint16_t)port, false);
	while ((word = ramet__next_word(&line)))
		add(s, word, slash + 1, (uint16_t)port, true);
}

static size_t most(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == ' ' || *text == '\t' || *text == '\n';
	return n;
}

int ramet__services_parse(struct services *s, char *text)
{
	char *line;

	s->list = kernel_alloc(most(text) * sizeof *s->list);
	if (!s->list)
		return -ENOMEM;
	while ((line = ramet__next_line(&text, "#")))
		add_line(s, line);
	return 0;
}

int ramet__service_port(const struct services *s, const char *name,
			const char *protocol)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->list[i].name, name) == 0 &&
		    strcmp(s->list[i].protocol, protocol) == 0)
			return s->list[i].port;
	return -1;
}

const char *ramet__service_name(const struct services *s, uint16_t port,
				const char *protocol)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i].port == port && !s->list[i].alias &&
		    strcmp(s->list[i].protocol, protocol) == 0)
			return s->list[i].name;
	return NULL;
}
