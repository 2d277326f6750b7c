/* console_find.c - a process's console is among the UNIX sockets that it
 * listens to: the system lists those by inode, and /proc/PID/fd says which are
 * its own. The one that greets as a console does is it.
 */
#include "tools/ramet/console_find.h"
#include "tools/ramet/say.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { GREETING_MS = 2000, SOCKETS_MAX = 4096 };

/* Paths that are too long for an address go by way of their folder. */
static int connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const char *slash = strrchr(path, '/');
	char folder[4096];
	int fd, at = -1, err = 0;

	if (strlen(path) >= sizeof a.sun_path && slash) {
		snprintf(folder, sizeof folder, "%.*s", (int)(slash - path),
			 path);
		at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
		snprintf(folder, sizeof folder, "/proc/self/fd/%d%s", at,
			 slash);
		path = folder;
	}
	if (strlen(path) >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(a.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
		err = errno;
		close(fd);
		fd = -1;
	}
	if (at >= 0)
		close(at);
	if (err)
		errno = err;
	return fd;
}

/* ---- by number ---------------------------------------------------------- */

/* Inodes of the process's sockets. */
struct sockets {
	unsigned long inodes[SOCKETS_MAX];
	size_t count;
};

static void list_sockets(struct sockets *s, const char *pid)
{
	char path[64], text[64];
	struct dirent *e;
	DIR *folder;

	snprintf(path, sizeof path, "/proc/%s/fd", pid);
	folder = opendir(path);
	if (!folder && errno == ENOENT)
		refuse(1, "there is no process %s; ps -e lists those that run",
		       pid);
	if (!folder)
		refuse(1, "cannot look at process %s: %s; be its user, or root",
		       pid, strerror(errno));
	while ((e = readdir(folder)) && s->count < SOCKETS_MAX) {
		ssize_t n = readlinkat(dirfd(folder), e->d_name, text,
				       sizeof text - 1);

		if (n < 0)
			continue;
		text[n] = '\0';
		if (strncmp(text, "socket:[", 8) == 0)
			s->inodes[s->count++] = strtoul(text + 8, NULL, 10);
	}
	closedir(folder);
}

static bool is_among(const struct sockets *s, unsigned long inode)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->inodes[i] == inode)
			return true;
	return false;
}

static bool greets(int fd)
{
	static const char greeting[] = "ramet console of process ";
	char text[sizeof greeting] = "";
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, GREETING_MS) == 1 &&
	       recv(fd, text, sizeof greeting - 1, MSG_PEEK) ==
		       sizeof greeting - 1 &&
	       strcmp(text, greeting) == 0;
}

/* As the process sees the path. */
static int try(const char *pid, const char *path)
{
	char full[4200];
	int fd;

	snprintf(full, sizeof full, "/proc/%s/%s/%s", pid,
		 *path == '/' ? "root" : "cwd", path);
	fd = connect_to(full);
	if (fd < 0 || greets(fd))
		return fd;
	close(fd);
	return -1;
}

/* A line of /proc/net/unix: address, count, protocol, flags, type, state,
 * inode, path.  Flag 0x10000: it listens. */
static int try_line(const char *pid, const struct sockets *s, char *line)
{
	unsigned long inode;
	unsigned flags;
	int at = 0;

	if (sscanf(line, "%*s %*x %*x %x %*x %*x %lu %n", &flags, &inode,
		   &at) != 2 ||
	    !at || !(flags & 0x10000) || !is_among(s, inode))
		return -1;
	line[strcspn(line, "\n")] = '\0';
	return line[at] && line[at] != '@' ? try(pid, line + at) : -1;
}

static int find_by_number(const char *pid)
{
	static struct sockets sockets;
	char path[64], line[512];
	int fd = -1;
	FILE *f;

	list_sockets(&sockets, pid);
	snprintf(path, sizeof path, "/proc/%s/net/unix", pid);
	f = fopen(path, "re");
	while (f && fd < 0 && fgets(line, sizeof line, f))
		fd = try_line(pid, &sockets, line);
	if (f)
		fclose(f);
	if (fd < 0)
		refuse(1,
		       "process %s has no console; start it with "
		       "RAMET_CONSOLE=PATH, or have it call ramet_console",
		       pid);
	return fd;
}

int console_find(const char *where)
{
	int fd;

	if (*where && where[strspn(where, "0123456789")] == '\0')
		return find_by_number(where);
	fd = connect_to(where);
	if (fd < 0 && errno == ECONNREFUSED)
		refuse(1, "nobody serves %s any more: its program has ended",
		       where);
	if (fd < 0 && errno == EACCES)
		refuse(1, "%s: %s; be the user of its program, or root", where,
		       strerror(errno));
	if (fd < 0)
		refuse(1,
		       "%s: %s; give the path that is in the program's "
		       "RAMET_CONSOLE, or its process number",
		       where, strerror(errno));
	return fd;
}
