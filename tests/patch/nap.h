/* nap.h - the functions of the libraries made of nap.c: lazy_sleep etc. */
#ifndef PATCH_NAP_H
#define PATCH_NAP_H

#include <pthread.h>
#include <unistd.h>

#define NAP_PASTE(prefix, name) prefix##_##name
#define NAP_NAME(prefix, name) NAP_PASTE(prefix, name)
#define NAP(name) NAP_NAME(NAP_PREFIX, name)

#define NAP_DECLARE(prefix)                                                    \
	unsigned prefix##_sleep(unsigned seconds);                             \
	int prefix##_usleep(useconds_t us);                                    \
	int prefix##_lock(pthread_mutex_t *mutex);                             \
	int prefix##_unlock(pthread_mutex_t *mutex);

NAP_DECLARE(lazy)
NAP_DECLARE(sealed)
NAP_DECLARE(late)
NAP_DECLARE(inner)

#endif
