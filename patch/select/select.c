/* select.c - select and pselect.
 *
 * Sets are as long as the caller says, beyond FD_SETSIZE too.  The kernel
 * overwrites them at each look, so they are kept; and what they mean differs
 * from poll's events (an end of file is no urgent data), so it is select that
 * looks.
 */
#include "patch/select/wait.h"

#include "io/poll.h"
#include "kernel/calls.h"

#include <string.h>

enum { SETS = 3, FEW = 8, BITS = 64, WORDS = FD_SETSIZE / BITS };

struct selecting {
	struct watching watching;
	int count;
	size_t words;             /* of a set */
	unsigned long *set[SETS]; /* the caller's, or NULL */
	unsigned long *kept[SETS];
	struct pollfd *fds; /* what is in the sets, once it is needed */
	struct poll_wait wait;
	bool looked;
	struct pollfd few[FEW];
};

/* From the caller's sets, or back. */
static void copy(struct selecting *s, bool back)
{
	for (int i = 0; i < SETS; i++)
		if (s->set[i])
			memcpy(back ? s->set[i] : s->kept[i],
			       back ? s->kept[i] : s->set[i],
			       s->words * sizeof **s->set);
}

static long look(struct watching *w)
{
	struct selecting *s = container_of(w, struct selecting, watching);
	struct timespec now = {0, 0}; /* the kernel writes to it */

	if (s->looked)
		copy(s, true);
	s->looked = true;
	return kernel_call(SYS_pselect6, s->count, KERNEL_ARG(s->set[0]),
			   KERNEL_ARG(s->set[1]), KERNEL_ARG(s->set[2]),
			   KERNEL_ARG(&now), 0);
}

/* The bits of one word of all sets; whichever there are. */
static unsigned long bits(const struct selecting *s, int set, size_t word)
{
	unsigned long all = s->set[set] ? s->kept[set][word] : 0;
	size_t past = (word + 1) * BITS;

	if (past > (size_t)s->count) /* bits beyond the count do not count */
		all &= ~0ul >> (past - (size_t)s->count);
	return all;
}

/* Make fds of the sets; with none only count them. */
static size_t collect(const struct selecting *s, struct pollfd *fds)
{
	size_t n = 0;

	for (size_t word = 0; word < s->words; word++) {
		unsigned long out = bits(s, 1, word);
		unsigned long all = out | bits(s, 0, word) | bits(s, 2, word);

		for (; all; all &= all - 1, n++) {
			int bit = __builtin_ctzl(all);

			if (fds)
				fds[n] = (struct pollfd){
					(int)(word * BITS) + bit,
					out >> bit & 1 ? POLLIN | POLLOUT
						       : POLLIN,
					0};
		}
	}
	return n;
}

static int make_fds(struct selecting *s)
{
	size_t n = collect(s, NULL);

	s->fds = n > FEW ? kernel_alloc(n * sizeof *s->fds) : s->few;
	if (!s->fds)
		return -ENOMEM;
	collect(s, s->fds);
	s->wait = (struct poll_wait){.fds = s->fds, .count = n};
	return 0;
}

/* A number that has been closed is an error to be reported: EBADF, unless it is
 * in use again. */
static int park(struct loop *l, struct watching *w, int64_t when)
{
	struct selecting *s = container_of(w, struct selecting, watching);
	int err = s->fds ? 0 : make_fds(s);

	if (err == 0)
		err = ramet__poll_wait(l, &s->wait, when);
	return err == -EBADF ? 0 : err;
}

static long select_kept(struct loop *l, struct selecting *s,
			unsigned long *kept)
{
	long n;

	for (int i = 0; i < SETS; i++)
		s->kept[i] = kept + (size_t)i * s->words;
	copy(s, false);
	n = ramet__hook_watch(l, &s->watching);
	if (n < 0 && (s->fds || make_fds(s) == 0))
		n = ramet__hook_hang_up(&s->watching, s->fds, s->wait.count, n);
	if (n < 0) /* as they were */
		copy(s, true);
	return n;
}

static int select_fds(struct loop *l, struct selecting *s)
{
	unsigned long few[SETS * WORDS], *kept = few;
	long n = -ENOMEM;

	s->watching.look = look;
	s->watching.park = park;
	s->words = s->count < 0 ? 0 : ((size_t)s->count + BITS - 1) / BITS;
	if (s->words > WORDS)
		kept = kernel_alloc(SETS * s->words * sizeof *kept);
	if (kept)
		n = select_kept(l, s, kept);
	if (s->fds != s->few)
		kernel_free(s->fds);
	if (kept != few)
		kernel_free(kept);
	return ramet__hook_watched(l, &s->watching, n);
}

/* What is left of the limit, as Linux does. */
static void tell_rest(const struct watching *w, struct timeval *limit)
{
	int64_t left = w->when - kernel_now();

	if (w->limit == RAMET_NEVER || !w->when)
		return; /* it has not waited */
	if (left < 0)
		left = 0;
	limit->tv_sec = left / RAMET_SEC;
	limit->tv_usec = left % RAMET_SEC / RAMET_US;
}

/* More than a million microseconds are allowed. */
static int64_t limit_of(const struct timeval *limit)
{
	struct timespec t;

	if (!limit)
		return RAMET_NEVER;
	if (limit->tv_usec < 0)
		return -1;
	t.tv_nsec = limit->tv_usec % 1000000 * 1000;
	if (__builtin_add_overflow(limit->tv_sec, limit->tv_usec / 1000000,
				   &t.tv_sec))
		return RAMET_NEVER;
	return ramet__hook_limit(&t);
}

#define WORDS_OF(set) ((unsigned long *)(void *)(set))

int HOOK(select)(int count, fd_set *in, fd_set *out, fd_set *urgent,
		 struct timeval *limit)
{
	struct loop *l = hook_loop(RAMET_SELECT);
	struct selecting s = {.watching.limit = limit_of(limit),
			      .count = count,
			      .set = {WORDS_OF(in), WORDS_OF(out),
				      WORDS_OF(urgent)}};
	int n;

	if (!l || s.watching.limit < 0)
		return libc.select(count, in, out, urgent, limit);
	n = select_fds(l, &s);
	if (limit)
		tell_rest(&s.watching, limit);
	return n;
}

int HOOK(pselect)(int count, fd_set *in, fd_set *out, fd_set *urgent,
		  const struct timespec *limit, const sigset_t *mask)
{
	struct loop *l = hook_loop(RAMET_SELECT);
	struct selecting s = {.watching = {.limit = ramet__hook_limit(limit),
					   .mask = mask},
			      .count = count,
			      .set = {WORDS_OF(in), WORDS_OF(out),
				      WORDS_OF(urgent)}};

	if (!l || s.watching.limit < 0)
		return libc.pselect(count, in, out, urgent, limit, mask);
	return select_fds(l, &s);
}
