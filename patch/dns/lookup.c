/* lookup.c - waiting for the lane, as a cancellation point. */
#include "patch/dns/lookup.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

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

int ramet__lookup(struct loop *l, struct lane_call *c)
{
	int err;

	hook_begin(l);
	err = send_out(l, c);
	if (err == 0) {
		err = wait_for(l, c);
		if (err < 0)
			ramet__lane_leave(l, c);
	}
	hook_end(l, 0);
	return err;
}

/* Only a call that has not begun can be cut short. */
int ramet__lookup_firm(struct loop *l, struct lane_call *c)
{
	int err;

	hook_begin(l);
	err = send_out(l, c);
	if (err < 0) {
		hook_end(l, 0);
		return err;
	}
	err = wait_for(l, c);
	hook_end(l, 0);
	if (err < 0 && ramet__lane_recall(l, c)) {
		c->free(c);
		return err;
	}
	ramet__lane_wait_firm(l, c);
	return 0;
}

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
