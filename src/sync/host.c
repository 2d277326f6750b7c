/* host.c - guests that wait for what another guest has to give: tools say who
 * that is, and find those that wait for each other. */
#include "ramet/host.h"

#include "sync/lot.h"

static int park(enum wait wait, const struct lot_reason *reason, int64_t when)
{
	struct loop *l = ramet__this_loop;
	int err = ramet__interrupted(l);

	if (likely(err == 0) && when == RAMET_NEVER)
		err = ramet__owned_wait(l, wait, reason);
	if (likely(err == 0))
		err = ramet__park_until(l, wait, reason, when);
	return (int)ramet__ret(err);
}

uint32_t ramet_host_self(void)
{
	return ramet__lot_self();
}

int ramet_host_park_lock(const void *lock, const uint32_t *holder, int64_t when)
{
	struct lot_reason reason = {"for lock", lock, 0, holder};

	return park(WAIT_HOST_LOCK, &reason, when);
}

int ramet_host_park_join(struct ramet *t, int64_t when)
{
	struct lot_reason reason = {"for the end of", NULL,
				    ramet__lot_number(t), NULL};

	return park(WAIT_HOST_JOIN, &reason, when);
}
