/* copy.h - copies from and to the program's memory that a bad pointer does not
 * hurt: in libc's place it is an error, as it is to the kernel.
 */
#ifndef IO_COPY_H
#define IO_COPY_H

#include <sys/uio.h>

#include "kernel/kernel.h"

/* Returns 0 or -EFAULT. */
int ramet__copy_in(void *to, const void *from, size_t size);

/* The first `size` bytes of buffers: into data, or out of it. */
void ramet__copy(const struct iovec *iov, char *data, size_t size,
		 bool to_data);

/* The same with the program's `count` buffers.  Returns how many bytes before
 * the first bad pointer, or -EFAULT if there are none. */
ssize_t ramet__copy_checked(const struct iovec *iov, size_t count, char *data,
			    size_t size, bool to_data);

#endif
