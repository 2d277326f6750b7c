/* nap.c - a library that sleeps and locks, made several times under several
 * names. */
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

int NAP(lock)(pthread_mutex_t *mutex)
{
	return pthread_mutex_lock(mutex);
}

int NAP(unlock)(pthread_mutex_t *mutex)
{
	return pthread_mutex_unlock(mutex);
}
