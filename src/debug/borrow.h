/* borrow.h - the watchdog's thread leaves the program's table of descriptors,
 * and borrows from it what a report needs.
 *
 * While two threads share a table the kernel counts who uses a descriptor, in
 * each system call of either (ADR 0030).
 */
#ifndef DEBUG_BORROW_H
#define DEBUG_BORROW_H

/* On the thread that makes the watchdog's: try whether descriptors could be
 * borrowed, for else the table stays shared. */
void ramet__borrow_try(void);

/* The others are for the watchdog's thread, and do nothing where the table is
 * shared. */

/* Leave the table, with a copy of nothing that is open. */
void ramet__borrow_leave(void);

/* Have what is open as fd in the program's thread tid, under the same number.
 * Without it, as where it is closed, writing to it fails. */
void ramet__borrow(int tid, int fd);

/* The same if it is a socket, which has addresses to tell; and all of them.
 * Others are left alone: closing a file may have to write it. */
void ramet__borrow_socket(int tid, int fd);
void ramet__borrow_sockets(int tid);

/* Close what was borrowed. */
void ramet__borrow_end(void);

#endif
