/* fds.h - how many descriptors this process has, and how many it may have. */
#ifndef FDS_H
#define FDS_H

#include "test.h"

#include <fcntl.h>
#include <sys/resource.h>

/* Those below 1,024. */
static inline int open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Allow the numbers below n, or as many as can be.  Returns what was allowed
 * before. */
static inline rlim_t allow_fds(rlim_t n)
{
	struct rlimit limit;
	rlim_t before;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	before = limit.rlim_cur;
	limit.rlim_cur = n < limit.rlim_max ? n : limit.rlim_max;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return before;
}

#endif
