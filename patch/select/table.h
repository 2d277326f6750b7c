/* table.h - the functions of group select: see patch/engine/table.h. */
#ifndef PATCH_SELECT_TABLE_H
#define PATCH_SELECT_TABLE_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#define PATCH_SELECT(X)                                                        \
	X(RAMET_SELECT, int, poll,                                             \
	  (struct pollfd * fds, nfds_t count, int ms))                         \
	X(RAMET_SELECT, int, __poll_chk,                                       \
	  (struct pollfd * fds, nfds_t count, int ms, size_t size))            \
	X(RAMET_SELECT, int, ppoll,                                            \
	  (struct pollfd * fds, nfds_t count, const struct timespec *limit,    \
	   const sigset_t *mask))                                              \
	X(RAMET_SELECT, int, __ppoll_chk,                                      \
	  (struct pollfd * fds, nfds_t count, const struct timespec *limit,    \
	   const sigset_t *mask, size_t size))                                 \
	X(RAMET_SELECT, int, select,                                           \
	  (int count, fd_set *in, fd_set *out, fd_set *urgent,                 \
	   struct timeval *limit))                                             \
	X(RAMET_SELECT, int, pselect,                                          \
	  (int count, fd_set *in, fd_set *out, fd_set *urgent,                 \
	   const struct timespec *limit, const sigset_t *mask))                \
	X(RAMET_SELECT, int, epoll_create, (int size))                         \
	X(RAMET_SELECT, int, epoll_create1, (int flags))                       \
	X(RAMET_SELECT, int, epoll_wait,                                       \
	  (int epfd, struct epoll_event *events, int most, int ms))            \
	X(RAMET_SELECT, int, epoll_pwait,                                      \
	  (int epfd, struct epoll_event *events, int most, int ms,             \
	   const sigset_t *mask))                                              \
	X(RAMET_SELECT, int, epoll_pwait2,                                     \
	  (int epfd, struct epoll_event *events, int most,                     \
	   const struct timespec *limit, const sigset_t *mask))

#endif
