/* top.h - `ramet top`. */
#ifndef TOOLS_RAMET_TOP_H
#define TOOLS_RAMET_TOP_H

/* argv begins with the word "top".  Returns the exit status. */
int top(int argc, char **argv);

void print_top_help(void);

#endif
