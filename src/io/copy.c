/* copy.c - the kernel makes the copies: it knows what is mapped.  In a sandbox
 * that forbids it we make them, and a bad pointer is the program's end.
 */
#include "io/copy.h"

#include "kernel/calls.h"

#include <string.h>

static long by_kernel(long nr, const struct iovec *theirs, size_t count,
		      void *ours, size_t size)
{
	struct iovec here = {ours, size};

	return kernel_call(nr, kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0),
			   KERNEL_ARG(&here), 1, KERNEL_ARG(theirs),
			   (long)count, 0);
}

static bool is_forbidden(long n)
{
	return n < 0 && n != -EFAULT;
}

int ramet__copy_in(void *to, const void *from, size_t size)
{
	struct iovec there = {(void *)(uintptr_t)from, size};
	long n = by_kernel(SYS_process_vm_readv, &there, 1, to, size);

	if (is_forbidden(n))
		memcpy(to, from, size);
	else if (n != (long)size)
		return -EFAULT;
	return 0;
}

void ramet__copy(const struct iovec *iov, char *data, size_t size, bool to_data)
{
	for (; size; iov++) {
		size_t some = iov->iov_len < size ? iov->iov_len : size;

		if (to_data)
			memcpy(data, iov->iov_base, some);
		else
			memcpy(iov->iov_base, data, some);
		data += some;
		size -= some;
	}
}

ssize_t ramet__copy_checked(const struct iovec *iov, size_t count, char *data,
			    size_t size, bool to_data)
{
	long n = by_kernel(to_data ? SYS_process_vm_readv
				   : SYS_process_vm_writev,
			   iov, count, data, size);

	if (!is_forbidden(n))
		return n;
	ramet__copy(iov, data, size, to_data);
	return (ssize_t)size;
}
