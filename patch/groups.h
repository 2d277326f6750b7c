/* groups.h - the groups of replaced functions, by name: X(bit, name, what is in
 * it).  For the command, its manual and whoever reads names. */
#ifndef PATCH_GROUPS_H
#define PATCH_GROUPS_H

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
	X(RAMET_FILE, "file", "open pread fsync flock")

#endif
