/* console.h - the command `ramet console`. */
#ifndef TOOLS_RAMET_CONSOLE_H
#define TOOLS_RAMET_CONSOLE_H

/* argv[0] is "console".  Returns the exit status. */
int console(int argc, char **argv);
void print_console_help(void);

#endif
