/* table.h - what pthreads wait with, group thread: see patch/engine/table.h. */
#ifndef PATCH_SYNC_TABLE_H
#define PATCH_SYNC_TABLE_H

#include <pthread.h>
#include <semaphore.h>
#include <threads.h>
#include <time.h>

/* Old names that libc still has. */
#define PATCH_SYNC_ALIASES(X)                                                  \
	X(RAMET_THREAD, int, __pthread_mutex_lock, (pthread_mutex_t * mutex))  \
	X(RAMET_THREAD, int, __pthread_mutex_trylock,                          \
	  (pthread_mutex_t * mutex))                                           \
	X(RAMET_THREAD, int, __pthread_mutex_unlock,                           \
	  (pthread_mutex_t * mutex))                                           \
	X(RAMET_THREAD, int, __pthread_mutex_destroy,                          \
	  (pthread_mutex_t * mutex))                                           \
	X(RAMET_THREAD, int, __pthread_rwlock_rdlock,                          \
	  (pthread_rwlock_t * rwlock))                                         \
	X(RAMET_THREAD, int, __pthread_rwlock_wrlock,                          \
	  (pthread_rwlock_t * rwlock))                                         \
	X(RAMET_THREAD, int, __pthread_rwlock_tryrdlock,                       \
	  (pthread_rwlock_t * rwlock))                                         \
	X(RAMET_THREAD, int, __pthread_rwlock_trywrlock,                       \
	  (pthread_rwlock_t * rwlock))                                         \
	X(RAMET_THREAD, int, __pthread_rwlock_unlock,                          \
	  (pthread_rwlock_t * rwlock))                                         \
	X(RAMET_THREAD, int, __pthread_once,                                   \
	  (pthread_once_t * once, void (*routine)(void)))

#define PATCH_SYNC_MUTEX(X)                                                    \
	X(RAMET_THREAD, int, pthread_mutex_lock, (pthread_mutex_t * mutex))    \
	X(RAMET_THREAD, int, pthread_mutex_trylock, (pthread_mutex_t * mutex)) \
	X(RAMET_THREAD, int, pthread_mutex_timedlock,                          \
	  (pthread_mutex_t * mutex, const struct timespec *at))                \
	X(RAMET_THREAD, int, pthread_mutex_clocklock,                          \
	  (pthread_mutex_t * mutex, clockid_t clock,                           \
	   const struct timespec *at))                                         \
	X(RAMET_THREAD, int, pthread_mutex_unlock, (pthread_mutex_t * mutex))  \
	X(RAMET_THREAD, int, pthread_mutex_destroy, (pthread_mutex_t * mutex)) \
	X(RAMET_THREAD, int, pthread_mutex_consistent,                         \
	  (pthread_mutex_t * mutex))                                           \
	X(RAMET_THREAD, int, pthread_mutex_setprioceiling,                     \
	  (pthread_mutex_t * mutex, int ceiling, int *before))

#define PATCH_SYNC_COND(X)                                                     \
	X(RAMET_THREAD, int, pthread_cond_wait,                                \
	  (pthread_cond_t * cond, pthread_mutex_t * mutex))                    \
	X(RAMET_THREAD, int, pthread_cond_timedwait,                           \
	  (pthread_cond_t * cond, pthread_mutex_t * mutex,                     \
	   const struct timespec *at))                                         \
	X(RAMET_THREAD, int, pthread_cond_clockwait,                           \
	  (pthread_cond_t * cond, pthread_mutex_t * mutex, clockid_t clock,    \
	   const struct timespec *at))                                         \
	X(RAMET_THREAD, int, pthread_cond_signal, (pthread_cond_t * cond))     \
	X(RAMET_THREAD, int, pthread_cond_broadcast, (pthread_cond_t * cond))  \
	X(RAMET_THREAD, int, pthread_cond_destroy, (pthread_cond_t * cond))

