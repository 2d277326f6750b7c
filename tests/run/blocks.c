/* blocks.c - makes system calls that nothing can replace, while another ramet
 * is there: for tests of --trace-blocking.
 *
 * usage: blocks CALL [TIMES]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ramet.h"

extern char **environ;

/* As programs make them that do without libc. */
static long inline_call(long nr, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return ret;
}

__attribute__((noinline)) static void inline_read(void)
{
	int fds[2];
	char c;
	pid_t writer;

	if (pipe(fds) < 0)
		abort();
	writer = fork();
	if (writer == 0) {
		inline_call(SYS_nanosleep,
			    (long)&(struct timespec){0, 20000000}, 0, 0, 0);
		inline_call(SYS_write, fds[1], (long)"x", 1, 0);
		inline_call(SYS_exit_group, 0, 0, 0, 0);
	}
	if (inline_call(SYS_read, fds[0], (long)&c, 1, 0) != 1 || c != 'x')
		abort();
	inline_call(SYS_wait4, writer, 0, 0, 0);
	inline_call(SYS_close, fds[0], 0, 0, 0);
	inline_call(SYS_close, fds[1], 0, 0, 0);
}

__attribute__((noinline)) static void inline_futex(void)
{
	uint32_t word = 0;
	struct timespec limit = {0, 20000000};

	if (inline_call(SYS_futex, (long)&word, FUTEX_WAIT_PRIVATE, 0,
			(long)&limit) != -ETIMEDOUT)
		abort();
}

/* Waits for a completion of which there is none. */
__attribute__((noinline)) static void inline_io_uring_enter(void)
{
	struct io_uring_params params = {0};
	struct __kernel_timespec limit = {0, 20000000};
	struct io_uring_getevents_arg arg = {.ts = (uintptr_t)&limit};
	int ring = (int)inline_call(SYS_io_uring_setup, 4, (long)&params, 0, 0);
	register long size __asm__("r9") = sizeof arg;
	register long r8 __asm__("r8") = (long)&arg;
	register long flags __asm__("r10") =
		IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
	long ret;

	if (ring < 0) {
		puts("no io_uring");
		return;
	}
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(SYS_io_uring_enter), "D"(ring), "S"(0), "d"(1),
			   "r"(flags), "r"(r8), "r"(size)
			 : "rcx", "r11", "memory");
	if (ret != -ETIME)
		abort();
	close(ring);
}

/* Computes long, and does not sleep. */
static void inline_nothing(void)
{
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - start.tv_sec) * 1000000000 + now.tv_nsec -
		       start.tv_nsec <
	       20000000);
	inline_call(SYS_getpid, 0, 0, 0, 0);
}

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	char text = 's';
	int fds[2];

	if (pipe(fds) < 0 || write(fds[1], &text, 1) != 1 ||
	    close(fds[0]) < 0 || close(fds[1]) < 0)
		abort();
	caught = sig;
}

/* Handlers return, and what they and others block stays so, SIGSYS too. */
static void signals(void)
{
	struct sigaction a = {.sa_handler = on_signal};
	sigset_t all, old, now;
	stack_t stack = {.ss_size = 65536}, seen;

	stack.ss_sp = malloc(stack.ss_size);
	sigfillset(&a.sa_mask);
	sigfillset(&all);
	if (sigaction(SIGUSR1, &a, NULL) < 0 ||
	    sigprocmask(SIG_BLOCK, &all, &old) < 0 || raise(SIGUSR1) ||
	    caught || sigaltstack(&stack, NULL) < 0)
		abort();
	sigemptyset(&now);
	if (sigprocmask(SIG_SETMASK, NULL, &now) < 0 ||
	    !sigismember(&now, SIGUSR2) ||
	    sigprocmask(SIG_SETMASK, &old, NULL) < 0 || caught != SIGUSR1 ||
	    sigprocmask(SIG_SETMASK, NULL, &now) < 0 ||
	    sigismember(&now, SIGUSR2) || sigaltstack(NULL, &seen) < 0 ||
	    seen.ss_sp != stack.ss_sp)
		abort();
}

/* Children by every way, and the parent goes on. */
static void children(void)
{
	char name[] = "true", *argv[] = {name, NULL};
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(write(1, "", 0) == 0 ? 7 : 8);
	if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7)
		abort();
	child = vfork();
	if (child == 0) {
		execve("/bin/true", argv, environ);
		_exit(1);
	}
	if (waitpid(child, &status, 0) != child || status)
		abort();
	if (posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ) ||
	    waitpid(child, &status, 0) != child || status ||
	    system("exit 3") != 3 << 8)
		abort();
	inline_futex();
}

static const struct {
	const char *name;
	void (*fn)(void);
} calls[] = {
	{"read", inline_read},   {"io_uring_enter", inline_io_uring_enter},
	{"futex", inline_futex}, {"nothing", inline_nothing},
	{"signals", signals},    {"children", children},
};

static void *wait_on(void *waker)
{
	ramet_waker_wait(waker);
	return NULL;
}

int main(int argc, char **argv)
{
	int times = argc > 2 ? atoi(argv[2]) : 1;
	struct ramet_waker *waker = ramet_waker_new();
	struct ramet *other = ramet_spawn(wait_on, waker);

	if (argc < 2 || !other)
		return 99;
	ramet_yield();
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		for (int j = 0;
		     strcmp(argv[1], calls[i].name) == 0 && j < times; j++)
			calls[i].fn();
	ramet_waker_wake(waker);
	ramet_join(other, NULL);
	ramet_waker_free(waker);
	puts("done");
	return 0;
}
