/* launch.h - a program in a new process. */
#ifndef KERNEL_LAUNCH_H
#define KERNEL_LAUNCH_H

#include "kernel/kernel.h"

enum {
	LAUNCH_AS_IS = -1,  /* a stream: as it is here */
	LAUNCH_AS_OUT = -2, /* the third one: where the second leads */
	LAUNCH_STACK = 16 << 10,
};

struct kernel_launch {
	/* The caller's: */
	char *const *paths; /* tried in this order; ends with NULL */
	char *const *argv, *const *env;
	const char *dir;   /* NULL: ours */
	int streams[3];    /* descriptors, or one of the above */
	bool own_group;    /* the leader of a new process group */
	bool dies_with_us; /* SIGKILL when the calling OS thread ends */
	/* What comes of it: */
	pid_t pid;
	int pidfd; /* -1: this system has none */
	/* The rest is the child's. */
	int error;
	pid_t parent;
	char stack[LAUNCH_STACK] __attribute__((aligned(16)));
};

/* Start the first of the paths that is there.  Returns 0 when it runs, or
 * -errno: of execve(2), chdir(2), dup(2), clone(2); then there is no child. */
int kernel_real_launch(struct kernel_launch *k);

#endif
