/* blocked.c - a thread that is in a system call is not disturbed: a signal
 * would end some of them with EINTR.
 *
 * The system tells the call and where the stack is.  The stack is walked in a
 * child, whose memory is a copy that stands still; if the walk goes astray it
 * is the child that dies.
 *
 * The frame pointer is not told.  A function that keeps its frame by it, before
 * another has saved it, leads the walk astray: those around system calls do
 * not, but for a sanitizer's.
 */
#include "debug/stall.h"
#include "debug/borrow.h"
#include "debug/guest.h"
#include "debug/report.h"
#include "debug/trace.h"
#include "debug/words.h"

#include "kernel/calls.h"
#include "kernel/kernel.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
	CHILD_MS = 2000,
	LARGEST = 1 << 18, /* pages: copying the tables of more takes long */
};

/* ---- what the system says ----------------------------------------------- */

static ssize_t read_file(const char *path, char *text, size_t room)
{
	long fd = kernel_real_call(SYS_openat, AT_FDCWD, KERNEL_ARG(path),
				   O_RDONLY | O_CLOEXEC, 0, 0, 0);
	long n;

	if (fd < 0)
		return fd;
	n = kernel_real_call(SYS_read, fd, KERNEL_ARG(text), (long)room - 1, 0,
			     0, 0);
	kernel_real_call(SYS_close, fd, 0, 0, 0, 0, 0);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

static void path_of(char *path, size_t room, long pid, int tid)
{
	snprintf(path, room, "/proc/%ld/task/%d/syscall", pid, tid);
}

static bool look(struct task *task, long pid, int tid)
{
	char path[64], text[256], *at = text;
	unsigned long sp = 0;

	path_of(path, sizeof path, pid, tid);
	memset(task, 0, sizeof *task);
	if (read_file(path, text, sizeof text) <= 0)
		return false;
	if (strncmp(text, "running", 7) == 0)
		return true;
	task->call = strtol(at, &at, 10);
	for (int i = 0; i < 6 && task->call >= 0; i++)
		task->args[i] = (long)strtoul(at, &at, 16);
	sp = strtoul(at, &at, 16);
	task->at.sp = (void *)sp;
	task->at.pc = (void *)strtoul(at, NULL, 16);
	return true;
}

bool ramet__task_look(struct task *task, int tid)
{
	return look(task, kernel_real_call(SYS_getpid, 0, 0, 0, 0, 0, 0), tid);
}

/* ---- the call in words -------------------------------------------------- */

struct call_name {
	long nr;
	const char *name;
	bool fd; /* its first argument */
};

#define ON_FD(name)                                                            \
	{                                                                      \
		SYS_##name, #name, true                                        \
	}
#define OTHER(name)                                                            \
	{                                                                      \
		SYS_##name, #name, false                                       \
	}

static const struct call_name names[] = {
	ON_FD(read),
	ON_FD(write),
	ON_FD(readv),
	ON_FD(writev),
	ON_FD(pread64),
	ON_FD(pwrite64),
	ON_FD(preadv),
	ON_FD(pwritev),
	ON_FD(preadv2),
	ON_FD(pwritev2),
	ON_FD(recvfrom),
	ON_FD(sendto),
	ON_FD(recvmsg),
	ON_FD(sendmsg),
	ON_FD(recvmmsg),
	ON_FD(sendmmsg),
	ON_FD(accept),
	ON_FD(accept4),
	ON_FD(connect),
	ON_FD(sendfile),
	ON_FD(splice),
	ON_FD(flock),
	ON_FD(fcntl),
	ON_FD(ioctl),
	ON_FD(fsync),
	ON_FD(fdatasync),
	ON_FD(ftruncate),
	ON_FD(fallocate),
	ON_FD(close),
	ON_FD(getdents64),
	ON_FD(lseek),
	ON_FD(syncfs),
	ON_FD(epoll_pwait),
	ON_FD(io_uring_enter),
	OTHER(openat),
	OTHER(futex),
	OTHER(wait4),
	OTHER(waitid),
	OTHER(nanosleep),
	OTHER(clock_nanosleep),
	OTHER(ppoll),
	OTHER(pselect6),
	OTHER(rt_sigtimedwait),
	OTHER(rt_sigsuspend),
	OTHER(msgrcv),
	OTHER(msgsnd),
	OTHER(semtimedop),
	OTHER(getrandom),
	OTHER(mmap),
	OTHER(munmap),
	OTHER(madvise),
	OTHER(msync),
	OTHER(clone),
	OTHER(execve),
	OTHER(sync),
	OTHER(mount),
	OTHER(statx),
#ifdef SYS_poll
	OTHER(poll),
	OTHER(select),
	OTHER(pause),
	OTHER(open),
	OTHER(stat),
	OTHER(vfork),
	OTHER(fork),
	ON_FD(epoll_wait),
#endif
};

static const struct call_name *name_of(const struct task *task)
{
	for (size_t i = 0; i < countof(names); i++)
		if (names[i].nr == task->call)
			return &names[i];
	return NULL;
}

static void put_call(struct out *o, const struct task *task)
{
	const struct call_name *call = name_of(task);

	if (task->call < 0) {
		ramet__print(o, "waits in the kernel");
	} else if (!call) {
		ramet__print(o, "is blocked in system call %lu",
			     (unsigned long)task->call);
	} else {
		ramet__print(o, "is blocked in %s(2)", call->name);
		if (call->fd) {
			ramet__print(o, " on ");
			ramet__put_fd(o, (int)task->args[0]);
		}
	}
}

static void put_json_call(struct json *j, const struct task *task)
{
	const struct call_name *call = name_of(task);

	ramet__json_string(j, "state", "blocked");
	if (call)
		ramet__json_string(j, "call", call->name);
	if (task->call >= 0)
		ramet__json_number(j, "call_number", task->call);
	if (call && call->fd)
		ramet__json_fd(j, (int)task->args[0]);
}

/* ---- in the child ------------------------------------------------------- */

struct snapshot {
	struct seen *seen;
	int64_t length;
	enum stall_report what;
	const struct task *task;
	long parent;
};

/* A walk that goes astray is to end the child. */
static void let_faults_kill(void)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
	struct sigaction none = {.sa_handler = SIG_DFL};
	uint64_t all = 0;

	for (size_t i = 0; i < countof(faults); i++)
		kernel_sigaction(faults[i], &none, NULL);
	kernel_real_call(SYS_rt_sigprocmask, SIG_SETMASK, KERNEL_ARG(&all), 0,
			 sizeof all, 0, 0);
}

