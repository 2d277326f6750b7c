/* terminal.c - raw mode and the alternate screen, by plain escape sequences
 * (ECMA-48, and xterm's 1049). */
#include "tools/ramet/terminal.h"
#include "tools/ramet/say.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static const char begin[] = "\033[?1049h\033[?25l\033[H\033[2J";
static const char end[] = "\033[0m\033[?25h\033[?1049l";

static const int fatal[] = {SIGINT,  SIGTERM, SIGHUP, SIGQUIT,
			    SIGABRT, SIGSEGV, SIGBUS, SIGPIPE};

static struct termios before;
static volatile sig_atomic_t taken, resized;

/* ---- take and give back -------------------------------------------------- */

/* Also in a signal handler. */
static void give_back(void)
{
	ssize_t n;

	if (!taken)
		return;
	taken = 0;
	n = write(STDOUT_FILENO, end, sizeof end - 1);
	(void)n;
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void take(void)
{
	struct termios raw = before;
	ssize_t n;

	raw.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INPCK | ISTRIP | IXON);
	raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	n = write(STDOUT_FILENO, begin, sizeof begin - 1);
	(void)n;
	taken = 1;
}

static void on_fatal(int number)
{
	give_back();
	signal(number, SIG_DFL);
	raise(number);
}

static void on_stop(int number)
{
	int error = errno;

	(void)number;
	give_back();
	raise(SIGSTOP);
	errno = error;
}

static void on_continue(int number)
{
	int error = errno;

	(void)number;
	if (!taken)
		take();
	resized = 1;
	errno = error;
}

static void on_resize(int number)
{
	(void)number;
	resized = 1;
}

static void handle(int number, void (*fn)(int))
{
	struct sigaction action = {.sa_handler = fn};

	sigaction(number, &action, NULL);
}

void terminal_open(void)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &before) < 0)
		refuse(STATUS_REFUSED,
		       "this needs a terminal; --once shows everything once, "
		       "--json for programs");
	atexit(terminal_close);
	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
		handle(fatal[i], on_fatal);
	handle(SIGTSTP, on_stop);
	handle(SIGCONT, on_continue);
	handle(SIGWINCH, on_resize);
	take();
}

void terminal_close(void)
{
	give_back();
}

void terminal_size(int *rows, int *columns)
{
	struct winsize size;

	*rows = 24;
	*columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row &&
	    size.ws_col) {
		*rows = size.ws_row;
		*columns = size.ws_col;
	}
}

/* ---- keys ---------------------------------------------------------------- */

static int kept = KEY_NONE; /* a byte that was read too early */

static bool is_there(int ms)
{
	struct pollfd p = {STDIN_FILENO, POLLIN, 0};

	return kept != KEY_NONE || poll(&p, 1, ms) > 0;
}

static int next_byte(void)
{
	int early = kept;
	unsigned char byte;
	ssize_t n;

	kept = KEY_NONE;
	if (early != KEY_NONE)
		return early;
	do
		n = read(STDIN_FILENO, &byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? byte : KEY_EOF;
}

/* What comes after ESC [ or ESC O. */
static int sequence(void)
{
	static const struct {
		char last;
		int number, key;
	} keys[] = {
		{'A', 0, KEY_UP},      {'B', 0, KEY_DOWN},
		{'C', 0, KEY_RIGHT},   {'D', 0, KEY_LEFT},
		{'H', 0, KEY_HOME},    {'F', 0, KEY_END},
		{'~', 1, KEY_HOME},    {'~', 4, KEY_END},
		{'~', 5, KEY_PAGE_UP}, {'~', 6, KEY_PAGE_DOWN},
		{'~', 7, KEY_HOME},    {'~', 8, KEY_END},
	};
	int number = 0, c;

	for (;;) {
		c = is_there(20) ? next_byte() : KEY_EOF;
		if (c >= '0' && c <= '9')
			number = number < 100 ? 10 * number + c - '0' : number;
		else if (c != ';')
			break;
	}
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (keys[i].last == c && (c != '~' || keys[i].number == number))
			return keys[i].key;
	return KEY_NONE;
}

int terminal_key(int ms)
{
	int c;

	if (resized || !is_there(ms)) {
		resized = 0;
		return KEY_NONE;
	}
	c = next_byte();
	if (c == '\r' || c == '\n')
		return KEY_ENTER;
	if (c == 0x7f || c == 0x08)
		return KEY_BACKSPACE;
	if (c != KEY_ESCAPE || !is_there(20))
		return c;
	c = next_byte();
	if (c == '[' || c == 'O')
		return sequence();
	kept = c; /* the next key, pressed soon after */
	return KEY_ESCAPE;
}
