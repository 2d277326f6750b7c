/* table.h - the functions of group thread: see patch/engine/table.h.  Not here,
 * because libc's own do what they should on the block that each thread has:
 * pthread_self, pthread_equal, keys, attribute objects, cleanup handlers. */
#ifndef PATCH_THREAD_TABLE_H
#define PATCH_THREAD_TABLE_H

#include <pthread.h>
#include <sched.h>
#include <sys/types.h>
#include <threads.h>

#define PATCH_THREAD(X)                                                        \
	X(RAMET_THREAD, int, pthread_create,                                   \
	  (pthread_t *out, const pthread_attr_t *attr, void *(*fn)(void *),    \
	   void *arg))                                                         \
	X(RAMET_THREAD, int, pthread_join, (pthread_t p, void **value))        \
	X(RAMET_THREAD, int, pthread_tryjoin_np, (pthread_t p, void **value))  \
	X(RAMET_THREAD, int, pthread_timedjoin_np,                             \
	  (pthread_t p, void **value, const struct timespec *when))            \
	X(RAMET_THREAD, int, pthread_clockjoin_np,                             \
	  (pthread_t p, void **value, clockid_t clock,                         \
	   const struct timespec *when))                                       \
	X(RAMET_THREAD, int, pthread_detach, (pthread_t p))                    \
	X(RAMET_THREAD, void, pthread_exit, (void *value))                     \
	X(RAMET_THREAD, int, pthread_cancel, (pthread_t p))                    \
	X(RAMET_THREAD, int, pthread_setcancelstate, (int state, int *old))    \
	X(RAMET_THREAD, int, pthread_setcanceltype, (int type, int *old))      \
	X(RAMET_THREAD, void, pthread_testcancel, (void))                      \
	X(RAMET_THREAD, int, pthread_setname_np,                               \
	  (pthread_t p, const char *name))                                     \
	X(RAMET_THREAD, int, pthread_getname_np,                               \
	  (pthread_t p, char *name, size_t size))                              \
	X(RAMET_THREAD, int, pthread_getattr_np,                               \
	  (pthread_t p, pthread_attr_t *attr))                                 \
	X(RAMET_THREAD, int, pthread_setattr_default_np,                       \
	  (const pthread_attr_t *attr))                                        \
	X(RAMET_THREAD, int, pthread_getaffinity_np,                           \
	  (pthread_t p, size_t size, cpu_set_t *set))                          \
	X(RAMET_THREAD, int, pthread_setaffinity_np,                           \
	  (pthread_t p, size_t size, const cpu_set_t *set))                    \
	X(RAMET_THREAD, int, pthread_getschedparam,                            \
	  (pthread_t p, int *policy, struct sched_param *param))               \
	X(RAMET_THREAD, int, pthread_setschedparam,                            \
	  (pthread_t p, int policy, const struct sched_param *param))          \
	X(RAMET_THREAD, int, pthread_setschedprio, (pthread_t p, int priority)) \
	X(RAMET_THREAD, int, pthread_getcpuclockid,                            \
	  (pthread_t p, clockid_t *clock))                                     \
	X(RAMET_THREAD, int, sched_yield, (void))                              \
	X(RAMET_THREAD, int, pthread_yield, (void))                            \
	X(RAMET_THREAD, int, thrd_create,                                      \
	  (thrd_t *out, thrd_start_t fn, void *arg))                           \
	X(RAMET_THREAD, int, thrd_join, (thrd_t p, int *value))                \
	X(RAMET_THREAD, int, thrd_detach, (thrd_t p))                          \
	X(RAMET_THREAD, void, thrd_exit, (int value))                          \
	X(RAMET_THREAD, int, thrd_sleep,                                       \
	  (const struct timespec *length, struct timespec *left))              \
	X(RAMET_THREAD, void, thrd_yield, (void))                              \
	X(RAMET_THREAD, int, setuid, (uid_t uid))                              \
	X(RAMET_THREAD, int, setgid, (gid_t gid))                              \
	X(RAMET_THREAD, int, seteuid, (uid_t uid))                             \
	X(RAMET_THREAD, int, setegid, (gid_t gid))                             \
	X(RAMET_THREAD, int, setreuid, (uid_t real, uid_t effective))          \
	X(RAMET_THREAD, int, setregid, (gid_t real, gid_t effective))          \
	X(RAMET_THREAD, int, setresuid,                                        \
	  (uid_t real, uid_t effective, uid_t saved))                          \
	X(RAMET_THREAD, int, setresgid,                                        \
	  (gid_t real, gid_t effective, gid_t saved))                          \
	X(RAMET_THREAD, int, setgroups, (size_t count, const gid_t *groups))   \
	X(RAMET_THREAD, int, initgroups, (const char *user, gid_t group))

#endif
