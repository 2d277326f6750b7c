/* answer.c - every millisecond a question, the time at which it was due, for each
 * of a thousand green threads. */
#include "answer.h"

#include <ramet.h>

enum { THREADS = 1000 };

static struct ramet_chan *questions;
static size_t answers;
static int64_t worst;

static void *answer(void *unused)
{
	for (int64_t due; ramet_chan_recv(questions, &due) > 0; answers++) {
		int64_t late = ramet_now() - due;

		if (late > worst)
			worst = late;
	}
	return unused;
}

static void *ask(void *unused)
{
	struct ramet_deadline due = ramet_after(RAMET_MS);

	for (; ramet_sleep_until(due) == 0; due = ramet_after(RAMET_MS))
		for (int i = 0; i < THREADS; i++)
			ramet_chan_send(questions, &due.ns);
	return unused;
}

int answers_begin(void)
{
	questions = ramet_chan_new(sizeof(int64_t), 0);
	if (!questions)
		return -1;
	for (int i = 0; i < THREADS; i++)
		if (!ramet_go(NULL, answer, NULL))
			return -1;
	return ramet_go(NULL, ask, NULL) ? 0 : -1;
}

size_t answers_count(void)
{
	return answers;
}

double answers_worst_ms(void)
{
	return (double)worst / RAMET_MS;
}
