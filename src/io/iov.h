/* iov.h - what a partial read or write leaves of its buffers. */
#ifndef IO_IOV_H
#define IO_IOV_H

#include <sys/uio.h>

#include "kernel/kernel.h"

/* A copy of a caller's buffers, to be used up. */
struct iovs {
	struct iovec *next; /* the first that is not used up */
	size_t count;       /* from there on */
	struct iovec *all, few[8];
};

/* Room for that many, to be filled.  Returns 0 or -ENOMEM. */
static inline int iovs_room(struct iovs *v, size_t count)
{
	v->all = count <= countof(v->few)
			 ? v->few
			 : kernel_alloc(count * sizeof *v->all);
	v->next = v->all;
	v->count = count;
	return v->all ? 0 : -ENOMEM;
}

/* Returns 0 or -ENOMEM. */
static inline int iovs_copy(struct iovs *v, const struct iovec *iov,
			    size_t count)
{
	int err = iovs_room(v, count);

	for (size_t i = 0; i < count && err == 0; i++)
		v->all[i] = iov[i];
	return err;
}

static inline void iovs_free(struct iovs *v)
{
	if (v->all != v->few)
		kernel_free(v->all);
}

/* The first n bytes are done. */
static inline void iovs_skip(struct iovs *v, size_t n)
{
	while (v->count && n >= v->next->iov_len) {
		n -= v->next->iov_len;
		v->next++;
		v->count--;
	}
	if (v->count && n) {
		v->next->iov_base = (char *)v->next->iov_base + n;
		v->next->iov_len -= n;
	}
}

static inline size_t iov_total(const struct iovec *iov, size_t count)
{
	size_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += iov[i].iov_len;
	return sum;
}

#endif
