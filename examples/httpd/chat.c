/* chat.c - one who takes part: a ramet hears the page, another tells it. */
#include "room.h"

#include <string.h>

struct talker {
	struct member member;
	struct ramet_ws *ws;
};

static void *tell(void *talker)
{
	struct talker *t = talker;
	struct line line;

	while (ramet_chan_recv(t->member.lines, &line) > 0 &&
	       ramet_ws_send(t->ws, RAMET_WS_TEXT, line.text,
			     strlen(line.text)) == 0)
		;
	return NULL;
}

/* The first message is the name. */
static void take_part(struct talker *t)
{
	struct ramet_ws_message msg;
	struct ramet *teller;

	if (ramet_ws_receive(t->ws, &msg) <= 0)
		return;
	copy_word(t->member.name, sizeof t->member.name, msg.data);
	teller = ramet_spawn(tell, t);
	if (!teller)
		return;
	enter(&t->member);
	while (ramet_ws_receive(t->ws, &msg) > 0)
		say(&t->member, msg.data);
	leave(&t->member);
	ramet_cancel(teller); /* whatever it waits for */
	RAMET_SHIELD(RAMET_NEVER)
		ramet_join(teller, NULL);
}

void chat(struct ramet_http *h)
{
	struct talker t = {.ws = ramet_ws_accept(h, NULL)};

	t.member.lines = ramet_chan_new(sizeof(struct line), 32);
	if (t.ws && t.member.lines)
		take_part(&t);
	ramet_chan_free(t.member.lines);
	ramet_ws_free(t.ws);
}