#define PATCH_SYNC_RWLOCK(X)                                                   \
	X(RAMET_THREAD, int, pthread_rwlock_rdlock,                            \
	  (pthread_rwlock_t * rwlock))                                         \
	X(RAMET_THREAD, int, pthread_rwlock_wrlock,                            \
	  (pthread_rwlock_t * rwlock))                                         \
	X(RAMET_THREAD, int, pthread_rwlock_tryrdlock,                         \
	  (pthread_rwlock_t * rwlock))                                         \
	X(RAMET_THREAD, int, pthread_rwlock_trywrlock,                         \
	  (pthread_rwlock_t * rwlock))                                         \
	X(RAMET_THREAD, int, pthread_rwlock_timedrdlock,                       \
	  (pthread_rwlock_t * rwlock, const struct timespec *at))              \
	X(RAMET_THREAD, int, pthread_rwlock_timedwrlock,                       \
	  (pthread_rwlock_t * rwlock, const struct timespec *at))              \
	X(RAMET_THREAD, int, pthread_rwlock_clockrdlock,                       \
	  (pthread_rwlock_t * rwlock, clockid_t clock,                         \
	   const struct timespec *at))                                         \
	X(RAMET_THREAD, int, pthread_rwlock_clockwrlock,                       \
	  (pthread_rwlock_t * rwlock, clockid_t clock,                         \
	   const struct timespec *at))                                         \
	X(RAMET_THREAD, int, pthread_rwlock_unlock, (pthread_rwlock_t * rwlock))

#define PATCH_SYNC_OTHERS(X)                                                   \
	X(RAMET_THREAD, int, pthread_spin_lock, (pthread_spinlock_t * lock))   \
	X(RAMET_THREAD, int, pthread_spin_trylock,                             \
	  (pthread_spinlock_t * lock))                                         \
	X(RAMET_THREAD, int, pthread_spin_unlock, (pthread_spinlock_t * lock)) \
	X(RAMET_THREAD, int, pthread_barrier_wait,                             \
	  (pthread_barrier_t * barrier))                                       \
	X(RAMET_THREAD, int, pthread_barrier_destroy,                          \
	  (pthread_barrier_t * barrier))                                       \
	X(RAMET_THREAD, int, pthread_once,                                     \
	  (pthread_once_t * once, void (*routine)(void)))                      \
	X(RAMET_THREAD, int, sem_wait, (sem_t * sem))                          \
	X(RAMET_THREAD, int, sem_trywait, (sem_t * sem))                       \
	X(RAMET_THREAD, int, sem_timedwait,                                    \
	  (sem_t * sem, const struct timespec *at))                            \
	X(RAMET_THREAD, int, sem_clockwait,                                    \
	  (sem_t * sem, clockid_t clock, const struct timespec *at))           \
	X(RAMET_THREAD, int, sem_post, (sem_t * sem))

#define PATCH_SYNC_C11(X)                                                      \
	X(RAMET_THREAD, int, mtx_lock, (mtx_t * m))                            \
	X(RAMET_THREAD, int, mtx_trylock, (mtx_t * m))                         \
	X(RAMET_THREAD, int, mtx_timedlock,                                    \
	  (mtx_t * m, const struct timespec *at))                              \
	X(RAMET_THREAD, int, mtx_unlock, (mtx_t * m))                          \
	X(RAMET_THREAD, void, mtx_destroy, (mtx_t * m))                        \
	X(RAMET_THREAD, int, cnd_signal, (cnd_t * c))                          \
	X(RAMET_THREAD, int, cnd_broadcast, (cnd_t * c))                       \
	X(RAMET_THREAD, int, cnd_wait, (cnd_t * c, mtx_t * m))                 \
	X(RAMET_THREAD, int, cnd_timedwait,                                    \
	  (cnd_t * c, mtx_t * m, const struct timespec *at))                   \
	X(RAMET_THREAD, void, cnd_destroy, (cnd_t * c))                        \
	X(RAMET_THREAD, void, call_once,                                       \
	  (once_flag * flag, void (*routine)(void)))

#define PATCH_SYNC(X)                                                          \
	PATCH_SYNC_MUTEX(X)                                                    \
	PATCH_SYNC_COND(X)                                                     \
	PATCH_SYNC_RWLOCK(X)                                                   \
	PATCH_SYNC_OTHERS(X)                                                   \
	PATCH_SYNC_C11(X)                                                      \
	PATCH_SYNC_ALIASES(X)                                                  \
	X(RAMET_THREAD, long, syscall, (long number, ...))

#endif
