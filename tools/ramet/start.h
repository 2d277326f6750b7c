/* start.h - becomes the program, with libramet in it. */
#ifndef TOOLS_RAMET_START_H
#define TOOLS_RAMET_START_H

#include "tools/ramet/options.h"

/* Does not return. */
_Noreturn void start(const struct options *o);

#endif
