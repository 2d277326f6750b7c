/* select_fd.c - descriptors among the cases: all are looked at by one system
 * call, and waited for as ramet_poll does.
 *
 * The array has an entry for each case; those of other kinds, which poll(2)
 * ignores, have no descriptor.
 */
#include "sync/select.h"

#include "kernel/calls.h"

enum { CLOSED = -2 }; /* in place of a number that was closed meanwhile */

static int fill_and_choose(struct selection *s,
			   int (*choose)(struct selection *),
			   struct pollfd *fds, struct poll_place *places)
{
	for (int i = 0; i < s->count; i++) {
		const struct ramet_case *c = &s->cases[i];
		bool is_fd = c->op == RAMET_SELECT_FD && c->fd >= 0;

		fds[i] = (struct pollfd){.fd = is_fd ? c->fd : -1,
					 .events = c->events};
	}
	s->fds = fds;
	s->fd_places = places;
	s->poll = (struct poll_wait){.fds = fds, .count = (size_t)s->count};
	return choose(s);
}

int ramet__select_with_fds(struct selection *s,
			   int (*choose)(struct selection *))
{
	struct poll_place few[SELECT_FEW], *many;
	struct pollfd few_fds[SELECT_FEW], *fds;
	size_t count = (size_t)s->count;
	int i;

	if (count <= SELECT_FEW)
		return fill_and_choose(s, choose, few_fds, few);
	many = kernel_alloc(count * (sizeof *many + sizeof *fds));
	if (!many)
		return -ENOMEM;
	fds = (struct pollfd *)(many + count);
	i = fill_and_choose(s, choose, fds, many);
	kernel_free(many);
	return i;
}

static void look(struct selection *s)
{
	struct timespec now = {0, 0}; /* the kernel writes to it */
	int n;

	do
		n = kernel_ppoll(s->fds, (size_t)s->count, &now);
	while (n == -EINTR);
	for (int i = 0; n < 0 && i < s->count; i++)
		s->fds[i].revents = 0;
	s->fd_error = n < 0 ? n : 0;
	s->looked = true;
}

int ramet__select_fd(struct selection *s, int i)
{
	if (s->fds[i].fd == CLOSED)
		return POLLNVAL;
	if (!s->looked)
		look(s);
	return s->fds[i].revents ? s->fds[i].revents : -EAGAIN;
}

/* Its number may mean another file by now, which is not to be looked at. */
void ramet__select_leave_fds(struct selection *s)
{
	if (!ramet__poll_end(s->loop, &s->poll, s->fd_places))
		return;
	for (int i = 0; i < s->count; i++)
		if (ramet__poll_closed(s->fds[i].fd, &s->fd_places[i]))
			s->fds[i].fd = CLOSED;
}
