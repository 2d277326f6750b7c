/* order.c - the line "hosts:" of nsswitch.conf(5). */
#include "net/names/config.h"

#include <string.h>
#include <strings.h>

enum {
	ALL = 1 << STATUS_SUCCESS | 1 << STATUS_NOTFOUND | 1 << STATUS_UNAVAIL |
	      1 << STATUS_TRYAGAIN
};

static enum module module_of(const char *word)
{
	if (strcmp(word, "files") == 0)
		return MODULE_FILES;
	if (strcmp(word, "dns") == 0)
		return MODULE_DNS;
	if (strncmp(word, "mdns", 4) == 0 && strstr(word, "_minimal"))
		return MODULE_MDNS;
	if (strcmp(word, "myhostname") == 0)
		return MODULE_MYHOSTNAME;
	return MODULE_OTHER;
}

/* "STATUS=ACTION" or "!STATUS=ACTION": whether it is understood. */
static bool set_action(struct step *s, const char *word)
{
	static const char *const names[] = {"SUCCESS", "NOTFOUND", "UNAVAIL",
					    "TRYAGAIN"};
	bool negated = *word == '!';
	const char *equals = strchr(word, '=');
	size_t size;

	word += negated;
	size = equals ? (size_t)(equals - word) : 0;
	for (unsigned i = 0; i < countof(names); i++) {
		unsigned bits = negated ? ALL & ~(1u << i) : 1u << i;

		if (size != strlen(names[i]) ||
		    strncasecmp(word, names[i], size))
			continue;
		if (strcasecmp(equals + 1, "return") == 0)
			s->returns |= bits;
		else if (strcasecmp(equals + 1, "continue") == 0)
			s->returns &= ~bits;
		else
			return false; /* merge */
		return true;
	}
	return false;
}

/* "[...]" behind a module; what is not understood libc shall do itself. */
static void set_actions(struct order *o, char *text)
{
	char *word;

	while ((word = ramet__next_word(&text)))
		if (o->count && !set_action(&o->steps[o->count - 1], word))
			o->steps[0].module = MODULE_OTHER;
}

static void add(struct order *o, const char *word)
{
	if (o->count == STEPS_MAX)
		o->steps[STEPS_MAX - 1].module = MODULE_OTHER;
	else
		o->steps[o->count++] =
			(struct step){module_of(word), 1 << STATUS_SUCCESS};
}

static void parse_line(struct order *o, char *line)
{
	o->count = 0;
	while (*(line += strspn(line, " \t\r"))) {
		size_t n = strcspn(line, " \t\r[");
		char *end = strchr(line, ']');

		if (*line == '[') {
			if (!end)
				return;
			*end = '\0';
			set_actions(o, line + 1);
			line = end + 1;
			continue;
		} else {
			char next = line[n];
			char *word = line;

			word[n] = '\0';
			add(o, word);
			word[n] = next;
			line += n;
		}
	}
}

void ramet__order_default(struct order *o)
{
	char text[] = "files dns";

	parse_line(o, text);
}

void ramet__order_parse(struct order *o, char *text)
{
	char *line;

	while ((line = ramet__next_line(&text, "#"))) {
		line += strspn(line, " \t");
		if (strncmp(line, "hosts:", 6) == 0)
			parse_line(o, line + 6);
	}
}
