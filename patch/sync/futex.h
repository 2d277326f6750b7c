/* futex.h - futex(2) for ramets: what runtimes that bring their own locks call
 * by number. */
#ifndef PATCH_SYNC_FUTEX_H
#define PATCH_SYNC_FUTEX_H

/* Returns >= 0 or -errno. */
long ramet__futex(const long arg[6]);

#endif
