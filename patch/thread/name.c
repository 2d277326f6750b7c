/* name.c - names of threads: 15 bytes, as the kernel's. */
#include "patch/thread/life.h"

#include <string.h>

/* A thread that is a ramet; NULL: libc's business, main's included. */
static struct thread *ramets(pthread_t p)
{
	struct thread *t = thread_loop() ? thread_of(p) : NULL;

	return t && !t->main ? t : NULL;
}

int HOOK(pthread_setname_np)(pthread_t p, const char *name)
{
	struct thread *t = ramets(p);
	size_t size = strlen(name) + 1;

	if (!t)
		return libc.pthread_setname_np(p, name);
	if (size > sizeof t->name)
		return ERANGE;
	if (t->life != THREAD_LIVES)
		return ESRCH;
	memcpy(t->name, name, size);
	memcpy(t->ramet->cold->name, name, size);
	return 0;
}

int HOOK(pthread_getname_np)(pthread_t p, char *name, size_t size)
{
	struct thread *t = ramets(p);

	if (!t)
		return libc.pthread_getname_np(p, name, size);
	if (size < sizeof t->name)
		return ERANGE;
	if (t->life == THREAD_GONE)
		return ESRCH;
	if (!t->name[0]) /* a new thread has its creator's */
		return libc.pthread_getname_np(ramet__thread_os(), name, size);
	memcpy(name, t->name, sizeof t->name);
	return 0;
}
