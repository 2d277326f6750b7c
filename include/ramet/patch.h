/* ramet/patch.h - make libraries cooperative that know nothing of ramets.
 *
 * What a library imports from libc it calls through a table of its own;
 * patching replaces the entries of those functions that block the OS thread by
 * ones that block only the calling ramet.  No file is changed, and it can be
 * undone. Whole programs: ramet-run(1).  What is covered, and what cannot be:
 * ramet-patch(7).
 */
#ifndef RAMET_PATCH_H
#define RAMET_PATCH_H

#include "ramet/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Groups of functions, to be or-ed. */
enum {
	RAMET_SOCKET =
		1, /* recv send accept connect read write close dup ... */
	RAMET_SELECT = 2,  /* poll select epoll_wait ... */
	RAMET_DNS = 4,     /* getaddrinfo gethostbyname ... */
	RAMET_TIME = 8,    /* sleep nanosleep ... */
	RAMET_THREAD = 16, /* pthread_* sem_* mtx_* ...; all objects or none */
	RAMET_OS = 32,     /* waitpid system popen fork ... */
	RAMET_SIGNAL = 64, /* sigwait pause sigaction pthread_kill ... */
	RAMET_STDIO = 128, /* fgets fread flockfile ... */
	RAMET_FILE = 256,  /* open pread fsync flock ... */
	/* Instead of RAMET_THREAD: locks stay libc's own, so that any library
	 * may be patched, and what waits for one parks only the ramet. */
	RAMET_LOCK = 512, /* pthread_mutex_* pthread_cond_* pthread_rwlock_* */
	RAMET_SEM = 1024, /* sem_wait sem_post ... */
	/* All that are safe for a single library. */
	RAMET_PATCH_IO = RAMET_SOCKET | RAMET_SELECT | RAMET_DNS | RAMET_TIME |
			 RAMET_OS | RAMET_FILE,
	/* Of a whole program: without RAMET_LOCK and RAMET_SEM. */
	RAMET_PATCH_ALL = 511
};

/* Patch the groups' functions in every loaded object whose file name, without
 * directories, matches the pattern: "libpq" and "libpq.so" mean libpq.so.5,
 * "libpq*" is a shell pattern, "*" is every object, "" the program itself.
 * Never patched: libc, the dynamic linker, the runtime, objects of other link
 * namespaces (dlmopen), and names that an object, or the program for all of
 * them, defines itself.  The rule stays: objects loaded later are patched as
 * they come, when dlopen returns, or at the latest at the next dlsym.  May be
 * called from any OS thread; ramets that wait in a function being patched
 * finish as they began. Returns how many entries were changed, or -1: EINVAL
 * (no or unknown groups; no pattern, or none that a file name can match;
 * RAMET_THREAD for less than "*": a lock that one library takes in the kernel
 * and another as a ramet protects nothing; RAMET_THREAD together with
 * RAMET_LOCK or RAMET_SEM), EBUSY (one of these when the other is patched
 * already), ENOTSUP (no libc.so.6: the program is linked statically; other
 * machines than x86-64; RAMET_THREAD where threads cannot be ramets, or when
 * other threads of the program run already), ENOMEM, EPERM (the system refuses
 * to make a table writable).  After an error nothing is changed, and
 * ramet_patch_reason says more. */
RAMET_API int ramet_patch(unsigned groups, const char *pattern);

/* Undo it for the groups and a pattern as ramet_patch understands it, in what
 * is loaded and in what comes later; rules of other patterns stand for the
 * objects that this one does not match.  Ramets that wait inside a replaced
 * function go on there until it returns.  Returns how many entries were
 * restored, or -1: EINVAL (as above; also RAMET_THREAD, if it is patched, for
 * less than "*"), EBUSY (RAMET_THREAD while threads that are ramets exist),
 * ENOMEM, EPERM, ENOTSUP.  After an error all stays patched. */
RAMET_API int ramet_unpatch(unsigned groups, const char *pattern);

/* In how many entries of loaded objects a function is replaced now; 0 if it is
 * none that can be. */
RAMET_API int ramet_patched(const char *symbol);

/* Why the last ramet_patch or ramet_unpatch of this OS thread failed: a
 * sentence; "" if it did not. */
RAMET_API const char *ramet_patch_reason(void);

/* The groups by name, separated by commas: "socket,dns"; "io" is
 * RAMET_PATCH_IO, "all" is all.  Returns them, or 0 if one is unknown. */
RAMET_API unsigned ramet_patch_groups(const char *names);

#ifdef __cplusplus
}
#endif
#endif
