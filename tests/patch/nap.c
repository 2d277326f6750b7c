/* nap.c - a library that sleeps, made several times under several names. */
#include "nap.h"

#include <unistd.h>

unsigned NAP(sleep)(unsigned seconds)
{
	return sleep(seconds);
}

int NAP(usleep)(useconds_t us)
{
	return usleep(us);
}
