/* runtime.h - the libramet that the module is linked with. */
#ifndef RUNTIME_H
#define RUNTIME_H

/* Whether it is of the module's version, and the only one in the process.
 * Returns 0, or -1 with ImportError, which names both. */
int runtime_check(void);

#endif
