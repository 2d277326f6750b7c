/* create.c - a thread begins; where it is kept, and kept for the next.
 *
 * A thread's record and block go to a pool when it is over and are used again,
 * the last one first, as its stack is.
 */
#include "patch/signal/signal.h"
#include "patch/thread/life.h"
#include "patch/thread/tls.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_MAX = 4096 }; /* records with blocks, of 7 KiB in a small program */

struct thread *ramet__threads;
static struct thread **threads_end = &ramet__threads;
static struct thread *pool; /* by next */
static size_t pooled;
static size_t living;       /* have not come to their end */
static pthread_t os_thread; /* whose id is the kernel's */

struct thread *thread_of(pthread_t p)
{
	return p ? ramet__tls_owner((const void *)p) : NULL;
}

pthread_t ramet__thread_os(void)
{
	return os_thread;
}

/* ---- records ------------------------------------------------------------ */

static void enlist(struct thread *t)
{
	t->next = NULL;
	t->link = threads_end;
	*threads_end = t;
	threads_end = &t->next;
}

static void unlist(struct thread *t)
{
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	else
		threads_end = t->link;
}

/* One that has just ended may still be running on its block, on its way to the
 * next: that is not to be had. */
static struct thread *from_pool(void)
{
	struct thread **link = &pool, *t = pool;

	if (t && t->tls == arch_tls()) {
		link = &t->next;
		t = *link;
	}
	if (t) {
		*link = t->next;
		pooled--;
	}
	return t;
}

static struct thread *new_thread(void)
{
	struct thread *t;

	ramet__thread_sweep();
	t = from_pool();
	if (t) {
		*t = (struct thread){.tls = t->tls,
				     .resolver = t->resolver,
				     .number = t->number};
		t->life = THREAD_GONE;
	} else {
		t = calloc(1, sizeof *t);
		if (!t)
			return NULL;
	}
	if (ramet__tls_make(t) < 0) {
		free(t);
		return NULL;
	}
	return t;
}

/* Most of what a crowd has left is given back, unless malloc's memory would be
 * lost with it. */
static void to_pool(struct thread *t)
{
	ramet__tls_unlink(t);
	if (pooled >= POOL_MAX && ramet__tls_shares_cache() &&
	    t->tls != arch_tls()) {
		ramet__tls_free(t);
		free(t);
		return;
	}
	t->life = THREAD_GONE;
	t->next = pool;
	pool = t;
	pooled++;
}

void ramet__thread_forget(struct thread *t)
{
	unlist(t);
	to_pool(t);
}

/* ---- from the first to the last ------------------------------------------ */

/* As glibc's: the process ends with its last thread. */
void ramet__thread_count_down(void)
{
	if (--living == 0)
		exit(0);
}

/* Called by the ramet itself when it cannot park any more, or by its killer's
 * unwinding. */
static void on_end(struct ramet *ramet)
{
	struct thread *t = ramet->cold->thread;

	ramet->cold->thread = NULL;
	t->life = THREAD_ENDED;
	t->ramet = NULL;
	ramet__signals_end(t);
	ramet__thread_tell(t);
	if (ramet__thread_tell_outside(t) || t->detached)
		ramet__thread_forget(t);
}

static void *call(struct thread *t)
{
	thrd_start_t fn;

	if (!t->c11)
		return t->fn(t->arg);
	memcpy(&fn, &t->fn, sizeof fn);
	return (void *)(intptr_t)fn(t->arg);
}

/* libc's; <pthread.h> hides it where C has exceptions. */
extern void __pthread_register_cancel(__pthread_unwind_buf_t *base);

/* pthread_exit and cancellation come back to the base of the stack by libc's
 * way, which runs cleanup handlers and destructors. */
static void *run(void *thread)
{
	struct thread *t = thread;
	__pthread_unwind_buf_t base;

	ramet__tls_enter();
	if (!__sigsetjmp_cancel(base.__cancel_jmp_buf, 0)) {
		__pthread_register_cancel(&base);
		if (t->asked)
			ramet__thread_act(t);
		t->value = call(t);
	}
	ramet__thread_last_rites(thread);
	return NULL;
}

