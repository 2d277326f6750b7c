/* doctor_kernel.c - features of the kernel, by using them, and limits. */
#include "tools/ramet/doctor.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define KERNEL "kernel"
#define LIMITS "limits"

/* Newer than some systems' headers. */
enum {
	GUARD_INSTALL = 102,     /* MADV_GUARD_INSTALL */
	USER_DISPATCH = 59,      /* PR_SET_SYSCALL_USER_DISPATCH */
	HWCAP2_FSGSBASE_BIT = 2, /* of AT_HWCAP2 */
	IO_URING_PARAMS_SIZE = 120,
	ULP = 31, /* TCP_ULP */
};

/* ---- kernel -------------------------------------------------------------- */

static void look_at_version(struct findings *f)
{
	struct utsname u = {.release = ""};
	struct finding *one;
	int major = 0, minor = 0;

	uname(&u);
	one = found(f, KERNEL, "version", "Linux %s, %s", u.release, u.machine);
	if (sscanf(u.release, "%d.%d", &major, &minor) == 2 &&
	    (major < 5 || (major == 5 && minor < 11)))
		advise(one, LEVEL_WARNING,
		       "before 5.11 the loop sleeps by whole milliseconds; a "
		       "newer kernel is better");
}

/* As the library does: an emulator may answer 0 and do nothing, so a system
 * call writes to the guard. */
static bool has_guards(void)
{
	enum { PAGE = 4096 };
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool there;

	if (page == MAP_FAILED)
		return false;
	there = madvise(page, PAGE, GUARD_INSTALL) == 0 &&
		syscall(SYS_clock_getres, CLOCK_MONOTONIC, page) < 0 &&
		errno == EFAULT;
	munmap(page, PAGE);
	return there;
}

static void look_at_guards(struct findings *f)
{
	struct finding *one;

	if (has_guards()) {
		found(f, KERNEL, "stack guards",
		      "MADV_GUARD_INSTALL: for any number of ramets");
		return;
	}
	one = found(f, KERNEL, "stack guards", "mprotect: for 30,000 ramets");
	advise(one, LEVEL_WARNING,
	       "further ones have a canary only, or RAMET_GUARD=strict "
	       "refuses them; Linux 6.13 has guards for all");
}

static void explain_uring(struct finding *one, int err)
{
	char line[16];

	if (err == EPERM &&
	    first_line("/proc/sys/kernel/io_uring_disabled", line,
		       sizeof line) &&
	    *line != '0')
		advise(one, LEVEL_WARNING,
		       "epoll is used instead; sysctl "
		       "kernel.io_uring_disabled=0 allows it (it is %s)",
		       line);
	else if (err == EPERM || err == EACCES)
		advise(one, LEVEL_WARNING,
		       "epoll is used instead; a container's seccomp filter "
		       "or a security module keeps it out");
	else if (err == ENOSYS)
		advise(one, LEVEL_WARNING,
		       "epoll is used instead; this kernel has none, or a "
		       "seccomp filter says so");
	else
		advise(one, LEVEL_WARNING,
		       "epoll is used instead; see io_uring_setup(2) for "
		       "\"%s\"",
		       strerror(err));
}

static void look_at_uring(struct findings *f)
{
	long params[IO_URING_PARAMS_SIZE / sizeof(long)] = {0};
	long fd = syscall(SYS_io_uring_setup, 4, params);
	int err = errno;
	struct finding *one;

	one = found(f, KERNEL, "io_uring", "%s",
		    fd < 0 ? strerror(err) : "may be used");
	if (fd < 0)
		explain_uring(one, err);
	else
		close((int)fd);
}

static void look_at_fsgsbase(struct findings *f)
{
	bool there = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT;
	struct finding *one = found(f, KERNEL, "FSGSBASE", "%s",
				    there ? "programs may use it" : "none");

	if (!there)
		advise(one, LEVEL_MISSING,
		       "ramet run needs it for thread-local storage: Linux "
		       "5.9 without \"nofsgsbase\", a processor from 2012 "
		       "(Intel) or 2017 (AMD)");
}

/* To switch it off does nothing where it is not on. */
static void look_at_dispatch(struct findings *f)
{
	bool there = prctl(USER_DISPATCH, 0, 0, 0, 0) == 0;
	struct finding *one = found(f, KERNEL, "syscall user dispatch", "%s",
				    there ? "may be used" : strerror(errno));

	if (!there)
		advise(one, LEVEL_WARNING,
		       "ramet run --trace-blocking does not trace; Linux 5.11 "
		       "has "
		       "it, seccomp filters may keep it out");
}

static void look_at_pidfd(struct findings *f)
{
	long fd = syscall(SYS_pidfd_open, getpid(), 0);
	struct finding *one = found(f, KERNEL, "pidfd", "%s",
				    fd < 0 ? strerror(errno) : "may be used");

	if (fd < 0)
		advise(one, LEVEL_WARNING,
		       "child processes are waited for by helper threads; "
		       "Linux 5.3 has it, seccomp filters may keep it out");
	else
		close((int)fd);
}

