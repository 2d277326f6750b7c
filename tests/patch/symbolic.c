/* symbolic.c - a library that takes its own definitions first. */
#include "odd.h"

#include <unistd.h>

int usleep(useconds_t us)
{
	return (int)us + 1;
}

unsigned symbolic_sleep(unsigned seconds)
{
	return sleep(seconds);
}

int symbolic_usleep(unsigned us)
{
	return usleep(us);
}
