/* room.c - who is in the chat, and what they are told. */
#include "room.h"

static struct member *members;

int chatting(void)
{
	int n = 0;

	for (struct member *m = members; m; m = m->next)
		n++;
	return n;
}

static void tell_all(const struct line *line)
{
	for (struct member *m = members; m; m = m->next)
		ramet_chan_trysend(m->lines, line);
}

static void tell_who(void)
{
	struct line line = {"who"};

	for (struct member *m = members; m; m = m->next)
		add_word(&line, m->name);
	tell_all(&line);
}

void enter(struct member *m)
{
	m->next = members;
	members = m;
	tell_who();
}

void leave(struct member *m)
{
	for (struct member **at = &members; *at; at = &(*at)->next)
		if (*at == m) {
			*at = m->next;
			break;
		}
	tell_who();
}

void say(const struct member *m, const char *text)
{
	struct line line = {"say"};
	char said[TEXT_MAX_BYTES];

	copy_word(said, sizeof said, text);
	add_word(&line, m->name);
	add_word(&line, said);
	tell_all(&line);
}
