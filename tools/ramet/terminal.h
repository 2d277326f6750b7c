/* terminal.h - a terminal that belongs to the command for a while: another
 * screen, keys as they are pressed.  It is given back at exit and on signals.
 */
#ifndef TOOLS_RAMET_TERMINAL_H
#define TOOLS_RAMET_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

enum key {
	KEY_NONE, /* the time is over, or the terminal has another size */
	KEY_ESCAPE = 27,
	KEY_UP = 256,
	KEY_DOWN,
	KEY_LEFT,
	KEY_RIGHT,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_HOME,
	KEY_END,
	KEY_BACKSPACE,
	KEY_ENTER,
	KEY_EOF, /* the terminal has gone */
};

/* Take it: standard input and output.  Does not return if they are none. */
void terminal_open(void);
void terminal_close(void);

void terminal_size(int *rows, int *columns);

/* The next key, at most after so many ms: a character, or one of the above. */
int terminal_key(int ms);

#endif
