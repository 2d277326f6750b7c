/* console_find.h - connects to a program's console. */
#ifndef TOOLS_RAMET_CONSOLE_FIND_H
#define TOOLS_RAMET_CONSOLE_FIND_H

/* `where` is the socket's path, or the number of the process.  Returns a
 * descriptor, or ends with a sentence that says what to do. */
int console_find(const char *where);

#endif
