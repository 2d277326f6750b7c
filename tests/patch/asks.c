/* asks.c - the dynamic linker looks at the return address of these calls. */
#include "odd.h"

#include <dlfcn.h>

void *asks_next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

void *asks_default(const char *name)
{
	return dlsym(RTLD_DEFAULT, name);
}

void *asks_handle(void *handle, const char *name)
{
	return dlsym(handle, name);
}

void *asks_version(void *handle, const char *name, const char *version)
{
	return dlvsym(handle, name, version);
}

void *asks_open(const char *file)
{
	return dlopen(file, RTLD_NOW | RTLD_LOCAL);
}

void *asks_open_in_base(const char *file)
{
	return dlmopen(LM_ID_BASE, file, RTLD_NOW | RTLD_LOCAL);
}

int asks_close(void *handle)
{
	return dlclose(handle);
}
