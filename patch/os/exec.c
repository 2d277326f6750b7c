/* exec.c - other programs: they get the mask of the thread that starts them,
 * and none of the runtime's descriptors, which are closed on exec. */
#include "patch/os/mask.h"

#include <stdarg.h>
#include <unistd.h>

/* Only a failure returns. */
#define EXEC(name, args)                                                       \
	do {                                                                   \
		int ret_;                                                      \
                                                                               \
		os_mask_own();                                                 \
		ret_ = libc.name args;                                         \
		os_mask_all();                                                 \
		return ret_;                                                   \
	} while (0)

int HOOK(execve)(const char *path, char *const argv[], char *const env[])
{
	EXEC(execve, (path, argv, env));
}

int HOOK(execv)(const char *path, char *const argv[])
{
	EXEC(execv, (path, argv));
}

int HOOK(execvp)(const char *file, char *const argv[])
{
	EXEC(execvp, (file, argv));
}

int HOOK(execvpe)(const char *file, char *const argv[], char *const env[])
{
	EXEC(execvpe, (file, argv, env));
}

int HOOK(fexecve)(int fd, char *const argv[], char *const env[])
{
	EXEC(fexecve, (fd, argv, env));
}

int HOOK(execveat)(int dir, const char *path, char *const argv[],
		   char *const env[], int flags)
{
	EXEC(execveat, (dir, path, argv, env, flags));
}

int HOOK(posix_spawn)(pid_t *pid, const char *path,
		      const posix_spawn_file_actions_t *actions,
		      const posix_spawnattr_t *attr, char *const argv[],
		      char *const env[])
{
	EXEC(posix_spawn, (pid, path, actions, attr, argv, env));
}

int HOOK(posix_spawnp)(pid_t *pid, const char *file,
		       const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attr, char *const argv[],
		       char *const env[])
{
	EXEC(posix_spawnp, (pid, file, actions, attr, argv, env));
}

/* ---- with the arguments one by one -------------------------------------- */

/* Arguments up to the NULL, which counts. */
static size_t count(const char *arg, va_list more)
{
	size_t n = 1;

	for (; arg; n++)
		arg = va_arg(more, const char *);
	return n;
}

/* After the NULL comes what `more` has next. */
static void collect(const char **argv, size_t n, const char *arg, va_list more)
{
	for (size_t i = 0; i < n; i++) {
		argv[i] = arg;
		if (i + 1 < n)
			arg = va_arg(more, const char *);
	}
}

/* On the stack: the child of a vfork may not allocate. */
#define COLLECT(argv, arg)                                                     \
	va_list more_;                                                         \
	size_t n_;                                                             \
	const char **argv;                                                     \
                                                                               \
	va_start(more_, arg);                                                  \
	n_ = count(arg, more_);                                                \
	va_end(more_);                                                         \
	argv = __builtin_alloca(n_ * sizeof *argv);                            \
	va_start(more_, arg);                                                  \
	collect(argv, n_, arg, more_)

#define CONST_CAST(argv) ((char *const *)(uintptr_t)(argv))

int HOOK(execl)(const char *path, const char *arg, ...)
{
	COLLECT(argv, arg);
	va_end(more_);
	return HOOK(execv)(path, CONST_CAST(argv));
}

int HOOK(execlp)(const char *file, const char *arg, ...)
{
	COLLECT(argv, arg);
	va_end(more_);
	return HOOK(execvp)(file, CONST_CAST(argv));
}

int HOOK(execle)(const char *path, const char *arg, ...)
{
	char *const *env;

	COLLECT(argv, arg);
	env = va_arg(more_, char *const *);
	va_end(more_);
	return HOOK(execve)(path, CONST_CAST(argv), env);
}