/* The socket is not connected, which it says if it knows TLS. */
static void look_at_ktls(struct findings *f)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool there =
		fd >= 0 && (setsockopt(fd, IPPROTO_TCP, ULP, "tls", 4) == 0 ||
			    errno == ENOTCONN);
	struct finding *one =
		found(f, KERNEL, "kTLS", "%s", there ? "may be used" : "none");

	if (!there)
		advise(one, LEVEL_WARNING,
		       "TLS is encrypted by OpenSSL, and files are copied: "
		       "modprobe tls, if the kernel has that module");
	if (fd >= 0)
		close(fd);
}

static void look_at_ptrace(struct findings *f)
{
	char line[16];
	struct finding *one;
	int scope;

	first_line("/proc/sys/kernel/yama/ptrace_scope", line, sizeof line);
	scope = atoi(line);
	one = found(f, KERNEL, "ptrace_scope", "%s%s", *line ? line : "none",
		    geteuid() == 0 ? ", but you are root" : "");
	if (scope == 3)
		advise(one, LEVEL_MISSING,
		       "nobody may look at another process until the next "
		       "start: ramet stacks, ramet top and gdb do not work");
	else if (scope > 0 && geteuid() != 0)
		advise(one, LEVEL_WARNING,
		       "ramet stacks, ramet top and gdb need root for what "
		       "they have not started: use sudo, or sysctl "
		       "kernel.yama.ptrace_scope=0");
}

void examine_kernel(struct findings *f)
{
	look_at_version(f);
	look_at_guards(f);
	look_at_uring(f);
	look_at_fsgsbase(f);
	look_at_dispatch(f);
	look_at_pidfd(f);
	look_at_ktls(f);
	look_at_ptrace(f);
	found(f, KERNEL, "user namespaces", "not needed");
}

/* ---- limits -------------------------------------------------------------- */

static void look_at_descriptors(struct findings *f)
{
	enum { MANY = 4096 };
	struct rlimit r = {0, 0};
	struct finding *one;

	getrlimit(RLIMIT_NOFILE, &r);
	one = found(f, LIMITS, "descriptors", "%llu, at most %llu",
		    (unsigned long long)r.rlim_cur,
		    (unsigned long long)r.rlim_max);
	if (r.rlim_cur >= MANY)
		return;
	if (r.rlim_max > r.rlim_cur)
		advise(one, LEVEL_WARNING,
		       "a server with many connections needs more: ulimit -n "
		       "%llu, or LimitNOFILE= of systemd",
		       (unsigned long long)r.rlim_max);
	else
		advise(one, LEVEL_WARNING,
		       "a server with many connections needs more: root "
		       "raises it, in /etc/security/limits.conf or by "
		       "LimitNOFILE= of systemd");
}

/* Guards by mprotect cost two mappings each. */
static void look_at_mappings(struct findings *f)
{
	char line[32];
	struct finding *one;

	first_line("/proc/sys/vm/max_map_count", line, sizeof line);
	one = found(f, LIMITS, "vm.max_map_count", "%s%s",
		    *line ? line : "not known",
		    has_guards() ? ", of which guards need none" : "");
	if (*line && atol(line) < 65530 && !has_guards())
		advise(one, LEVEL_WARNING,
		       "each guard needs two: sysctl vm.max_map_count=262144");
}

static void look_at_overcommit(struct findings *f)
{
	static const char *const words[] = {"0 (heuristic)", "1 (always)",
					    "2 (never)"};
	char line[16];
	struct finding *one;

	first_line("/proc/sys/vm/overcommit_memory", line, sizeof line);
	one = found(f, LIMITS, "vm.overcommit_memory", "%s",
		    *line >= '0' && *line <= '2' ? words[*line - '0']
						 : "not known");
	if (*line == '2')
		advise(one, LEVEL_WARNING,
		       "stacks count in full, 256 KiB each: set "
		       "RAMET_STACK=64K, or sysctl vm.overcommit_memory=0");
}

static void look_at_space(struct findings *f)
{
	struct rlimit r = {0, 0};
	struct finding *one;

	getrlimit(RLIMIT_AS, &r);
	if (r.rlim_cur == RLIM_INFINITY) {
		found(f, LIMITS, "address space", "unlimited");
		return;
	}
	one = found(f, LIMITS, "address space", "%llu MiB",
		    (unsigned long long)r.rlim_cur >> 20);
	advise(one, LEVEL_WARNING,
	       "stacks are 256 KiB of address space each, 64 MiB at once: "
	       "ulimit -v unlimited, or RAMET_STACK=64K");
}

static void look_at_huge_pages(struct findings *f)
{
	char line[64], *chosen, *end;

	first_line("/sys/kernel/mm/transparent_hugepage/enabled", line,
		   sizeof line);
	chosen = strchr(line, '[');
	end = chosen ? strchr(chosen, ']') : NULL;
	if (end)
		*end = '\0';
	found(f, LIMITS, "transparent huge pages", "%s; stacks have none",
	      end ? chosen + 1 : "not known");
}

void examine_limits(struct findings *f)
{
	look_at_descriptors(f);
	look_at_mappings(f);
	look_at_overcommit(f);
	look_at_space(f);
	look_at_huge_pages(f);
}
