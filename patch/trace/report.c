/* report.c - says at the end of a run what it was.
 *
 * The end is exit, quick_exit or _exit of the process that `ramet run` became,
 * not of a child, or its death by one of the signals with which people end
 * programs.  By then the program may have closed standard error, as the GNU
 * core utilities do, so it is kept.
 */
#include "patch/trace/report.h"
#include "patch/hook.h"
#include "patch/trace/trace.h"

#include "kernel/calls.h"
#include "kernel/guard.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* A descriptor of ours that the program should not close, but might. */
struct kept {
	struct kernel_fd fd;
	dev_t device; /* what it was */
	ino_t inode;
};

static struct {
	struct loop *loop;
	const char *file; /* NULL: no report */
	bool json;
	int64_t started;
	struct kept error, out; /* standard error, the file */
	int pid;  /* of the process that is to report */
	int done; /* atomic */
} report;

/* ---- where to ------------------------------------------------------------ */

static void keep(struct kept *k, int number)
{
	struct stat st;

	k->fd.number = -1;
	if (number < 0)
		return;
	kernel_guard(&k->fd, number);
	if (kernel_fstat(k->fd.number, &st) == 0) {
		k->device = st.st_dev;
		k->inode = st.st_ino;
	}
}

/* The number may be another file's by now. */
static int kept(const struct kept *k)
{
	struct stat st;
	int fd = k->fd.number;

	return fd >= 0 && kernel_fstat(fd, &st) == 0 &&
			       st.st_dev == k->device && st.st_ino == k->inode
		       ? fd
		       : -1;
}

int ramet__report_error_fd(void)
{
	int fd = kept(&report.error);

	return fd >= 0 ? fd : 2;
}

static bool to_error(void)
{
	return strcmp(report.file, "-") == 0;
}

/* Now, when it may be written: the program may give up its rights. */
static int open_file(void)
{
	return (int)kernel_call(SYS_openat, AT_FDCWD, KERNEL_ARG(report.file),
				O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666,
				0, 0);
}

/* ---- numbers ------------------------------------------------------------ */

static int64_t nanoseconds(const struct timeval *t)
{
	return t->tv_sec * RAMET_SEC + t->tv_usec * RAMET_US;
}

static long read_file(const char *path, char *text, size_t size)
{
	long n = kernel_call(SYS_openat, AT_FDCWD, KERNEL_ARG(path),
			     O_RDONLY | O_CLOEXEC, 0, 0, 0);
	int fd = (int)n;

	if (fd >= 0) {
		n = kernel_read(fd, text, size - 1);
		kernel_close(fd);
	}
	text[n < 0 ? 0 : n] = '\0';
	return n;
}

/* Now; the kernel's own workers for io_uring are among them. */
static unsigned long os_threads_now(void)
{
	char text[4096];
	const char *at;

	read_file("/proc/self/status", text, sizeof text);
	at = strstr(text, "\nThreads:");
	return at ? strtoul(at + strlen("\nThreads:"), NULL, 10) : 1;
}

static void gather(struct report_numbers *n)
{
	struct rusage usage;

	n->stats = report.loop->stats;
	n->traced = ramet__dispatch_on();
	n->blocked = ramet__blocked();
	n->calls = ramet__door_calls();
	n->time = kernel_now() - report.started;
	n->helpers = (unsigned long)(ramet__helpers_most +
				     __atomic_load_n(&ramet__service_threads,
						     __ATOMIC_RELAXED));
	n->os_threads = os_threads_now();
	if (n->os_threads < n->helpers + 1)
		n->os_threads = n->helpers + 1;
	kernel_call(SYS_getrusage, RUSAGE_SELF, KERNEL_ARG(&usage), 0, 0, 0, 0);
	n->cpu = nanoseconds(&usage.ru_utime) + nanoseconds(&usage.ru_stime);
	n->context_switches =
		(unsigned long)usage.ru_nvcsw + (unsigned long)usage.ru_nivcsw;
	read_file("/proc/self/comm", n->program, sizeof n->program);
	n->program[strcspn(n->program, "\n")] = '\0';
}

/* ---- the end ------------------------------------------------------------ */

static void write_report(void)
{
	struct report_numbers numbers;
	struct out out;
	int fd = to_error() ? ramet__report_error_fd() : kept(&report.out);

	gather(&numbers);
	if (fd < 0)
		return;
	ramet__out_open(&out, fd);
	if (report.json)
		ramet__put_report_json(&out, &numbers);
	else
		ramet__put_report(&out, &numbers);
	ramet__out_close(&out);
}

static void write_blocked(void)
{
	struct out out;

	if (!ramet__dispatch_on() || !ramet__blocked().calls)
		return;
	ramet__out_open(&out, ramet__report_error_fd());
	ramet__put_blocked(&out);
	ramet__out_close(&out);
}

static int own_pid(void)
{
	return (int)kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

void ramet__report_end(void)
{
	if (!report.started ||
	    __atomic_exchange_n(&report.done, 1, __ATOMIC_RELAXED))
		return;
	write_blocked();
	if (report.file && own_pid() == report.pid)
		write_report();
}

/* Report, and die as if this were not here. */
void ramet__report_on_signal(int sig)
{
	struct sigaction none = {.sa_handler = SIG_DFL};
	uint64_t set = UINT64_C(1) << (sig - 1);

	ramet__report_end();
	kernel_sigaction(sig, &none, NULL);
	kernel_call(SYS_kill, own_pid(), sig, 0, 0, 0, 0);
	kernel_call(SYS_rt_sigprocmask, SIG_UNBLOCK, KERNEL_ARG(&set), 0,
		    sizeof set, 0, 0);
}

void ramet__report_at_signals(void)
{
	static const int ends[] = {SIGTERM, SIGINT, SIGHUP};
	struct sigaction ours = {.sa_handler = ramet__report_on_signal,
				 .sa_flags = SA_ONSTACK | SA_NODEFER};
	struct sigaction now;

	for (size_t i = 0; i < countof(ends); i++)
		if (report.started &&
		    kernel_sigaction(ends[i], NULL, &now) == 0 &&
		    now.sa_handler == SIG_DFL)
			kernel_sigaction(ends[i], &ours, NULL);
}

void ramet__report_start(struct loop *l, const char *file, bool json)
{
	const char *pid = kernel_getenv("RAMET_RUN_PID");

	report.loop = l;
	report.file = file;
	report.json = json;
	report.pid = pid ? atoi(pid) : own_pid();
	report.started = kernel_now();
	keep(&report.error, kernel_fcntl(2, F_DUPFD_CLOEXEC, 0));
	keep(&report.out, file && !to_error() ? open_file() : -1);
	ramet__door_start();
	/* The first to be registered is called last. */
	atexit(ramet__report_end);
	at_quick_exit(ramet__report_end);
}

void HOOK(_exit)(int status)
{
	ramet__report_end();
	libc._exit(status);
}

void HOOK(_Exit)(int status)
{
	ramet__report_end();
	libc._Exit(status);
}
