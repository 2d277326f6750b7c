/* c11.c - mtx_t, cnd_t and once_flag, which are pthread's under other names. */
#include "patch/sync/sync.h"
#include "patch/c11.h"

#include <threads.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "the same");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "the same");
_Static_assert(sizeof(once_flag) == sizeof(pthread_once_t), "the same");

static pthread_mutex_t *mutex_of(mtx_t *m)
{
	return (pthread_mutex_t *)(void *)m;
}

static pthread_cond_t *cond_of(cnd_t *c)
{
	return (pthread_cond_t *)(void *)c;
}

int HOOK(mtx_lock)(mtx_t *m)
{
	return c11_result(HOOK(pthread_mutex_lock)(mutex_of(m)));
}

int HOOK(mtx_trylock)(mtx_t *m)
{
	return c11_result(HOOK(pthread_mutex_trylock)(mutex_of(m)));
}

int HOOK(mtx_timedlock)(mtx_t *m, const struct timespec *at)
{
	return c11_result(HOOK(pthread_mutex_timedlock)(mutex_of(m), at));
}

int HOOK(mtx_unlock)(mtx_t *m)
{
	return c11_result(HOOK(pthread_mutex_unlock)(mutex_of(m)));
}

void HOOK(mtx_destroy)(mtx_t *m)
{
	HOOK(pthread_mutex_destroy)(mutex_of(m));
}

int HOOK(cnd_signal)(cnd_t *c)
{
	return c11_result(HOOK(pthread_cond_signal)(cond_of(c)));
}

int HOOK(cnd_broadcast)(cnd_t *c)
{
	return c11_result(HOOK(pthread_cond_broadcast)(cond_of(c)));
}

int HOOK(cnd_wait)(cnd_t *c, mtx_t *m)
{
	return c11_result(HOOK(pthread_cond_wait)(cond_of(c), mutex_of(m)));
}

int HOOK(cnd_timedwait)(cnd_t *c, mtx_t *m, const struct timespec *at)
{
	return c11_result(
		HOOK(pthread_cond_timedwait)(cond_of(c), mutex_of(m), at));
}

void HOOK(cnd_destroy)(cnd_t *c)
{
	HOOK(pthread_cond_destroy)(cond_of(c));
}

void HOOK(call_once)(once_flag *flag, void (*routine)(void))
{
	HOOK(pthread_once)((pthread_once_t *)(void *)flag, routine);
}
