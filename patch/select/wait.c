/* wait.c - a wait for events: by an immediate call of the real thing, again
 * after each event on one of the descriptors, so that what is reported is
 * always the kernel's word. */
#include "patch/select/wait.h"

#include "patch/signal/signal.h"
#include "patch/timespec.h"

#include "kernel/calls.h"

#include <sys/un.h>

int64_t ramet__hook_limit(const struct timespec *limit)
{
	if (!limit)
		return RAMET_NEVER;
	return timespec_is_length(limit) ? timespec_ns(limit) : -1;
}

/* A signal that comes between the call's own look and its wait must not be
 * missed: it was sent while the thread was ready, not waiting. */
static bool asked(struct loop *l)
{
	struct thread *t = thread_self(l);

	return t && t->asked;
}

/* A handler that ran during the system call may not be this thread's; if it is,
 * it has asked.  What is ready is seen in any case: of files nothing tells
 * later. */
static long look(struct watching *w)
{
	long n;

	do
		n = w->look(w);
	while (n == -EINTR);
	return n;
}

static long wait_for(struct loop *l, struct watching *w)
{
	int64_t late;

	l->now = kernel_now();
	w->when = time_add(l->now, w->limit);
	late = w->limit == RAMET_NEVER ? RAMET_NEVER
				       : timer_coalesce(w->when, w->limit);
	for (;;) {
		int err = asked(l) ? -EINTR : ramet__interrupted(l);
		long n;

		if (err == 0)
			err = w->park(l, w, late);
		if (err < 0)
			return err;
		n = look(w);
		if (n != 0 || err > 0)
			return n;
	}
}

/* Whoever polls without ever waiting must let others run: at each call in vain,
 * which leaves him time, and now and then if there is always something. */
static long watch(struct loop *l, struct watching *w)
{
	long n = look(w);

	if (n != 0)
		ramet__spend(l);
	else if (w->due || asked(l))
		n = -EINTR;
	else if (w->limit)
		n = wait_for(l, w);
	else
		ramet__give_way(l);
	return n;
}

long ramet__hook_watch(struct loop *l, struct watching *w)
{
	if (unlikely(w->mask != NULL))
		w->due = ramet__signal_mask_swap(thread_self(l), w->mask,
						 &w->before);
	hook_begin(l);
	return watch(l, w);
}

/* Handlers run with the mask of the call. */
int ramet__hook_watched(struct loop *l, struct watching *w, long n)
{
	if (unlikely(n == -EINTR))
		hook_handle(l);
	if (unlikely(w->mask != NULL))
		ramet__signal_mask_swap(thread_self(l), &w->before, NULL);
	return (int)hook_end(l, n);
}

/* A stream that leads to someone else.  Pairs have no names: they are how a
 * process wakes itself. */
static bool is_connection(int fd)
{
	struct sockaddr_un peer;
	socklen_t size = sizeof peer, type_size = sizeof(int);
	int type = 0;

	if (kernel_call(SYS_getpeername, fd, KERNEL_ARG(&peer),
			KERNEL_ARG(&size), 0, 0, 0) < 0 ||
	    kernel_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) < 0)
		return false;
	return type == SOCK_STREAM &&
	       (peer.sun_family != AF_UNIX ||
		size > offsetof(struct sockaddr_un, sun_path));
}

long ramet__hook_hang_up(struct watching *w, const struct pollfd *fds,
			 size_t count, long n)
{
	bool any = false;

	if (likely(n != -ETIMEDOUT && n != -ECANCELED))
		return n;
	for (size_t i = 0; i < count; i++)
		if (fds[i].fd >= 0 && is_connection(fds[i].fd))
			any |= kernel_shutdown(fds[i].fd, SHUT_RDWR) == 0;
	if (any) {
		long ready = look(w);

		n = ready > 0 ? ready : n;
	}
	return n;
}
