/* table.h - what C libraries wait for each other with, groups lock and sem: see
 * patch/engine/table.h.  Second rows of names that group thread has as well. */
#ifndef PATCH_LOCK_TABLE_H
#define PATCH_LOCK_TABLE_H

#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#define PATCH_LOCK_MUTEX(X)                                                    \
	X(RAMET_LOCK, int, pthread_mutex_lock, (pthread_mutex_t * mutex))      \
	X(RAMET_LOCK, int, pthread_mutex_trylock, (pthread_mutex_t * mutex))   \
	X(RAMET_LOCK, int, pthread_mutex_timedlock,                            \
	  (pthread_mutex_t * mutex, const struct timespec *at))                \
	X(RAMET_LOCK, int, pthread_mutex_clocklock,                            \
	  (pthread_mutex_t * mutex, clockid_t clock,                           \
	   const struct timespec *at))                                         \
	X(RAMET_LOCK, int, pthread_mutex_unlock, (pthread_mutex_t * mutex))

#define PATCH_LOCK_COND(X)                                                     \
	X(RAMET_LOCK, int, pthread_cond_wait,                                  \
	  (pthread_cond_t * cond, pthread_mutex_t * mutex))                    \
	X(RAMET_LOCK, int, pthread_cond_timedwait,                             \
	  (pthread_cond_t * cond, pthread_mutex_t * mutex,                     \
	   const struct timespec *at))                                         \
	X(RAMET_LOCK, int, pthread_cond_clockwait,                             \
	  (pthread_cond_t * cond, pthread_mutex_t * mutex, clockid_t clock,    \
	   const struct timespec *at))                                         \
	X(RAMET_LOCK, int, pthread_cond_signal, (pthread_cond_t * cond))       \
	X(RAMET_LOCK, int, pthread_cond_broadcast, (pthread_cond_t * cond))

#define PATCH_LOCK_RWLOCK(X)                                                   \
	X(RAMET_LOCK, int, pthread_rwlock_rdlock, (pthread_rwlock_t * rwlock)) \
	X(RAMET_LOCK, int, pthread_rwlock_wrlock, (pthread_rwlock_t * rwlock)) \
	X(RAMET_LOCK, int, pthread_rwlock_timedrdlock,                         \
	  (pthread_rwlock_t * rwlock, const struct timespec *at))              \
	X(RAMET_LOCK, int, pthread_rwlock_timedwrlock,                         \
	  (pthread_rwlock_t * rwlock, const struct timespec *at))              \
	X(RAMET_LOCK, int, pthread_rwlock_clockrdlock,                         \
	  (pthread_rwlock_t * rwlock, clockid_t clock,                         \
	   const struct timespec *at))                                         \
	X(RAMET_LOCK, int, pthread_rwlock_clockwrlock,                         \
	  (pthread_rwlock_t * rwlock, clockid_t clock,                         \
	   const struct timespec *at))                                         \
	X(RAMET_LOCK, int, pthread_rwlock_unlock, (pthread_rwlock_t * rwlock))

#define PATCH_LOCK_SEM(X)                                                      \
	X(RAMET_SEM, int, sem_wait, (sem_t * sem))                             \
	X(RAMET_SEM, int, sem_timedwait,                                       \
	  (sem_t * sem, const struct timespec *at))                            \
	X(RAMET_SEM, int, sem_clockwait,                                       \
	  (sem_t * sem, clockid_t clock, const struct timespec *at))           \
	X(RAMET_SEM, int, sem_post, (sem_t * sem))

#define PATCH_LOCKS(X)                                                         \
	PATCH_LOCK_MUTEX(X)                                                    \
	PATCH_LOCK_COND(X)                                                     \
	PATCH_LOCK_RWLOCK(X)                                                   \
	PATCH_LOCK_SEM(X)

#endif
