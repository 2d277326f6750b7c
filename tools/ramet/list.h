/* list.h - what is replaced, and what cannot be. */
#ifndef TOOLS_RAMET_LIST_H
#define TOOLS_RAMET_LIST_H

#include <stdbool.h>

void list(unsigned groups, bool json);

#endif
