/* child.c - a child's end is an event: of its pidfd.
 *
 * For any child, a group, or a stop, of which a tracer has more than others,
 * there is no descriptor.  A SIGCHLD handler
 * would not do: the signal belongs to the program, which may block or ignore
 * it, and only then would we be blind.  So a helper thread waits, and leaves
 * what it finds (WNOWAIT).  It cannot be called back; so there is one for each
 * question, whoever asks the same joins in, and one that nobody waits for any
 * more is there for the next.
 */
#include "task/child.h"

#include "core/errand.h"
#include "io/fd.h"
#include "kernel/calls.h"

bool ramet__children_traced;

struct question {
	struct question *next; /* of the loop */
	struct errand errand;
	idtype_t type;
	id_t id;
	int options;
	struct ramet_waitq waiters;
};

/* ---- by a helper thread ------------------------------------------------- */

static void ask(struct errand *e)
{
	struct question *q = container_of(e, struct question, errand);
	siginfo_t info;

	kernel_call(SYS_waitid, q->type, (long)q->id, KERNEL_ARG(&info),
		    q->options | WNOWAIT, 0, 0);
}

/* It has an answer: who asked looks. */
static void answered(struct loop *l, struct errand *e)
{
	struct question *q = container_of(e, struct question, errand), **link;
	struct ramet_waiter *w;

	if (l) {
		link = (struct question **)&l->questions;
		while (*link != q)
			link = &(*link)->next;
		*link = q->next;
		while ((w = waitq_take(&q->waiters)))
			if (w->ramet->state == STATE_PARKED)
				ramet__wake(w->ramet, 0);
	}
	kernel_free(q);
}

static struct question *find(struct loop *l, idtype_t type, id_t id,
			     int options)
{
	struct question *q = l->questions;

	while (q && (q->type != type || q->id != id || q->options != options))
		q = q->next;
	return q;
}

static int set_out(struct loop *l, struct question **out, idtype_t type,
		   id_t id, int options)
{
	struct question *q = kernel_alloc(sizeof *q);
	int err;

	if (!q)
		return -ENOMEM;
	*q = (struct question){.next = l->questions,
			       .errand = {.run = ask, .drop = answered},
			       .type = type,
			       .id = id,
			       .options = options};
	err = ramet__errand_send(l, &q->errand);
	if (err < 0) {
		kernel_free(q);
		return err;
	}
	q->errand.owner = NULL; /* it is nobody's: it comes back to answered */
	l->questions = q;
	*out = q;
	return 0;
}

static int wait_by_helper(struct loop *l, idtype_t type, id_t id, int options)
{
	struct ramet_waiter w = {.ramet = l->current};
	struct question *q = find(l, type, id, options);
	int err = q ? 0 : set_out(l, &q, type, id, options);

	if (err < 0)
		return err;
	waitq_append(&q->waiters, &w);
	err = ramet__park(l, WAIT_CHILD,
			  type == P_PID ? (const void *)(uintptr_t)id : NULL);
	waitq_remove(&w);
	return err;
}

/* ---- by pidfd ----------------------------------------------------------- */

static int open_pidfd(idtype_t type, id_t id)
{
	int fd = type == P_PIDFD ? kernel_fcntl((int)id, F_DUPFD_CLOEXEC, 0)
				 : (int)kernel_call(SYS_pidfd_open, (long)id, 0,
						    0, 0, 0, 0);

	if (fd >= 0 && ramet__fd_new(fd, FD_PIPE, true) < 0) {
		kernel_close(fd);
		return -ENOMEM;
	}
	return fd;
}

static int wait_by_pidfd(struct loop *l, int number, id_t id)
{
	return ramet__fd_wait_readable(l, number, 0, WAIT_CHILD,
				       (const void *)(uintptr_t)id,
				       RAMET_NEVER);
}

static bool only_ends_count(int options)
{
	return !(options & (WSTOPPED | WCONTINUED)) && !ramet__children_traced;
}

int ramet__child_wait(struct loop *l, idtype_t type, id_t id, int options)
{
	int fd, err = ramet__interrupted(l);

	if (err < 0)
		return err;
	options &= ~(WNOHANG | WNOWAIT | __WNOTHREAD);
	if ((type == P_PID || type == P_PIDFD) && only_ends_count(options)) {
		fd = open_pidfd(type, id);
		if (fd >= 0) {
			err = wait_by_pidfd(l, fd, type == P_PID ? id : 0);
			ramet__close(fd);
			return err;
		}
	}
	return wait_by_helper(l, type, id, options);
}

void ramet__children_after_fork(struct loop *l)
{
	for (struct question *q = l->questions, *next; q; q = next) {
		next = q->next;
		kernel_free(q);
	}
	l->questions = NULL;
}
