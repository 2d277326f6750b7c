/* c11.h - what <threads.h> says instead of error numbers. */
#ifndef PATCH_C11_H
#define PATCH_C11_H

#include <errno.h>
#include <threads.h>

static inline int c11_result(int err)
{
	switch (err) {
	case 0:
		return thrd_success;
	case EBUSY:
		return thrd_busy;
	case ETIMEDOUT:
		return thrd_timedout;
	case ENOMEM:
		return thrd_nomem;
	default:
		return thrd_error;
	}
}

#endif
