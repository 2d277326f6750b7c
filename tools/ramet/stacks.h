/* stacks.h - `ramet stacks`. */
#ifndef TOOLS_RAMET_STACKS_H
#define TOOLS_RAMET_STACKS_H

/* argv begins with the word "stacks".  Returns the exit status. */
int stacks(int argc, char **argv);

void print_stacks_help(void);

#endif
