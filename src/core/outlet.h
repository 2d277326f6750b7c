/* outlet.h - a way to a loop that may have ended.
 *
 * A loop has one outlet, which lives as long as anybody has it.  Mail is posted
 * to it from any OS thread: it comes to the loop, or the poster is told that
 * there is none any more.
 */
#ifndef CORE_OUTLET_H
#define CORE_OUTLET_H

#include "core/core.h"

struct outlet;

/* The loop's outlet, once more; NULL without memory.  By the loop itself. */
struct outlet *ramet__outlet(struct loop *l);

/* From any OS thread. */
struct outlet *ramet__outlet_keep(struct outlet *o);
void ramet__outlet_release(struct outlet *o); /* NULL is allowed */

/* Post mail to the loop.  Returns false if it has ended: the mail is the
 * caller's.  Not from signal handlers. */
bool ramet__outlet_post(struct outlet *o, struct mail *mail);

/* The loop, as long as it has not ended; for the loop itself. */
struct loop *ramet__outlet_loop(const struct outlet *o);

/* The loop ends: what has been posted is delivered, and no more will be. */
void ramet__outlet_close(struct loop *l);

/* In the child of a fork: those who have it are gone, or have the parent's. */
void ramet__outlet_abandon(struct loop *l);

#endif
