/* thread.h - what the patch knows of a pthread: the program's main, or a ramet
 * that pthread_create has made.
 *
 * Its thread-local storage is its own, and pthread_t is that block's address, as
 * in glibc.  Ramets made by ramet_spawn are no pthreads: they share their OS
 * thread's storage, and pthread_self() in them is that OS thread's.
 */
#ifndef PATCH_THREAD_THREAD_H
#define PATCH_THREAD_THREAD_H

#include <pthread.h>
#include <signal.h>

#include "core/core.h"

enum thread_life {
	THREAD_LIVES,
	THREAD_ENDED, /* and may be joined */
	THREAD_GONE,  /* joined, or ended detached: its pthread_t means nothing */
};

/* What OS threads without a loop have to do with a thread. */
enum thread_outside {
	OUTSIDE_NONE,
	OUTSIDE_WAITS, /* one waits for its end */
	OUTSIDE_LEFT,  /* one has detached it */
	OUTSIDE_ENDED, /* it has ended */
	OUTSIDE_DONE,  /* and the loop may forget it */
};

struct thread {
	struct ramet *ramet;
	void *tls; /* its block, the pthread_t */
	struct thread *next, **link; /* in the list of all, oldest first */
	void *(*fn)(void *);
	void *arg, *value;
	struct ramet *joiner; /* who waits for it to end */
	uint32_t outside;     /* enum thread_outside; atomic, a lot's word */
	uint8_t life;         /* enum thread_life */
	bool main, detached, c11; /* c11: fn returns an int */
	/* Something below is to be done at the next point where it may:
	 * ramet__thread_act.  The only field that hot paths look at. */
	bool asked;
	/* cancel.c */
	bool cancelled, cancel_disabled, cancel_async, exiting;
	/* signal/: what it has blocked; sent to it and not yet handled; and
	 * whether a handler has run that makes calls fail, or one that does
	 * not, since a call last asked. */
	sigset_t mask, pending;
	bool handled_fails, handled_restarts;
	stack_t stack; /* of sigaltstack, only remembered */
	char name[16]; /* "": the process's */
	/* tls.c */
	void *resolver;
	uint32_t number;
	size_t guard_size; /* as asked for; attr.c */
};

/* The calling pthread's; NULL in a ramet of ramet_spawn and in OS threads
 * without a loop. */
static inline struct thread *thread_self(struct loop *l)
{
	return l->current->cold->thread;
}

/* The thread behind a pthread_t; NULL: an OS thread of libc's. */
struct thread *thread_of(pthread_t p);

/* All of them, main first. */
extern struct thread *ramet__threads;

/* Have t look at what it has been asked as soon as it may: `asked` is set, and
 * if it waits in a call that may end with EINTR, the call ends. */
void ramet__thread_ask(struct thread *t);

/* Make the calling OS thread's main a pthread of the patch.  Returns 0 or a
 * sentence on why pthreads cannot be ramets here, in *reason, and -errno. */
int ramet__threads_start(struct loop *l, const char **reason);

/* In the child of a fork: only the caller is left. */
void ramet__threads_after_fork(struct loop *l);

#endif
