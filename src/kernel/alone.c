/* alone.c - counts the process's OS threads: a directory of the system has a
 * subdirectory for each. */
#include "kernel/kernel.h"

#include "arch/sanitizer.h"

#include <fcntl.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* TSan has a thread of its own. */
#ifdef RAMET_TSAN
enum { SANITIZERS = 1 };
#else
enum { SANITIZERS = 0 };
#endif

bool kernel_real_alone(void)
{
	static const char tasks[] = "/proc/self/task";
	struct stat st;
	long err;

	if (__libc_single_threaded)
		return true;
	err = kernel_real_call(SYS_newfstatat, AT_FDCWD, (long)(uintptr_t)tasks,
			       (long)(uintptr_t)&st, 0, 0, 0);
	/* "." and the parent's entry are links, too. */
	return err == 0 &&
	       (long)st.st_nlink - 2 - SANITIZERS - kernel_pool_idle() -
			       __atomic_load_n(&ramet__service_threads,
					       __ATOMIC_RELAXED) <=
		       1;
}