static struct thread *creator(struct loop *l)
{
	struct thread *t = thread_self(l);

	return t ? t : l->main.cold->thread;
}

static void prepare(struct thread *t, const struct thread_wish *wish,
		    const struct thread *from)
{
	t->detached = wish->detached;
	t->guard_size = wish->guard_size;
	t->mask = wish->has_mask ? wish->mask : from->mask;
	memcpy(t->name, from->name, sizeof t->name);
	t->life = THREAD_LIVES;
}

int ramet__thread_create(struct loop *l, pthread_t *out,
			 const pthread_attr_t *attr, void *(*fn)(void *),
			 void *arg, bool c11, const void *site)
{
	struct ramet_opts opts = {0};
	struct thread_wish wish;
	struct thread *t = new_thread();
	struct ramet *r;
	int err;

	if (!t)
		return EAGAIN;
	ramet__wish_read(&wish, attr);
	prepare(t, &wish, creator(l));
	t->fn = fn;
	t->arg = arg;
	t->c11 = c11;
	opts.stack_size = wish.stack_size;
	opts.name = t->name;
	r = ramet__spawn(l, run, t, &opts, site, &err);
	if (!r) {
		to_pool(t);
		return EAGAIN;
	}
	r->flags |= FLAG_DETACHED | FLAG_TLS;
	r->cold->tls = t->tls;
	r->cold->thread = t;
	memcpy(&r->cold->routine, &fn, sizeof fn);
	r->cold->on_end = on_end;
	t->ramet = r;
	enlist(t);
	ramet__signals_begin(t);
	living++;
	*out = (pthread_t)t->tls;
	ramet__point(l);
	return 0;
}

int HOOK(pthread_create)(pthread_t *out, const pthread_attr_t *attr,
			 void *(*fn)(void *), void *arg)
{
	struct loop *l = thread_loop();
	int err;

	if (!l)
		return libc.pthread_create(out, attr, fn, arg);
	err = ramet__thread_create(l, out, attr, fn, arg, false,
				   __builtin_return_address(0));
	if (err == 0)
		ramet__spend(l); /* who only creates must let them run */
	return err;
}

/* ---- main --------------------------------------------------------------- */

int ramet__threads_start(struct loop *l, const char **reason)
{
	static struct thread main_thread;
	struct thread *t = &main_thread;
	int err;

	if (l->main.cold->thread)
		return 0;
	if (ramet__threads) {
		*reason = "another OS thread's ramets are pthreads already";
		return -EBUSY;
	}
	err = ramet__tls_probe(l, reason);
	if (err < 0)
		return err;
	*reason = ramet__keys_find();
	if (*reason)
		return -ENOTSUP;
	ramet__wish_init();
	*t = (struct thread){.ramet = &l->main, .tls = l->tls, .main = true};
	ramet__tls_set_owner(t->tls, t);
	l->main.cold->thread = t;
	l->on_deadlock = ramet__thread_deadlock;
	os_thread = (pthread_t)t->tls;
	enlist(t);
	living = 1;
	ramet__signals_start(l);
	mallopt(M_ARENA_MAX, 1);
	return 0;
}

/* A block that is in use no more: its stack has gone with the parent. */
static void drop(struct thread *t)
{
	unlist(t);
	if (t->ramet)
		t->ramet->cold->thread = NULL;
	t->ramet = NULL;
	if (t->main)
		t->life = THREAD_GONE;
	else
		to_pool(t);
}

/* main stays the mark of the loop whose ramets are pthreads, even if it is not
 * the caller and so is gone. */
void ramet__threads_after_fork(struct loop *l)
{
	struct thread *self = thread_self(l), *main = ramet__tls_owner(l->tls);
	struct thread *next;

	for (struct thread *t = ramet__threads; t; t = next) {
		next = t->next;
		if (t != self)
			drop(t);
	}
	l->main.cold->thread = main;
	ramet__tls_relist(self ? self : main);
	living = 1;
	if (self) {
		self->joiner = NULL;
		self->outside = OUTSIDE_NONE;
		os_thread = (pthread_t)self->tls;
	}
}
