/* lookup.c - waiting for a look-up, as a cancellation point. */
#include "patch/dns/lookup.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

/* ---- by a ramet --------------------------------------------------------- */

enum { STACK_SIZE = 128 * 1024 }; /* whatever those of threads are */

static void *look_up(void *lookup)
{
	struct lookup *u = lookup;
	struct ramet_waiter *w;

	u->run(ramet__this_loop, u);
	if (u->left) {
		u->free(u);
		return NULL;
	}
	u->back = true;
	w = waitq_take(&u->waiter);
	if (w && w->ramet->state == STATE_PARKED)
		ramet__wake(w->ramet, 0);
	return NULL;
}

static int wait_for_ramet(struct loop *l, struct lookup *u)
{
	struct ramet_waiter w = {.ramet = l->current};
	int err = u->back ? 0 : ramet__interrupted(l);

	if (err < 0 || u->back)
		return err;
	waitq_append(&u->waiter, &w);
	err = ramet__park(l, WAIT_OFFLOAD, u);
	waitq_remove(&w);
	return u->back ? 0 : err;
}

/* It ends soon, and frees itself. */
static void leave(struct lookup *u, struct ramet *t)
{
	u->left = true;
	ramet__cancel(t);
}

int ramet__lookup(struct loop *l, struct lookup *u)
{
	static const struct ramet_opts opts = {.name = "look-up",
					       .stack_size = STACK_SIZE};
	struct ramet *t = NULL;
	int err = ramet__interrupted(l);

	if (err == 0)
		t = ramet__spawn(l, look_up, u, &opts,
				 __builtin_return_address(0), &err);
	if (!t) {
		u->free(u);
		return err;
	}
	t->flags |= FLAG_DETACHED;
	while ((err = wait_for_ramet(l, u)) == -EINTR) {
		if (hook_is_cancelled(l))
			leave(u, t);
		hook_handle(l);
	}
	if (err < 0)
		leave(u, t);
	return err;
}

/* ---- by a helper -------------------------------------------------------- */

static int send_out(struct loop *l, struct lane_call *c)
{
	int err = ramet__lane_send(l, c);

	if (err < 0)
		c->free(c);
	return err;
}

/* Until it is back, or the wait is cut short. */
static int wait_for(struct loop *l, struct lane_call *c)
{
	int err;

	while ((err = ramet__lane_wait(l, c)) == -EINTR) {
		if (hook_is_cancelled(l))
			ramet__lane_leave(l, c);
		hook_handle(l);
	}
	return err;
}

int ramet__lookup_libc(struct loop *l, struct lane_call *c)
{
	int err = send_out(l, c);

	if (err == 0) {
		err = wait_for(l, c);
		if (err < 0)
			ramet__lane_leave(l, c);
	}
	return err;
}

/* Only a call that has not begun can be cut short. */
int ramet__lookup_firm(struct loop *l, struct lane_call *c)
{
	int err = send_out(l, c);

	if (err < 0)
		return err;
	err = wait_for(l, c);
	if (err < 0 && ramet__lane_recall(l, c)) {
		c->free(c);
		return err;
	}
	l->current->flags &= (uint16_t)~FLAG_EINTR;
	ramet__lane_wait_firm(l, c);
	return 0;
}

/* ---- what is asked ------------------------------------------------------ */

/* "1.2.3.4", "127.1", "fe80::1%eth0". */
bool ramet__name_is_address(const char *name)
{
	char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	struct in6_addr v6;
	struct in_addr v4;
	size_t size = strcspn(name, "%");

	if (size >= sizeof text)
		return false;
	memcpy(text, name, size);
	text[size] = '\0';
	return inet_pton(AF_INET6, text, &v6) == 1 || inet_aton(name, &v4);
}

char *ramet__lookup_copy(char **place, const char *text)
{
	char *copy = *place;
	size_t room = lookup_room(text);

	if (!text)
		return NULL;
	memcpy(copy, text, room);
	*place += room;
	return copy;
}
