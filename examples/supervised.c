/* supervised.c - pong fails on every third message and is started afresh by its
 * supervisor; ping has one handle all the time, and asks again.  Run:
 * supervised
 */
#include <errno.h>
#include <ramet.h>
#include <stdio.h>

static int pong(struct ramet_actor *me, void *unused)
{
	int n, served = 0;

	(void)unused;
	while (ramet_receive(me, &n, sizeof n) > 0) {
		if (++served == 3)
			return -1; /* a crash */
		n++;
		ramet_reply(me, &n, sizeof n);
	}
	return 0;
}

/* What pong answers in the end; -1 if there is none any more. */
static int ask(struct ramet_actor *a, int n)
{
	int answer;

	while (ramet_ask(a, &n, sizeof n, &answer, sizeof answer) < 0) {
		if (errno != ECONNRESET)
			return -1;
		puts("        (pong has failed; here is a fresh one)");
	}
	return answer;
}

int main(void)
{
	const struct ramet_child children[] = {
		{.fn = pong, .kind = RAMET_TRANSIENT, .shutdown = RAMET_SEC},
	};
	struct ramet_supervisor spec = {.restarts = 3,
					.within = 5 * RAMET_SEC,
					.children = children,
					.count = 1};
	struct ramet_actor *s = ramet_actor_start(ramet_supervise, &spec, NULL);
	struct ramet_actor *a = s ? ramet_supervisor_child(s, 0) : NULL;

	for (int n = 1, answer; a && n < 16; n = answer + 1) {
		answer = ask(a, n);
		if (answer < 0)
			return 1;
		printf("ping %2d  pong %2d\n", n, answer);
	}
	ramet_actor_release(a);
	ramet_actor_stop(s);
	ramet_actor_wait(s, NULL);
	ramet_actor_release(s);
	return 0;
}
