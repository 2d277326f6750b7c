/* program.c - finds the program as execvp does, and looks through scripts at
 * what runs them. */
#include "tools/ramet/program.h"
#include "tools/ramet/say.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCRIPTS = 5 }; /* that run one another: as the kernel, about */

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

static char *in_folder(const char *folder, size_t size, const char *name)
{
	char *path;

	if (size == 0)
		folder = ".", size = 1;
	if (asprintf(&path, "%.*s/%s", (int)size, folder, name) < 0)
		refuse(STATUS_REFUSED, "there is no memory");
	return path;
}

/* The first in PATH that may be run; else, in *seen, the first that is there.
 */
static char *search(const char *name, char **seen)
{
	const char *folders = getenv("PATH");
	size_t n;

	if (!folders)
		folders = "/bin:/usr/bin";
	for (;; folders += n + 1) {
		char *path;

		n = strcspn(folders, ":");
		path = in_folder(folders, n, name);
		if (is_file(path) && access(path, X_OK) == 0)
			return path;
		if (!*seen && is_file(path))
			*seen = path;
		else
			free(path);
		if (!folders[n])
			return NULL;
	}
}

static _Noreturn void cannot_run(const char *name, int err)
{
	if (err == ENOENT || err == ENOTDIR)
		refuse(STATUS_NOT_FOUND, "%s is not found%s", name,
		       strchr(name, '/') ? "" : "; is its folder in PATH?");
	if (err == EACCES)
		refuse(STATUS_CANNOT_RUN,
		       "%s may not be run by you; see ls -l, and chmod +x "
		       "makes it a program",
		       name);
	refuse(STATUS_CANNOT_RUN, "%s cannot be run: %s", name, strerror(err));
}

char *find_program(const char *name)
{
	char *path = NULL, *seen = NULL;

	if (!strchr(name, '/')) {
		if (*name)
			path = search(name, &seen);
		if (!path)
			cannot_run(name, seen ? EACCES : ENOENT);
		return path;
	}
	if (access(name, F_OK) < 0)
		cannot_run(name, errno);
	if (!is_file(name))
		refuse(STATUS_CANNOT_RUN, "%s is a directory", name);
	if (access(name, X_OK) < 0)
		cannot_run(name, errno);
	path = strdup(name);
	if (!path)
		refuse(STATUS_REFUSED, "there is no memory");
	return path;
}

/* ---- scripts ------------------------------------------------------------ */

/* "/usr/bin/env -S A=1 python3 -u" runs python3.  NULL: nothing is named. */
static char *named_by_env(char *words)
{
	for (char *word; (word = strsep(&words, " \t"));) {
		if (strcmp(word, "-u") == 0 || strcmp(word, "-C") == 0)
			strsep(&words, " \t");
		else if (*word && *word != '-' && !strchr(word, '='))
			return word;
	}
	return NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What a script begins with, without "#!"; its interpreter, allocated. */
static char *interpreter(char *line)
{
	char *words = line + strspn(line, " \t"), *file;

	words[strcspn(words, "\n\r")] = '\0';
	file = strsep(&words, " \t");
	if (strcmp(base_name(file), "env") == 0) {
		char *named = named_by_env(words);

		if (named)
			return find_program(named);
	}
	return find_program(*file ? file : "/bin/sh");
}

void check_program(const char *name, const char *path)
{
	char *file = strdup(path);

	for (int i = 0; file && i < SCRIPTS; i++) {
		char head[256] = "", *next;
		int fd = open(file, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof head - 1);

		if (n >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0) {
			check_elf(name, file, fd);
			close(fd);
			break;
		}
		if (fd < 0) /* one may run what one may not read */
			break;
		close(fd);
		/* Without "#!" execvp gives it to the shell. */
		next = strncmp(head, "#!", 2) == 0 ? interpreter(head + 2)
						   : strdup("/bin/sh");
		free(file);
		file = next;
	}
	free(file);
}
