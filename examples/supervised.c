/* supervised.c - pong fails on every third message and is started afresh by its
 * supervisor; ping never notices.  Run: supervised */
#include <ramet.h>

#include <stdio.h>

/* What survives a failure: the channels, and the message not yet answered. */
struct mailbox {
	struct ramet_chan *in, *out;
	int message; /* 0: none */
};

static void *pong(void *p)
{
	struct mailbox *box = p;
	int served = 0;

	while (box->message || ramet_chan_recv(box->in, &box->message) > 0) {
		int answer = box->message + 1;

		if (++served == 3)
			return RAMET_FAILED;
		ramet_chan_send(box->out, &answer);
		box->message = 0;
	}
	return NULL;
}

/* One pong after the other, all with the same mailbox, until one ends well. */
static void *supervise(void *box)
{
	void *value = NULL;
	ramet_auto_group group;

	ramet_group_open(&group, RAMET_ALL | RAMET_ITERATE);
	while (ramet_go(&group, pong, box) &&
	       ramet_group_next(&group, &value) > 0 && value == RAMET_FAILED)
		puts("        (pong has failed; here is a fresh one)");
	return NULL;
}

int main(void)
{
	struct mailbox box = {.in = ramet_chan_new(sizeof(int), 0),
			      .out = ramet_chan_new(sizeof(int), 0)};
	struct ramet *supervisor = ramet_spawn(supervise, &box);

	for (int n = 1, answer; n < 16; n = answer + 1)
		if (ramet_chan_send(box.in, &n) < 0 ||
		    ramet_chan_recv(box.out, &answer) <= 0)
			return 1;
		else
			printf("ping %2d  pong %2d\n", n, answer);
	ramet_chan_close(box.in);
	ramet_join(supervisor, NULL);
	ramet_chan_free(box.in);
	ramet_chan_free(box.out);
	return 0;
}
