/* uncovered.h - what no replacement reaches: X(what, consequence).
 *
 * `ramet run --list` and ramet-patch(7) show these rows.  The names at the
 * start of a row, up to the first word that is none, are libc's:
 * tests/imports_test.py takes them as known.
 */
#ifndef PATCH_UNCOVERED_H
#define PATCH_UNCOVERED_H

#include "patch/stdio/uncovered.h"

/* Whole programs. */
#define PATCH_UNCOVERED_PROGRAMS(X)                                            \
	X("statically linked programs",                                        \
	  "refused: they call no function that could be replaced")             \
	X("Go programs",                                                       \
	  "refused: they make system calls themselves and have green threads " \
	  "of their own")                                                      \
	X("setuid and setgid programs, programs with file capabilities",       \
	  "refused: the dynamic linker ignores LD_PRELOAD for them")           \
	X("programs of another libc (musl) or architecture",                   \
	  "refused: the replacements stand on glibc for x86-64")

/* Ways around libc. */
#define PATCH_UNCOVERED_WAYS(X)                                                \
	X("inline system calls, and syscall() with a number that has no "      \
	  "replacement",                                                       \
	  "block all ramets for as long as they take; --trace-blocking names " \
	  "them")                                                              \
	X("threads made by clone() without libc, libraries in a namespace of " \
	  "their own (dlmopen)",                                               \
	  "are left alone: they stay kernel threads, and call a libc of "      \
	  "their own")                                                         \
	X("libc's functions found by dlsym(RTLD_NEXT) in a preloaded "         \
	  "library; in-process also pointers taken before ramet_patch",        \
	  "are libc's, and block; what another preloaded library replaces "    \
	  "under the same name is not called")                                 \
	X("calls in a signal handler that has interrupted running code",       \
	  "block all ramets: what was interrupted must not be switched away "  \
	  "from.  Handlers that run at the end of a wait may block as the "    \
	  "thread would")                                                      \
	X("programs that forbid themselves system calls (seccomp)",            \
	  "must allow what the runtime needs: epoll, eventfd, io_uring if it " \
	  "is used, clone3 for its helpers")                                   \
	X("io_uring (liburing, or by hand)",                                   \
	  "waiting for a completion blocks all ramets; switch it off in the "  \
	  "program (mariadbd: --innodb-use-native-aio=0)")                     \
	X("calls that libc makes inside itself",                               \
	  "block, unless the function that makes them is replaced")            \
	X("CPU loops", "nothing else runs until the loop makes a blocking "    \
		       "call: ramets are "                                     \
		       "not preempted, and use one core")                      \
	X("memory that is swapped in, page faults of mapped files",            \
	  "block all ramets until the page is there")

/* Functions of libc. */
#define PATCH_UNCOVERED_CALLS(X)                                               \
	X("getpwnam getpwnam_r getpwuid getpwuid_r getgrnam getgrnam_r "       \
	  "getgrgid getgrgid_r getgrouplist initgroups getpwent getgrent "     \
	  "getspnam getspnam_r and the other look-ups of NSS",                 \
	  "block while the files, or the LDAP or SSS server behind NSS, "      \
	  "answer")                                                            \
	X("stat fstat lstat fstatat statx access faccessat readlink realpath " \
	  "rename unlink mkdir rmdir chmod chown link symlink truncate "       \
	  "opendir readdir readdir_r closedir scandir nftw fts_read glob",     \
	  "block for as long as the file system takes: microseconds on local " \
	  "disks, longer on NFS and FUSE")                                     \
	X("msgrcv msgsnd semop semtimedop of System V IPC",                    \
	  "block all ramets until the message or the semaphore comes")         \
	X("mq_receive mq_send mq_timedreceive mq_timedsend",                   \
	  "block all ramets; mq_open gives a descriptor that poll() waits "    \
	  "for "                                                               \
	  "as a ramet")                                                        \
	X("io_getevents of libaio",                                            \
	  "blocks all ramets until the events are there")                      \
	X("aio_suspend lio_listio and the rest of POSIX AIO",                  \
	  "block all ramets; libc does the work in OS threads of its own")     \
	X("mutexes that are robust, priority-inheriting, priority-protecting " \
	  "or shared between processes",                                       \
	  "are tried and tried again at intervals, since the kernel or "       \
	  "another process holds them")                                        \
	X("sem_open and other objects shared between processes",               \
	  "wake-ups from another process are seen at intervals only; of "      \
	  "those who share a barrier all must run under ramet")                \
	X("futexes with priority inheritance by number (FUTEX_LOCK_PI)",       \
	  "block all ramets, also the one that holds the lock")                \
	X("timer_create with SIGEV_THREAD, mq_notify, getaddrinfo_a",          \
	  "libc calls back in an OS thread of its own, whose calls block "     \
	  "that "                                                              \
	  "thread")                                                            \
	X("sigaltstack",                                                       \
	  "is remembered for each thread, but handlers with SA_ONSTACK run "   \
	  "on one stack of 64 KiB, the runtime's")                             \
	X("sigset sigpause sigvec",                                            \
	  "change the OS thread's mask and actions unseen: use sigaction and " \
	  "pthread_sigmask")                                                   \
	X("siglongjmp from a handler that runs in another thread's name",      \
	  "is not supported: the thread waits for a mutex or a join, or "      \
	  "another computes meanwhile")                                        \
	X("pthread_attr_setstack, stacks that the program brings",             \
	  "are not used: a ramet has a stack of its own, of that size")        \
	X("pthread_setaffinity_np pthread_setschedparam nice setpriority",     \
	  "concern the one OS thread that all ramets share")                   \
	X("gettid, /proc/self/task, per-thread CPU clocks",                    \
	  "show the one OS thread")                                            \
	X("swapcontext makecontext, other green threads",                      \
	  "work inside one ramet; a blocking call blocks the ramet, not the "  \
	  "context")                                                           \
	X("daemon forkpty wordexp",                                            \
	  "fork without the patch knowing; wordexp blocks until the commands " \
	  "in its argument have ended")                                        \
	X("res_querydomain res_mkquery ns_parse and the rest of the resolver", \
	  "run as they are; res_query, res_search and res_send use the "       \
	  "system's settings, not the thread's _res")                          \
	X("getifaddrs if_nameindex if_nametoindex gethostid",                  \
	  "ask the kernel, which answers at once")                             \
	X("readahead", "blocks until the disk has done it")                    \
	X("tcdrain tcsendbreak tcsetattr getpass",                             \
	  "block until the terminal has sent its output, or got its input")    \
	X("mount umount swapon reboot init_module",                            \
	  "block for as long as the system takes")

#define PATCH_UNCOVERED(X)                                                     \
	PATCH_UNCOVERED_PROGRAMS(X)                                            \
	PATCH_UNCOVERED_WAYS(X)                                                \
	PATCH_UNCOVERED_CALLS(X)                                               \
	PATCH_STDIO_UNCOVERED(X)

#endif
