/* group.h - the groups of replaced functions, by name: X(bit, name, what is in
 * it).  For the command and its manual, too. */
#ifndef PATCH_ENGINE_GROUP_H
#define PATCH_ENGINE_GROUP_H

#include "ramet/patch.h"

#define PATCH_GROUP_NAMES(X)                                                   \
	X(RAMET_SOCKET, "socket", "recv send accept connect read write close") \
	X(RAMET_SELECT, "select", "poll select epoll_wait")                    \
	X(RAMET_DNS, "dns", "getaddrinfo gethostbyname getnameinfo")           \
	X(RAMET_TIME, "time", "sleep usleep nanosleep")                        \
	X(RAMET_THREAD, "thread", "pthread_create, locks, semaphores")         \
	X(RAMET_OS, "os", "waitpid system popen fork")                         \
	X(RAMET_SIGNAL, "signal", "sigwait pause sigaction pthread_kill")      \
	X(RAMET_STDIO, "stdio", "fgets fread flockfile")                       \
	X(RAMET_FILE, "file", "open pread fsync flock")                        \
	X(RAMET_LOCK, "lock", "pthread_mutex_lock, rwlocks, conditions")       \
	X(RAMET_SEM, "sem", "sem_wait sem_post")

/* Of several groups. */
#define PATCH_GROUP_SETS(X)                                                    \
	X(RAMET_PATCH_IO, "io",                                                \
	  "the default with --lib: all but thread, "                           \
	  "signal and stdio")                                                  \
	X(RAMET_PATCH_ALL, "all", "everything: the default")

/* The name of a group: "socket", or of a set; NULL if it is none. */
RAMET_API const char *ramet__patch_group_name(unsigned group);

#endif
