/* tasks.h - the OS threads of the process, as the kernel lists them. */
#ifndef PATCH_ENGINE_TASKS_H
#define PATCH_ENGINE_TASKS_H

/* How many run besides the runtime's helpers and the kernel's own workers: at
 * least 1, or -errno. */
int tasks_foreign(void);

#endif
