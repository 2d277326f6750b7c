/* launch.h - start a program without the loop standing still. */
#ifndef TASK_LAUNCH_H
#define TASK_LAUNCH_H

#include "core/core.h"
#include "ramet/process.h"

struct launched {
	pid_t pid;
	int pidfd; /* -1: there is none */
};

/* Start argv with opts, and `streams` as struct kernel_launch has them; those
 * that are descriptors are closed here, in any case.  Returns 0 or -errno. */
int ramet__launch(struct loop *l, char *const argv[],
		  const struct ramet_process_opts *opts, const int streams[3],
		  struct launched *out);

#endif
