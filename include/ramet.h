/* ramet.h - green threads for Linux: everything, in one include.
 *
 * One OS thread runs many green threads ("ramets").  A ramet runs until it
 * blocks in one of the calls declared here; nothing else switches it out, so
 * code between two blocking calls is atomic with respect to its siblings.
 *
 * Errors.  Calls that can fail return -1 (or NULL) and set errno, as libc
 * does.  Besides the errors listed per call, every call marked "blocks" fails
 * with
 *     ETIMEDOUT  a scope around the call has expired (see RAMET_WITHIN)
 *     ECANCELED  the calling ramet was cancelled (see ramet_cancel)
 *     EDEADLK    nothing can ever wake the caller (see ramet_deadlock_policy)
 * and goes on failing so until the scope is left: these are levels, not edges.
 *
 * Mistakes that only the program can have made (joining twice, unlocking what is
 * not one's own, using another loop's objects) are errors as well, so nothing is
 * broken by them; RAMET_STRICT=1 in the environment turns them into a report and
 * abort().
 *
 * Start.  There is nothing to initialise: the first call on an OS thread makes
 * that thread's loop, and the thread itself becomes its first ramet, "main".
 * A loop ends with its OS thread.  The objects of one loop (ramets, groups,
 * mutexes, channels, ...) belong to it; another loop's use of them is refused
 * with EPERM.  What may be called from any OS thread says so.
 */
#ifndef RAMET_H
#define RAMET_H

#include "ramet/core.h"
#include "ramet/actor.h"
#include "ramet/future.h"
#include "ramet/io.h"
#include "ramet/queue.h"
#include "ramet/sync.h"
#include "ramet/task.h"
#include "ramet/pool.h"
#include "ramet/loop.h"
#include "ramet/debug.h"
#include "ramet/host.h"
#include "ramet/patch.h"
#include "ramet/process.h"
#include "ramet/net.h"
#include "ramet/tls.h"
#include "ramet/http.h"
#include "ramet/ws.h"

#endif
