/* quit.c - SIGQUIT: the handler leaves mail for every loop, and each dumps its
 * ramets at its next turn, when they can be looked at. */
#include "debug/report.h"

#include "kernel/calls.h"

#include <signal.h>
#include <string.h>

struct quit {
	struct quit *next;
	struct loop *loop; /* NULL: it has nothing left to dump */
	struct mail mail;
	int posted; /* atomic: the mail is on its way */
};

/* The handler walks the list without the lock; so whoever takes something off
 * waits until no handler is at it, which on his own thread none can be. */
static struct quit *all;
static int lock, handlers;

static void lock_all(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static void unlock_all(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static void deliver(struct loop *l, struct mail *mail)
{
	struct quit *q = container_of(mail, struct quit, mail);

	__atomic_store_n(&q->posted, 0, __ATOMIC_SEQ_CST);
	if (q->loop)
		ramet__dump(l, 2); /* if that fails nobody can be told */
}

static void on_quit(int sig)
{
	struct quit *q;

	(void)sig;
	__atomic_add_fetch(&handlers, 1, __ATOMIC_SEQ_CST);
	q = __atomic_load_n(&all, __ATOMIC_SEQ_CST);
	for (; q; q = __atomic_load_n(&q->next, __ATOMIC_SEQ_CST))
		if (!__atomic_exchange_n(&q->posted, 1, __ATOMIC_SEQ_CST))
			ramet__post(q->loop, &q->mail);
	__atomic_sub_fetch(&handlers, 1, __ATOMIC_SEQ_CST);
}

void ramet__quit_install(void)
{
	const char *setting = kernel_getenv("RAMET_SIGQUIT");
	struct sigaction ours = {.sa_handler = on_quit,
				 .sa_flags = SA_RESTART | SA_ONSTACK};
	struct sigaction now;

	if (setting && strcmp(setting, "0") == 0)
		return;
	if (kernel_sigaction(SIGQUIT, NULL, &now) == 0 &&
	    now.sa_handler == SIG_DFL)
		kernel_sigaction(SIGQUIT, &ours, NULL);
}

int ramet__quit_open(struct loop *l)
{
	struct quit *q = kernel_alloc(sizeof *q);

	if (!q)
		return -ENOMEM;
	q->loop = l;
	q->mail.deliver = deliver;
	lock_all();
	q->next = all;
	__atomic_store_n(&all, q, __ATOMIC_SEQ_CST);
	unlock_all();
	return 0;
}

void ramet__quit_close(struct loop *l)
{
	struct quit **link = &all, *q;

	lock_all();
	while ((*link)->loop != l)
		link = &(*link)->next;
	q = *link;
	__atomic_store_n(link, q->next, __ATOMIC_SEQ_CST);
	unlock_all();
	while (__atomic_load_n(&handlers, __ATOMIC_SEQ_CST))
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	/* Mail from the loop's last moments is in its box still. */
	q->loop = NULL;
	ramet__deliver(l);
	kernel_free(q);
}

/* Whoever held the lock, or was in the handler, is not here. */
void ramet__quit_after_fork(struct loop *l)
{
	struct quit *mine = NULL, *next;

	for (struct quit *q = all; q; q = next) {
		next = q->next;
		if (q->loop == l)
			mine = q;
		else
			kernel_free(q);
	}
	mine->next = NULL;
	__atomic_store_n(&mine->posted, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&all, mine, __ATOMIC_SEQ_CST);
	__atomic_store_n(&lock, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&handlers, 0, __ATOMIC_SEQ_CST);
}
