/* program.h - the file that is to run, and whether it can. */
#ifndef TOOLS_RAMET_PROGRAM_H
#define TOOLS_RAMET_PROGRAM_H

#include <stdbool.h>

/* The file that execvp would run, allocated.  Does not return if there is none
 * or it may not be run. */
char *find_program(const char *name);

/* Return if libramet can be loaded into the program, else say why not.  Of a
 * script that is its interpreter's question. */
void check_program(const char *name, const char *path);

/* The same of an ELF file, which fd is open on. */
void check_elf(const char *name, const char *path, int fd);

#endif
