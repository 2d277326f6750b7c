/* library.c - two OS threads that load the same library find the same. */
#include "kernel/library.h"

#include <dlfcn.h>

static int load(struct library *lib)
{
	void *handle = dlopen(lib->name, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; handle && i < lib->count; i++) {
		void *function = dlsym(handle, lib->symbols[i]);

		if (!function)
			return -ENOTSUP;
		__atomic_store_n(&lib->functions[i], function,
				 __ATOMIC_RELAXED);
	}
	return handle ? 0 : -ENOTSUP;
}

int ramet__library_load(struct library *lib)
{
	int state = __atomic_load_n(&lib->state, __ATOMIC_ACQUIRE);

	if (unlikely(state == 0)) {
		state = load(lib) < 0 ? -ENOTSUP : 1;
		__atomic_store_n(&lib->state, state, __ATOMIC_RELEASE);
	}
	return state < 0 ? state : 0;
}
