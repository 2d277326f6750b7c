/* signals.h - which signals come out of streams. */
#ifndef TASK_SIGNALS_H
#define TASK_SIGNALS_H

#include "base/base.h"

/* Bit n - 1 for signal n: whoever sets the kernel's mask leaves these blocked.
 * Atomic. */
extern uint64_t ramet__signals_held;

#endif
