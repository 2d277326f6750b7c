/* resolver.c - who is asked: libc, or name servers directly. */
#include "kernel/kernel.h"
#include "net/names/ares.h"
#include "net/names/state.h"
#include "ramet/net.h"

#include <string.h>

static const struct choice {
	bool ares;
	const char *reason;
} choices[] = {
	{true, "it is the default"},
	{true, "RAMET_RESOLVER says so"},
	{false, "RAMET_RESOLVER says so"},
	{false, "libcares.so.2 is not there"},
	{true, "RAMET_RESOLVER names none that there is"},
	{false, "it was built without c-ares"},
};

static const struct choice *choose(void)
{
	static const struct choice *chosen; /* atomic; all choose the same */
	const struct choice *c = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
	const char *wish;

	if (likely(c != NULL))
		return c;
	wish = kernel_getenv("RAMET_RESOLVER");
	c = &choices[!wish || !*wish               ? 0
		     : strcmp(wish, "ares") == 0   ? 1
		     : strcmp(wish, "system") == 0 ? 2
						   : 4];
	if (c->ares) {
		int err = ramet__ares_load();

		if (err < 0)
			c = &choices[err == -ENOSYS ? 5 : 3];
	}
	__atomic_store_n(&chosen, c, __ATOMIC_RELAXED);
	return c;
}

bool ramet__names_by_ares(void)
{
	return choose()->ares;
}

const char *ramet_resolver_name(void)
{
	return choose()->ares ? "ares" : "system";
}

const char *ramet_resolver_reason(void)
{
	return choose()->reason;
}
