/* fds.c - descriptors by /proc/PID/fd, addresses of sockets by the tables of
 * the process's network in /proc/PID/net, read once if they are needed. */
#include "tools/ramet/fds.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- tables -------------------------------------------------------------- */

static struct socket_seen *add_socket(struct fds *f, uint64_t inode)
{
	struct socket_seen *s;

	if ((f->count & (f->count - 1)) == 0)
		f->sockets =
			need(realloc(f->sockets,
				     (2 * f->count + 1) * sizeof *f->sockets));
	s = &f->sockets[f->count++];
	*s = (struct socket_seen){.inode = inode};
	return s;
}

/* "0100007F:1F90": words of an address, each as it is in memory. */
static void put_address(char *to, size_t size, const char *text)
{
	unsigned char address[16];
	char name[INET6_ADDRSTRLEN];
	size_t digits = strcspn(text, ":"), n = digits / 8;
	unsigned port = 0;

	if (n != 1 && n != 4)
		return;
	for (size_t i = 0; i < n; i++) {
		uint32_t word;

		if (sscanf(text + 8 * i, "%8x", &word) != 1)
			return;
		memcpy(address + 4 * i, &word, sizeof word);
	}
	if (sscanf(text + digits, ":%x", &port) != 1)
		return;
	inet_ntop(n == 1 ? AF_INET : AF_INET6, address, name, sizeof name);
	snprintf(to, size, n == 1 ? "%s:%u" : "[%s]:%u", name, port);
}

static void add_inet(struct fds *f, const char *line)
{
	enum { LISTEN = 0x0a };
	char local[40], peer[40];
	unsigned long inode;
	struct socket_seen *s;
	unsigned state;

	if (sscanf(line, " %*d: %39s %39s %x %*x:%*x %*x:%*x %*x %*d %*d %lu",
		   local, peer, &state, &inode) != 4 ||
	    !inode)
		return;
	s = add_socket(f, inode);
	put_address(s->local, sizeof s->local, local);
	s->listens = state == LISTEN;
	/* No port: no peer. */
	if (strcmp(strchr(peer, ':') ? strchr(peer, ':') : "", ":0000") != 0)
		put_address(s->peer, sizeof s->peer, peer);
}

static void add_unix(struct fds *f, const char *line)
{
	enum { ACCEPTS = 0x10000 };
	unsigned long inode;
	struct socket_seen *s;
	unsigned flags;
	int path = 0;

	if (sscanf(line, "%*x: %*x %*x %x %*x %*x %lu %n", &flags, &inode,
		   &path) < 2)
		return;
	s = add_socket(f, inode);
	s->listens = flags & ACCEPTS;
	snprintf(s->local, sizeof s->local, "unix:%.*s",
		 (int)strcspn(line + path, "\n"), line + path);
}

static void read_table(struct fds *f, const char *name,
		       void (*add)(struct fds *, const char *))
{
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/net/%s", (int)f->target->pid,
		 name);
	file = fopen(path, "re");
	if (!file)
		return;
	if (getline(&line, &size, file) > 0) /* what the columns are */
		while (getline(&line, &size, file) > 0)
			add(f, line);
	free(line);
	fclose(file);
}

static int by_inode(const void *a, const void *b)
{
	const struct socket_seen *x = a, *y = b;

	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

static void load(struct fds *f)
{
	f->loaded = true;
	read_table(f, "tcp", add_inet);
	read_table(f, "tcp6", add_inet);
	read_table(f, "udp", add_inet);
	read_table(f, "udp6", add_inet);
	read_table(f, "unix", add_unix);
	if (f->count)
		qsort(f->sockets, f->count, sizeof *f->sockets, by_inode);
}

/* ---- descriptors --------------------------------------------------------- */

const struct socket_seen *fds_look(struct fds *f, int fd, char *kind,
				   size_t size)
{
	char path[64], link[PATH_MAX];
	struct socket_seen wanted;
	unsigned long inode;
	ssize_t n;

	*kind = '\0';
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)f->target->pid, fd);
	n = readlink(path, link, sizeof link - 1);
	if (n < 0)
		return NULL;
	link[n] = '\0';
	if (sscanf(link, "socket:[%lu]", &inode) != 1) {
		/* "pipe:[1234]", "anon_inode:[eventfd]" */
		if (link[0] != '/')
			link[strcspn(link, ":")] = '\0';
		snprintf(kind, size, "%s", link);
		return NULL;
	}
	snprintf(kind, size, "socket");
	if (!f->loaded)
		load(f);
	wanted.inode = inode;
	return f->count ? bsearch(&wanted, f->sockets, f->count,
				  sizeof *f->sockets, by_inode)
			: NULL;
}

void fds_clear(struct fds *f)
{
	free(f->sockets);
	*f = (struct fds){.target = f->target};
}

long fds_count(const struct target *t)
{
	char path[64];
	long n = 0;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)t->pid);
	dir = opendir(path);
	if (!dir)
		return -1;
	for (const struct dirent *e; (e = readdir(dir));)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}