static void begin_json(const struct snapshot *s, struct json *j)
{
	ramet__json_stall(j, s->seen, s->length, s->parent);
	put_json_call(j, s->task);
}

/* All has been looked at once before anything is written: a walk that goes
 * astray leaves no half of an object. */
static void say_json(const struct snapshot *s)
{
	const struct ramet *t = s->seen->loop->current;
	struct trace trace;
	struct out o;
	struct json j = {.out = &o};

	ramet__trace(&trace, &s->task->at, s->task->at.pc);
	ramet__guest_hash(t);
	ramet__out_open(&o, 2);
	begin_json(s, &j);
	if (ramet__guest_speaks(t))
		ramet__json_guest(&j, t);
	ramet__json_trace(&j, &trace, 0);
	ramet__json_stall_end(&j, NULL);
	ramet__out_close(&o);
}

static void say(const struct snapshot *s)
{
	struct trace trace;
	struct out o;

	ramet__out_open(&o, 2);
	ramet__put_stall(&o, s->seen, s->length);
	ramet__print(&o, ", ");
	put_call(&o, s->task);
	ramet__print(&o, "\n");
	ramet__out_flush(&o); /* what follows may be the end */
	ramet__put_guest(&o, s->seen->loop->current);
	ramet__out_flush(&o);
	ramet__trace(&trace, &s->task->at, s->task->at.pc);
	ramet__put_trace(&o, &trace, 0);
	ramet__out_close(&o);
}

/* Unless the thread has gone on meanwhile: then its stack is another's. */
static void in_child(const struct snapshot *s)
{
	struct task now;

	let_faults_kill();
	if (!look(&now, s->parent, s->seen->tid) ||
	    memcmp(&now, s->task, sizeof now) != 0)
		return;
	if (s->what == STALL_SAY && ramet__reports_json)
		say_json(s);
	else if (s->what == STALL_SAY)
		say(s);
	else
		ramet__dump_blocked(s->seen->loop, 2, ramet__quit_json,
				    &s->task->at, s->parent, s->seen->tid);
}

/* ---- the snapshot ------------------------------------------------------- */

static bool is_large(void)
{
	char text[64], *at = text;

	if (read_file("/proc/self/statm", text, sizeof text) <= 0)
		return true;
	strtoul(at, &at, 10);
	return strtoul(at, NULL, 10) > LARGEST; /* resident */
}

/* No signal at its end, so that the program's own wait(2) does not see it. */
static long fork_quietly(void)
{
	return kernel_real_call(SYS_clone, 0, 0, 0, 0, 0, 0);
}

/* Returns whether it came to its end by itself. */
static bool await(long pid)
{
	static const struct timespec ms = {0, 1000 * 1000};
	int status = 0;

	for (int i = 0; i < CHILD_MS; i++) {
		if (kernel_real_call(SYS_wait4, pid, KERNEL_ARG(&status),
				     WNOHANG | __WALL, 0, 0, 0) != 0)
			return WIFEXITED(status);
		kernel_real_call(SYS_ppoll, 0, 0, KERNEL_ARG(&ms), 0, 0, 0);
	}
	kernel_real_call(SYS_kill, pid, SIGKILL, 0, 0, 0, 0);
	kernel_real_call(SYS_wait4, pid, 0, __WALL, 0, 0, 0);
	return false;
}

static void say_without_stack(const struct snapshot *s, const char *why)
{
	struct out o;
	struct json j = {.out = &o};

	ramet__out_open(&o, 2);
	if (ramet__reports_json) {
		begin_json(s, &j);
		ramet__json_stall_end(&j, why);
	} else {
		ramet__put_stall(&o, s->seen, s->length);
		ramet__print(&o, ", ");
		put_call(&o, s->task);
		ramet__print(&o, "; %s\n", why);
	}
	ramet__out_close(&o);
}

/* What the report writes to and has words for, which the child inherits. */
static void borrow(const struct snapshot *s)
{
	const struct call_name *call = name_of(s->task);

	ramet__borrow(s->seen->tid, 2);
	if (s->what == STALL_DUMP)
		ramet__borrow_sockets(s->seen->tid);
	else if (call && call->fd)
		ramet__borrow_socket(s->seen->tid, (int)s->task->args[0]);
}

void ramet__stall_blocked(struct seen *seen, int64_t length,
			  enum stall_report what, const struct task *task)
{
	struct snapshot s = {seen, length, what, task,
			     kernel_real_call(SYS_getpid, 0, 0, 0, 0, 0, 0)};
	long pid;

	borrow(&s);
	pid = is_large() ? -ENOMEM : fork_quietly();
	if (pid == 0) {
		in_child(&s);
		kernel_real_call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	} else if (pid < 0) {
		say_without_stack(&s, "the process is too large for a look at "
				      "its stack");
	} else if (!await(pid) && ramet__reports_json && what == STALL_SAY) {
		say_without_stack(&s, "its stack cannot be walked");
	}
	ramet__borrow_end();
}
