/* stop.c - signals to processes, and asking them to end before they are made
 * to. */
#include "task/tree.h"

#include "kernel/calls.h"

#include <signal.h>

enum { LEAST_NS = 1000 * 1000, MOST_NS = 50 * 1000 * 1000 };

static int send_one(struct ramet_process *p, int sig)
{
	int err = ramet__process_mine(ramet__loop(), p);

	if (err < 0)
		return err;
	if (p->reaped)
		return -ESRCH;
	if (p->pidfd >= 0)
		return (int)kernel_call(SYS_pidfd_send_signal, p->pidfd, sig, 0,
					0, 0, 0);
	return (int)kernel_call(SYS_kill, p->pid, sig, 0, 0, 0, 0);
}

int ramet_process_signal(struct ramet_process *p, int sig)
{
	return (int)ramet__ret(send_one(p, sig));
}

static int send_all(struct ramet_process *p, int sig)
{
	struct loop *l = ramet__loop();
	int err = ramet__process_mine(l, p);
	struct tree t;
	int found;

	if (err < 0)
		return err;
	if (p->reaped)
		return -ESRCH;
	if (sig == SIGKILL)
		return ramet__tree_kill(l, p);
	ramet__tree_init(&t, p);
	found = ramet__tree_find(l, &t);
	err = ramet__tree_signal(&t, sig);
	ramet__tree_fini(&t);
	return err < 0 || found == -ENOENT ? err : found;
}

int ramet_process_signal_tree(struct ramet_process *p, int sig)
{
	return (int)ramet__ret(send_all(p, sig));
}

/* ---- stop --------------------------------------------------------------- */

/* Wait a little, longer each time.  Returns 0, 1 (it is `when`) or -errno. */
static int wait_a_little(struct loop *l, int64_t when, int64_t *ns)
{
	int64_t now = l->now = kernel_now();
	int64_t until = time_add(now, *ns) < when ? time_add(now, *ns) : when;
	bool own = until <= l->current->deadline;
	int err = ramet__interrupted(l);

	if (err < 0)
		return err;
	if (now >= when)
		return 1;
	err = ramet__park_until(l, WAIT_SLEEP, NULL, until);
	*ns = 2 * *ns < MOST_NS ? 2 * *ns : MOST_NS;
	return err == -ETIMEDOUT && own ? 0 : err;
}

/* Until nothing of the tree is left.  Of those whose parents have gone nothing
 * tells but a look.  Returns 0, 1 (it is `when`) or -errno. */
static int wait_for_all(struct loop *l, struct tree *t, int64_t when)
{
	int64_t ns = LEAST_NS;
	int err = ramet__process_wait_until(l, t->root, when);

	while (err == 0) {
		int found = ramet__tree_find(l, t);

		if (found == -ENOENT || (found == 0 && !ramet__tree_lives(t)))
			return 0;
		err = wait_a_little(l, when, &ns);
	}
	return err;
}

/* One that is stopped hears nothing until it goes on. */
static int end_all(struct loop *l, struct tree *t, int64_t when)
{
	int err;

	ramet__tree_find(l, t);
	ramet__tree_signal(t, SIGTERM);
	ramet__tree_signal(t, SIGCONT);
	err = wait_for_all(l, t, when);
	if (err == 1) {
		ramet__tree_end(l, t);
		err = 0;
	}
	return err;
}

static int stop(struct ramet_process *p, int64_t grace, int *status)
{
	struct loop *l = ramet__loop();
	int err = ramet__process_mine(l, p);
	struct tree t;

	if (err == 0)
		err = ramet__interrupted(l);
	if (err < 0)
		return err;
	ramet__tree_init(&t, p);
	ramet__process_look(p);
	if (!p->reaped) {
		l->now = kernel_now();
		err = end_all(l, &t, time_add(l->now, grace > 0 ? grace : 0));
	}
	ramet__tree_fini(&t);
	if (err == 0)
		err = ramet__process_wait_until(l, p, RAMET_NEVER);
	if (err == 0 && p->state == PROCESS_GONE)
		err = -ECHILD;
	if (err == 0 && status)
		*status = p->status;
	return err;
}

int ramet_process_stop(struct ramet_process *p, int64_t grace, int *status)
{
	return (int)ramet__ret(stop(p, grace, status));
}
