/* later.c - a few slots, each with the mail that brings it to its loop. */
#include "sync/later.h"

#include <limits.h>

enum { LATER_MAX = 64 };
enum { IDLE, FILLED, POSTED, DRAINED };

/* Calls under way to a loop's next turn. */
static struct later {
	struct mail mail;
	struct loop *loop;
	void (*call)(uint32_t *word, int n);
	uint32_t *word;
	int n;
	uint32_t state; /* atomic */
} later[LATER_MAX];

static void on_later(struct loop *l, struct mail *mail)
{
	struct later *s = container_of(mail, struct later, mail);
	void (*call)(uint32_t *, int);
	uint32_t *word;
	int n;

	(void)l;
	__atomic_store_n(&s->state, DRAINED, __ATOMIC_SEQ_CST);
	call = s->call;
	word = s->word;
	n = s->n;
	__atomic_store_n(&s->state, IDLE, __ATOMIC_RELEASE);
	call(word, n);
}

/* Mail of a loop is only taken in by the thread that we are on, so what is
 * POSTED stays so for as long as we run. */
static bool join_posted(struct loop *l, void (*call)(uint32_t *, int),
			const uint32_t *word, int n)
{
	for (struct later *s = later; s < later + LATER_MAX; s++) {
		if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) != POSTED ||
		    s->loop != l || s->word != word || s->call != call)
			continue;
		s->n = s->n > INT_MAX - n ? INT_MAX : s->n + n;
		return true;
	}
	return false;
}

static bool claim(struct later *s)
{
	uint32_t idle = IDLE;

	return __atomic_compare_exchange_n(&s->state, &idle, FILLED, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Calls for different words may fill all places; other loops empty theirs, our
 * own are run now: it is that or never. */
void ramet__later(struct loop *l, void (*call)(uint32_t *, int), uint32_t *word,
		  int n)
{
	struct later *s = later;

	if (l == ramet__this_loop && join_posted(l, call, word, n))
		return;
	while (s < later + LATER_MAX && !claim(s))
		s++;
	if (s == later + LATER_MAX) {
		call(word, n);
		return;
	}
	s->mail.deliver = on_later;
	s->loop = l;
	s->call = call;
	s->word = word;
	s->n = n;
	__atomic_store_n(&s->state, POSTED, __ATOMIC_RELEASE);
	ramet__post(l, &s->mail);
}

void ramet__later_leave(const struct loop *l)
{
	for (struct later *s = later; s < later + LATER_MAX; s++)
		if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) == POSTED &&
		    s->loop == l)
			__atomic_store_n(&s->state, IDLE, __ATOMIC_RELEASE);
}

void ramet__later_after_fork(void)
{
	for (struct later *s = later; s < later + LATER_MAX; s++)
		s->state = IDLE;
}
