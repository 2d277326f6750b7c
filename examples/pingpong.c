/* pingpong.c - two actors that answer each other, a number of times.
 * Run: pingpong [TIMES] */
#include <ramet.h>

#include <stdio.h>
#include <stdlib.h>

static struct ramet_actor *ping, *pong;
static int times = 3;

static int pinger(struct ramet_actor *me, void *unused)
{
	char message[8];

	(void)unused;
	while (times-- && ramet_receive(me, message, sizeof message) > 0) {
		puts(message);
		ramet_tell(pong, "ping", 5);
	}
	return 0;
}

static int ponger(struct ramet_actor *me, void *unused)
{
	char message[8];

	(void)unused;
	while (ramet_receive(me, message, sizeof message) > 0) {
		puts(message);
		ramet_tell(ping, "pong", 5);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		times = atoi(argv[1]);
	ping = ramet_actor_start(pinger, NULL, NULL);
	pong = ramet_actor_start(ponger, NULL, NULL);
	if (!ping || !pong)
		return 1;
	ramet_tell(ping, "start", 6); /* this starts the cycle */
	ramet_actor_wait(ping, NULL);
	ramet_actor_stop(pong);
	ramet_actor_wait(pong, NULL);
	ramet_actor_release(ping);
	ramet_actor_release(pong);
	return 0;
}
