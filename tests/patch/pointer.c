/* pointer.c - libc's functions in tables: one that is written to, and one that
 * is sealed after relocation. */
#include "odd.h"

#include <unistd.h>

static unsigned (*volatile written)(unsigned) = sleep;

static unsigned (*const sealed[])(unsigned) = {sleep};

unsigned pointer_sleep(unsigned seconds)
{
	return written(seconds);
}

unsigned pointer_sealed_sleep(unsigned seconds)
{
	return (*(unsigned (*const volatile *)(unsigned))sealed)(seconds);
}
