/* console.c - a client of a program's console (ramet_console(3)): what is typed
 * goes there, what comes back is shown.
 */
#include "tools/ramet/console.h"
#include "tools/ramet/console_find.h"
#include "tools/ramet/say.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char help[] =
	"usage: ramet console PATH|PID [COMMAND...]\n"
	"\n"
	"Talk to the console of a program that was started with\n"
	"RAMET_CONSOLE=PATH or calls ramet_console(3).  With a COMMAND, run "
	"that\n"
	"and show only its answer.  \"help\" lists the commands.\n"
	"\n"
	"  --help  show this\n"
	"\n"
	"Exit status: 0; 1 if there is no such console, or the answer to "
	"COMMAND was an\n"
	"error; 2 if the command line makes no sense.\n"
	"Manual: ramet-console(1).\n";

void print_console_help(void)
{
	fputs(help, stdout);
}

/* To the program, which may have gone: no signal says so. */
static ssize_t write_some(int fd, const char *text, size_t size)
{
	return fd == STDOUT_FILENO ? write(fd, text, size)
				   : send(fd, text, size, MSG_NOSIGNAL);
}

static bool write_all(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = write_some(fd, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		size -= (size_t)n;
	}
	return true;
}

/* ---- people ------------------------------------------------------------- */

/* Pass on what there is.  False: no more comes. */
static bool pass(int from, int to)
{
	char text[4096];
	ssize_t n = read(from, text, sizeof text);

	if (n < 0 && errno == EINTR)
		return true;
	return n > 0 && write_all(to, text, (size_t)n);
}

static int converse(int fd, const char *where)
{
	struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {fd, POLLIN, 0}};
	bool greeted = false;

	for (;;) {
		if (poll(fds, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			refuse(1, "poll: %s", strerror(errno));
		}
		if (fds[1].revents && !pass(fd, STDOUT_FILENO)) {
			/* The socket of a process that ends may live longer. */
			if (!greeted)
				refuse(1,
				       "nobody serves %s any more: its program "
				       "has ended",
				       where);
			return 0;
		}
		greeted |= fds[1].revents != 0;
		if (fds[0].revents && !pass(STDIN_FILENO, fd)) {
			fds[0].fd = -1;
			shutdown(fd, SHUT_WR); /* the answers still come */
		}
	}
}

/* ---- scripts ------------------------------------------------------------ */

static void ask(int fd, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!write_all(fd, argv[i], strlen(argv[i])) ||
		    !write_all(fd, i + 1 < argc ? " " : "\n", 1))
			refuse(1, "the program has closed its console");
	shutdown(fd, SHUT_WR);
}

/* All that comes, in memory. */
static char *read_all(int fd, size_t *used)
{
	size_t room = 1 << 16;
	char *text = malloc(room + 1);
	ssize_t n = 0;

	*used = 0;
	while (text) {
		n = read(fd, text + *used, room - *used);
		if (n <= 0 && !(n < 0 && errno == EINTR))
			break;
		*used += n > 0 ? (size_t)n : 0;
		if (*used == room)
			text = realloc(text, (room *= 2) + 1);
	}
	if (!text)
		refuse(1, "there is no memory");
	text[*used] = '\0';
	return text;
}

/* Between the two prompts. */
static int show_answer(int fd)
{
	static const char prompt[] = "\n> ";
	size_t used, n = strlen(prompt);
	char *all = read_all(fd, &used), *from = strstr(all, prompt);

	if (!from || used < n)
		refuse(1, "the program has closed its console");
	from += n;
	if ((size_t)(all + used - from) >= 2 &&
	    strcmp(all + used - 2, "> ") == 0)
		used -= 2;
	fwrite(from, 1, (size_t)(all + used - from), stdout);
	n = strncmp(from, "error: ", 7) == 0;
	free(all);
	return (int)n;
}

int console(int argc, char **argv)
{
	const char *where = argc > 1 ? argv[1] : NULL;
	int fd;

	speak_as("console");
	if (!where)
		refuse(STATUS_REFUSED, "whose? Give the path of its socket, or "
				       "the number of the process");
	if (strcmp(where, "--help") == 0 || strcmp(where, "-h") == 0) {
		print_console_help();
		return 0;
	}
	if (*where == '-')
		refuse(STATUS_REFUSED,
		       "there is no option %s; \"ramet help console\" says "
		       "what there is",
		       where);
	fd = console_find(where);
	if (argc == 2)
		return converse(fd, where);
	ask(fd, argc - 2, argv + 2);
	return show_answer(fd);
}
