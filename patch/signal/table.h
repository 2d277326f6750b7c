/* table.h - the functions of group signal: see patch/engine/table.h. */
#ifndef PATCH_SIGNAL_TABLE_H
#define PATCH_SIGNAL_TABLE_H

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

#define PATCH_SIGNAL(X)                                                        \
	X(RAMET_SIGNAL, int, sigaction,                                        \
	  (int sig, const struct sigaction *action, struct sigaction *before)) \
	X(RAMET_SIGNAL, sighandler_t, signal, (int sig, sighandler_t handler)) \
	X(RAMET_SIGNAL, sighandler_t, bsd_signal,                              \
	  (int sig, sighandler_t handler))                                     \
	X(RAMET_SIGNAL, sighandler_t, ssignal, (int sig, sighandler_t handler)) \
	X(RAMET_SIGNAL, sighandler_t, sysv_signal,                             \
	  (int sig, sighandler_t handler))                                     \
	X(RAMET_SIGNAL, sighandler_t, __sysv_signal,                           \
	  (int sig, sighandler_t handler))                                     \
	X(RAMET_SIGNAL, int, siginterrupt, (int sig, int interrupts))          \
	X(RAMET_SIGNAL, int, sigaltstack,                                      \
	  (const stack_t *stack, stack_t *before))                             \
	X(RAMET_SIGNAL, int, pthread_sigmask,                                  \
	  (int how, const sigset_t *set, sigset_t *before))                    \
	X(RAMET_SIGNAL, int, sigprocmask,                                      \
	  (int how, const sigset_t *set, sigset_t *before))                    \
	X(RAMET_SIGNAL, int, sigblock, (int mask))                             \
	X(RAMET_SIGNAL, int, sigsetmask, (int mask))                           \
	X(RAMET_SIGNAL, int, siggetmask, (void))                               \
	X(RAMET_SIGNAL, int, sighold, (int sig))                               \
	X(RAMET_SIGNAL, int, sigrelse, (int sig))                              \
	X(RAMET_SIGNAL, int, sigignore, (int sig))                             \
	X(RAMET_SIGNAL, int, sigpending, (sigset_t * set))                     \
	X(RAMET_SIGNAL, int, pthread_kill, (pthread_t thread, int sig))        \
	X(RAMET_SIGNAL, int, pthread_sigqueue,                                 \
	  (pthread_t thread, int sig, const union sigval value))               \
	X(RAMET_SIGNAL, int, raise, (int sig))                                 \
	X(RAMET_SIGNAL, int, gsignal, (int sig))                               \
	X(RAMET_SIGNAL, int, sigwait, (const sigset_t *set, int *sig))         \
	X(RAMET_SIGNAL, int, sigwaitinfo,                                      \
	  (const sigset_t *set, siginfo_t *info))                              \
	X(RAMET_SIGNAL, int, sigtimedwait,                                     \
	  (const sigset_t *set, siginfo_t *info,                               \
	   const struct timespec *limit))                                      \
	X(RAMET_SIGNAL, int, sigsuspend, (const sigset_t *mask))               \
	X(RAMET_SIGNAL, int, pause, (void))                                    \
	X(RAMET_SIGNAL, void, longjmp, (struct __jmp_buf_tag * env, int value)) \
	X(RAMET_SIGNAL, void, _longjmp, (struct __jmp_buf_tag * env, int value)) \
	X(RAMET_SIGNAL, void, siglongjmp,                                      \
	  (struct __jmp_buf_tag * env, int value))                             \
	X(RAMET_SIGNAL, void, __longjmp_chk,                                   \
	  (struct __jmp_buf_tag * env, int value))                             \
	X(RAMET_SIGNAL, int, __sigsetjmp,                                      \
	  (struct __jmp_buf_tag * env, int with_mask))

#endif
