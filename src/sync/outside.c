/* outside.c - who signals counts first and looks for the loop, or for mail
 * under way, after.  Who adopts says which loop first, and who delivers says
 * that the mail has come; both take the count after.  So one of the two sees
 * the other, and no count is left behind.
 *
 * A signal may be what lets its loop end, and others may come too late.  So who
 * sends says so at the loop's gate, then looks whether it is open; the loop's
 * end closes it, then waits for those that are sending.
 */
#include "sync/outside.h"

#include "kernel/calls.h"
#include "sync/lot.h"

_Static_assert(sizeof(struct mail) ==
		       sizeof((struct ramet_outside *)NULL)->mail,
	       "mail has room in what is public");

/* ---- gates -------------------------------------------------------------- */

/* A gate's key is its index and how many loops had it before; 0 is none. */
enum { GATE_BITS = 12, GATES = 1 << GATE_BITS };

/* All atomic. */
static struct gate {
	struct loop *loop; /* NULL: nobody has it */
	uint64_t key;      /* while it is open */
	uint32_t sending;  /* who is at it */
} __attribute__((aligned(64))) gates[GATES];

static struct gate *gate_of(uint64_t key)
{
	return &gates[key % GATES];
}

static uint64_t key_of(const void *loop)
{
	return (uint64_t)(uintptr_t)loop;
}

static bool claim(struct gate *g, struct loop *l)
{
	struct loop *nobody = NULL;

	return !__atomic_load_n(&g->loop, __ATOMIC_RELAXED) &&
	       __atomic_compare_exchange_n(&g->loop, &nobody, l, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

int ramet__gate_open(struct loop *l)
{
	static uint64_t opened; /* how many so far; atomic */
	uint64_t n = __atomic_add_fetch(&opened, 1, __ATOMIC_RELAXED);
	struct gate *g = gates;
	uint64_t key;

	while (g < gates + GATES && !claim(g, l))
		g++;
	if (g == gates + GATES)
		return -ENOMEM;
	key = n << GATE_BITS | (uint64_t)(g - gates);
	__atomic_store_n(&g->key, key, __ATOMIC_SEQ_CST);
	l->gate = (void *)(uintptr_t)key;
	return 0;
}

static bool is_open(const struct gate *g, uint64_t key)
{
	return __atomic_load_n(&g->key, __ATOMIC_SEQ_CST) == key;
}

void ramet__gate_close(struct loop *l)
{
	struct gate *g = gate_of(key_of(l->gate));

	(void)__atomic_exchange_n(&g->key, 0, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&g->sending, __ATOMIC_SEQ_CST))
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	ramet__deliver(l);
	__atomic_store_n(&g->loop, NULL, __ATOMIC_RELEASE);
}

/* Those that were sending are gone. */
void ramet__gate_after_fork(struct loop *l)
{
	for (struct gate *g = gates; g < gates + GATES; g++) {
		if (!g->loop)
			continue;
		g->sending = 0;
		if (g->loop != l) {
			g->key = 0;
			g->loop = NULL;
		}
	}
}

/* ---- objects ------------------------------------------------------------ */

int ramet__outside_adopt(struct ramet_outside *o, struct loop *l,
			 struct ramet_waitq *waiters)
{
	void *before = __atomic_load_n(&o->loop, __ATOMIC_SEQ_CST);

	do {
		uint64_t key = key_of(before);

		if (key && is_open(gate_of(key), key))
			return (int)ramet__misuse(-EPERM);
	} while (!__atomic_compare_exchange_n(&o->loop, &before, l->gate, false,
					      __ATOMIC_SEQ_CST,
					      __ATOMIC_SEQ_CST));
	if (before)
		*waiters = (struct ramet_waitq){NULL, NULL};
	return 0;
}

/* Unlike in the child of a fork, where mail that was under way is lost. */
static int under_way(void)
{
	return 1 + (int)__atomic_load_n(&ramet__lot_forks, __ATOMIC_RELAXED);
}

/* Once the mail is posted the object may be gone. */
static void post(struct ramet_outside *o, struct loop *l,
		 void (*deliver)(struct loop *, struct mail *))
{
	struct mail *mail = (struct mail *)o->mail;
	int posted = under_way();

	if (__atomic_exchange_n(&o->posted, posted, __ATOMIC_SEQ_CST) == posted)
		return;
	mail->deliver = deliver;
	ramet__post(l, mail);
}

static void notify(struct ramet_outside *o,
		   void (*deliver)(struct loop *, struct mail *))
{
	uint64_t key = key_of(__atomic_load_n(&o->loop, __ATOMIC_SEQ_CST));
	struct gate *g = gate_of(key);

	if (!key)
		return;
	__atomic_add_fetch(&g->sending, 1, __ATOMIC_SEQ_CST);
	if (is_open(g, key))
		post(o, g->loop, deliver);
	__atomic_sub_fetch(&g->sending, 1, __ATOMIC_SEQ_CST);
}

void ramet__outside_add(struct ramet_outside *o, uint64_t n,
			void (*deliver)(struct loop *, struct mail *))
{
	__atomic_fetch_add(&o->count, n, __ATOMIC_SEQ_CST);
	notify(o, deliver);
}

void ramet__outside_or(struct ramet_outside *o, uint64_t n,
		       void (*deliver)(struct loop *, struct mail *))
{
	__atomic_fetch_or(&o->count, n, __ATOMIC_SEQ_CST);
	notify(o, deliver);
}

struct ramet_outside *ramet__outside_arrived(struct mail *mail)
{
	struct ramet_outside *o =
		container_of((void *)mail, struct ramet_outside, mail);

	__atomic_store_n(&o->posted, 0, __ATOMIC_SEQ_CST);
	return o;
}

void ramet_sync_settle(void)
{
	struct loop *l = ramet__this_loop;

	if (l)
		ramet__deliver(l);
}
