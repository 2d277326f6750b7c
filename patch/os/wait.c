/* wait.c - waiting for child processes: ask, wait for an event, ask again. */
#include "patch/hook.h"

#include "base/elf.h"
#include "kernel/calls.h"
#include "task/child.h"

#include <string.h>

/* ---- tracers ------------------------------------------------------------ */

static bool imports(const ElfW(Rela) * r, size_t count, const struct elf *elf,
		    const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(elf_name_of(elf, &r[i]), name) == 0)
			return true;
	return false;
}

/* Objects come and go, but a tracer remains one. */
static int look_for_tracer(struct dl_phdr_info *info, size_t size, void *seen)
{
	unsigned long long *adds = seen; /* objects that ever came */
	struct elf elf;

	(void)size;
	if (adds[0] == info->dlpi_adds)
		return 1;
	adds[1] = info->dlpi_adds;
	if (elf_read(&elf, info) &&
	    (imports(elf.jumps, elf.jump_count, &elf, "ptrace") ||
	     imports(elf.relocations, elf.relocation_count, &elf, "ptrace")))
		ramet__children_traced = true;
	return ramet__children_traced;
}

/* A child may ask to be traced by us after the wait has begun, and tell nobody.
 * But the code it runs until then is this program's, which shows that it can.
 */
static void find_tracer(void)
{
	static unsigned long long seen[2]; /* until now, and by this look */

	if (ramet__children_traced)
		return;
	dl_iterate_phdr(look_for_tracer, seen);
	seen[0] = seen[1];
}

/* ---- waiting ------------------------------------------------------------ */

/* What wait4 takes, for waitid. */
static idtype_t question(pid_t pid, id_t *id)
{
	*id = 0;
	if (pid == -1)
		return P_ALL;
	if (pid > 0) {
		*id = (id_t)pid;
		return P_PID;
	}
	*id = pid ? (id_t)-pid : (id_t)getpgrp();
	return P_PGID;
}

static long wait_once(struct loop *l, pid_t pid, int *status, int options,
		      struct rusage *usage)
{
	idtype_t type;
	id_t id;
	long n, err = 0;

	do {
		n = kernel_call(SYS_wait4, pid, KERNEL_ARG(status),
				options | WNOHANG, KERNEL_ARG(usage), 0, 0);
		if (n != 0)
			return n;
		find_tracer();
		type = question(pid, &id);
		err = ramet__child_wait(l, type, id, options | WEXITED);
	} while (err == 0);
	return err;
}

pid_t HOOK(wait4)(pid_t pid, int *status, int options, struct rusage *usage)
{
	struct loop *l = hook_loop(RAMET_OS);
	long n;

	if (!l || options & WNOHANG)
		return libc.wait4(pid, status, options, usage);
	hook_begin(l);
	do
		n = wait_once(l, pid, status, options, usage);
	while (n == -EINTR && hook_restarts(l));
	return (pid_t)hook_end(l, n);
}

pid_t HOOK(wait3)(int *status, int options, struct rusage *usage)
{
	return HOOK(wait4)(-1, status, options, usage);
}

pid_t HOOK(waitpid)(pid_t pid, int *status, int options)
{
	return HOOK(wait4)(pid, status, options, NULL);
}

pid_t HOOK(__waitpid)(pid_t pid, int *status, int options)
{
	return HOOK(wait4)(pid, status, options, NULL);
}

pid_t HOOK(wait)(int *status)
{
	return HOOK(wait4)(-1, status, 0, NULL);
}

pid_t HOOK(__wait)(int *status)
{
	return HOOK(wait4)(-1, status, 0, NULL);
}

/* waitid says that there was nothing by a pid of 0. */
static long waitid_once(struct loop *l, idtype_t type, id_t id, siginfo_t *info,
			int options)
{
	long n;

	do {
		info->si_pid = 0;
		n = kernel_call(SYS_waitid, type, (long)id, KERNEL_ARG(info),
				options | WNOHANG, 0, 0);
		if (n < 0 || info->si_pid)
			return n;
		find_tracer();
		n = ramet__child_wait(l, type, id, options);
	} while (n == 0);
	return n;
}

int HOOK(waitid)(idtype_t type, id_t id, siginfo_t *info, int options)
{
	struct loop *l = hook_loop(RAMET_OS);
	siginfo_t got;
	long n;

	if (!l || options & WNOHANG)
		return libc.waitid(type, id, info, options);
	hook_begin(l);
	do
		n = waitid_once(l, type, id, info ? info : &got, options);
	while (n == -EINTR && hook_restarts(l));
	return (int)hook_end(l, n);
}
