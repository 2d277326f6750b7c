/* request.h - one call on a file, made where it may take its time: an errand
 * with the memory it needs.
 */
#ifndef IO_REQUEST_H
#define IO_REQUEST_H

#include <sys/stat.h>

#include "core/errand.h"
#include "io/call.h"

struct request {
	struct errand errand;
	int number; /* -1: of no descriptor */
	uint32_t generation;
	struct fd *fd;
	bool turn;   /* ends with it */
	bool holds;  /* the number, for a helper */
	mode_t mode; /* of what was opened */
	char *data;  /* in room */
	char room[];
};

/* A request with room for size bytes, on a descriptor or on none; or NULL. */
struct request *ramet__request(size_t size);
struct request *ramet__request_on(const struct io *io, size_t size);

/* An errand's drop, and its run: make the call. */
void ramet__request_drop(struct loop *l, struct errand *e);
void ramet__request_run(struct errand *e);

/* Have a helper do it.  If none can be had the request is dropped. */
int ramet__request_send(struct loop *l, struct request *r);

/* Do it, by the kernel if it can.  Returns 0, or -errno: then the caller has
 * left it and must not touch it. */
int ramet__request_perform(struct io *io, struct request *r, bool by_kernel);

/* The next one may move the position of the file that f was then. */
void ramet__request_end_turn(struct fd *f, uint32_t generation);

#endif
