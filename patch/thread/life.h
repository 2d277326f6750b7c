/* life.h - what the files of this folder tell each other about the lives of
 * threads. */
#ifndef PATCH_THREAD_LIFE_H
#define PATCH_THREAD_LIFE_H

#include "patch/hook.h"

/* The loop whose ramets are pthreads, if the caller is one of them; NULL: libc
 * is to answer.  Unlike hook_loop, in signal handlers too. */
static inline struct loop *thread_loop(void)
{
	struct loop *l = ramet__this_loop;

	return likely(l && l->main.cold->thread) ? l : NULL;
}

/* The pthread_t of which the kernel knows the id: main's, or in the child of a
 * fork the caller's.  It answers for what only OS threads have. */
pthread_t ramet__thread_os(void);

/* What pthread_create was asked for; attr.c. */
struct thread_wish {
	size_t stack_size; /* of the ramet's slot */
	size_t guard_size;
	bool detached, has_mask;
	sigset_t mask;
};

/* Read an attribute object, or the defaults. */
void ramet__wish_read(struct thread_wish *wish, const pthread_attr_t *attr);

/* Read the defaults. */
void ramet__wish_init(void);

/* create.c: returns 0 or EAGAIN. */
int ramet__thread_create(struct loop *l, pthread_t *out,
			 const pthread_attr_t *attr, void *(*fn)(void *),
			 void *arg, bool c11, const void *site);

/* join.c: 0 or an error number; ETIMEDOUT at `when`. */
int ramet__thread_join(struct loop *l, pthread_t p, void **value, int64_t when);
int ramet__thread_detach(pthread_t p);

/* join.c: t has ended: wake whoever joins it. */
void ramet__thread_tell(struct thread *t);

/* outside.c: t has ended.  Returns whether to forget it. */
bool ramet__thread_tell_outside(struct thread *t);

/* outside.c: in the loop, now and then: forget whom others have joined. */
void ramet__thread_sweep(void);

/* outside.c: the same from OS threads that have no loop. */
int ramet__outside_join(struct thread *t, void **value, int64_t when);
int ramet__outside_detach(struct thread *t);

/* create.c: t, which has ended, has been joined or need not be. */
void ramet__thread_forget(struct thread *t);

/* create.c: the calling thread is no more.  The last one ends the process. */
void ramet__thread_count_down(void);

/* exit.c: end the calling thread; cleanup handlers and destructors run. */
_Noreturn void ramet__thread_exit(struct loop *l, void *value);

/* exit.c: what is due when the stack has been unwound, in the order of glibc.
 */
void ramet__thread_last_rites(struct thread *t);

/* key.c: find glibc's table of keys; NULL or why not.  Run destructors of the
 * calling thread's values and free what holds them. */
const char *ramet__keys_find(void);
void ramet__keys_end(void *tls);

/* deadlock.c: what the loop does when nobody can go on. */
void ramet__thread_deadlock(struct loop *l);

/* cancel.c: whether it must end now. */
static inline bool thread_must_end(const struct thread *t)
{
	return t->cancelled && !t->cancel_disabled && !t->exiting;
}

#endif
