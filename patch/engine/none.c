/* none.c - the in-process patch where there is none. */
#include "ramet/patch.h"

#include <errno.h>

int ramet_patch(unsigned groups, const char *pattern)
{
	(void)groups;
	(void)pattern;
	errno = ENOTSUP;
	return -1;
}

int ramet_unpatch(unsigned groups, const char *pattern)
{
	return ramet_patch(groups, pattern);
}

int ramet_patched(const char *symbol)
{
	(void)symbol;
	return 0;
}

const char *ramet_patch_reason(void)
{
	return "functions can be replaced on x86-64 with glibc only";
}
