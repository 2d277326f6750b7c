/* odd.h - libraries that reach libc in other ways than by a call. */
#ifndef PATCH_ODD_H
#define PATCH_ODD_H

#include <sys/types.h>

/* pointer.c: functions as data. */
unsigned pointer_sleep(unsigned seconds);
unsigned pointer_sealed_sleep(unsigned seconds);

/* symbolic.c: has a usleep of its own. */
unsigned symbolic_sleep(unsigned seconds);
int symbolic_usleep(unsigned us);

/* asks.c: what the dynamic linker answers depends on who asks. */
void *asks_next(const char *name);
void *asks_default(const char *name);
void *asks_handle(void *handle, const char *name);
void *asks_version(void *handle, const char *name, const char *version);
void *asks_open(const char *file);
void *asks_open_in_base(const char *file);
int asks_close(void *handle);

#endif
