/* lock.h - the one lock of the engine: the dynamic linker's, of its list of
 * objects.
 *
 * dl_iterate_phdr holds it during its callbacks, so whoever is in one has the
 * list and the engine to itself.  Nobody parks there, and no signal comes.  And
 * no fork: a child would find the lock held for ever by a thread it has not.
 */
#ifndef PATCH_ENGINE_LOCK_H
#define PATCH_ENGINE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/* How many objects were ever loaded and unloaded. */
struct lock_seen {
	uint64_t loaded, unloaded;
};

/* Call fn(arg) with the lock. */
void lock_with(void (*fn)(struct lock_seen, void *), void *arg);

/* Make forks wait for those that have the lock.  Returns 0 or -ENOMEM. */
int lock_start(void);

/* Whether this thread is in the handlers of a fork. */
bool lock_forking(void);

#endif
