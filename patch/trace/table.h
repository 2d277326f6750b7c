/* table.h - how a process ends without exit: see patch/engine/table.h. */
#ifndef PATCH_TRACE_TABLE_H
#define PATCH_TRACE_TABLE_H

#define PATCH_TRACE(X)                                                         \
	X(RAMET_OS, void, _exit, (int status))                                 \
	X(RAMET_OS, void, _Exit, (int status))

#endif
