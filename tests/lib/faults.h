/* faults.h - a kernel of which one call fails.
 *
 * It stands before the one in use.  Each call that Linux lets fail is a chance,
 * counted over all OS threads and children of a test.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdint.h>

enum fault {
	FAULT_NONE,
	FAULT_ERROR, /* the call does nothing, and returns why */
	FAULT_EINTR, /* a signal came first: nothing above should notice */
};

/* What a test's processes share. */
struct faults {
	enum fault kind; /* of chance `only`; counted from 1, 0: of none */
	uint64_t only;
	uint64_t errors, eintrs; /* chances so far; atomic */
};

/* From here on calls fail as `shared` says.  It stays the caller's. */
void faults_begin(struct faults *shared);

#endif
