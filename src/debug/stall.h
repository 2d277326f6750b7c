/* stall.h - what a loop's OS thread is doing that keeps it from turning. */
#ifndef DEBUG_STALL_H
#define DEBUG_STALL_H

#include "debug/registry.h"

/* What a thread is in. */
struct task {
	long call; /* the system call that it is blocked in; -1: none */
	long args[6];
	struct context at; /* fp is not known */
};

/* Look at the thread.  Returns whether it could be done; if it runs,
 * task->at.pc is NULL. */
bool ramet__task_look(struct task *task, int tid);

/* Once: the handler of SIGURG, unless the program has one. */
void ramet__stall_install(void);

/* Whether SIGURG has that handler. */
bool ramet__stall_installed(void);

enum stall_report { STALL_NONE, STALL_SAY, STALL_DUMP };

/* From another thread: have the loop's thread report itself, by SIGURG, and
 * wait for a while until it has.  If it cannot the report is made without a
 * stack. */
void ramet__stall_running(struct seen *s, int64_t length,
			  enum stall_report what);

/* The same of one that is blocked in a system call, which no signal should end:
 * a snapshot of the process is looked at, by a child. */
void ramet__stall_blocked(struct seen *s, int64_t length,
			  enum stall_report what, const struct task *task);

/* `ramet: thread 7 has not turned its loop for 120 ms: ramet 3 "x", spawned by
 * ...`; the line is not ended. */
struct out;
void ramet__put_stall(struct out *o, const struct seen *s, int64_t length);

/* The same as an object, whose end says why there is no stack in it. */
struct json;
void ramet__json_stall(struct json *j, const struct seen *s, int64_t length,
		       long process);
void ramet__json_stall_end(struct json *j, const char *no_stack);

#endif
