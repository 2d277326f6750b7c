/* console.h - a UNIX socket at which people ask what the ramets of a loop do.
 */
#ifndef DEBUG_CONSOLE_H
#define DEBUG_CONSOLE_H

#include <sys/un.h>

#include "core/core.h"

/* For src/start.c: the process's first loop serves RAMET_CONSOLE; a loop ends;
 * in the child of a fork. */
void ramet__console_start(struct loop *l);
void ramet__console_close(struct loop *l);
void ramet__console_after_fork(void);

/* ---- console_talk.c ----------------------------------------------------- */

struct talk {
	struct loop *loop;
	int fd; /* -1: it has been closed, and that ends it */
};

/* Serve a client until it leaves. */
void ramet__console_talk(struct talk *t);

/* ---- command.c ---------------------------------------------------------- */

enum command_result { COMMAND_DONE, COMMAND_QUIT };

/* Do what the line says; the answer goes to fd. */
enum command_result ramet__command(struct loop *l, const char *line, int fd);

/* Whether t serves l's console. */
bool ramet__console_serves(const struct loop *l, const struct ramet *t);

/* ---- console_path.c ----------------------------------------------------- */

/* A socket's file, and which one it is. */
struct console_path {
	struct sockaddr_un addr;
	uint64_t device, inode; /* 0: there is none */
};

/* path with the process's number for each %p.  Returns 0, -EINVAL or
 * -ENAMETOOLONG. */
int ramet__console_path(struct console_path *p, const char *path);

/* Bind fd there, for the user alone, and listen; what nobody listens to is
 * replaced.  Returns 0 or -errno. */
int ramet__console_bind(struct console_path *p, int fd);

/* Remove it, if it is still that one. */
void ramet__console_unlink(struct console_path *p);

#endif
