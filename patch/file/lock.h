/* lock.h - locks on files, for fcntl. */
#ifndef PATCH_FILE_LOCK_H
#define PATCH_FILE_LOCK_H

#include "patch/hook.h"

/* fcntl(fd, F_SETLKW or F_OFD_SETLKW, arg), cancellation point and all: as
 * fcntl returns, with errno. */
int ramet__hook_lock_wait(struct loop *l, int fd, int cmd, void *arg);

#endif
