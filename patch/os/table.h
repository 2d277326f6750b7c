/* table.h - the functions of group os: see patch/engine/table.h. */
#ifndef PATCH_OS_TABLE_H
#define PATCH_OS_TABLE_H

#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATCH_OS(X)                                                            \
	X(RAMET_OS, pid_t, fork, (void))                                       \
	X(RAMET_OS, pid_t, _Fork, (void))                                      \
	X(RAMET_OS, pid_t, vfork, (void))                                      \
	X(RAMET_OS, pid_t, wait, (int *status))                                \
	X(RAMET_OS, pid_t, waitpid, (pid_t pid, int *status, int options))     \
	X(RAMET_OS, pid_t, __wait, (int *status))                              \
	X(RAMET_OS, pid_t, __waitpid, (pid_t pid, int *status, int options))   \
	X(RAMET_OS, pid_t, wait3,                                              \
	  (int *status, int options, struct rusage *usage))                    \
	X(RAMET_OS, pid_t, wait4,                                              \
	  (pid_t pid, int *status, int options, struct rusage *usage))         \
	X(RAMET_OS, int, waitid,                                               \
	  (idtype_t type, id_t id, siginfo_t *info, int options))              \
	X(RAMET_OS, int, system, (const char *command))                        \
	X(RAMET_OS, FILE *, popen, (const char *command, const char *mode))    \
	X(RAMET_OS, int, pclose, (FILE * stream))                              \
	X(RAMET_OS, int, posix_spawn,                                          \
	  (pid_t * pid, const char *path,                                      \
	   const posix_spawn_file_actions_t *actions,                          \
	   const posix_spawnattr_t *attr, char *const argv[],                  \
	   char *const env[]))                                                 \
	X(RAMET_OS, int, posix_spawnp,                                         \
	  (pid_t * pid, const char *file,                                      \
	   const posix_spawn_file_actions_t *actions,                          \
	   const posix_spawnattr_t *attr, char *const argv[],                  \
	   char *const env[]))                                                 \
	X(RAMET_OS, int, execve,                                               \
	  (const char *path, char *const argv[], char *const env[]))           \
	X(RAMET_OS, int, execv, (const char *path, char *const argv[]))        \
	X(RAMET_OS, int, execvp, (const char *file, char *const argv[]))       \
	X(RAMET_OS, int, execvpe,                                              \
	  (const char *file, char *const argv[], char *const env[]))           \
	X(RAMET_OS, int, fexecve,                                              \
	  (int fd, char *const argv[], char *const env[]))                     \
	X(RAMET_OS, int, execveat,                                             \
	  (int dir, const char *path, char *const argv[], char *const env[],   \
	   int flags))                                                         \
	X(RAMET_OS, int, execl, (const char *path, const char *arg, ...))      \
	X(RAMET_OS, int, execlp, (const char *file, const char *arg, ...))     \
	X(RAMET_OS, int, execle, (const char *path, const char *arg, ...))

#endif
