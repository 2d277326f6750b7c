/* static.c - a program without tables: it has to be told so. */
#include "ramet.h"
#include "ramet/patch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	bool refused = ramet_patch(RAMET_TIME, "*") < 0 && errno == ENOTSUP &&
		       strstr(ramet_patch_reason(), "statically");

	printf("1..1\n%sok 1 - a static program is refused\n",
	       refused && ramet_unpatch(RAMET_TIME, "*") == 0 &&
			       ramet_patched("sleep") == 0
		       ? ""
		       : "not ");
	return !refused;
}
