/* recording.h - what happens in all loops, recorded from ramet_trace_start to
 * ramet_trace_stop, or for the life of the process (RAMET_TRACE). */
#ifndef DEBUG_RECORDING_H
#define DEBUG_RECORDING_H

#include "core/core.h"

/* Once: begin if the environment says so. */
void ramet__recording_install(void);

/* The loop looks whether it is to record; says so if it cannot. */
void ramet__recording_mind(struct loop *l);

/* The loop ends: its events are kept. */
void ramet__recording_leave(struct loop *l);

/* In the child of a fork, which records nothing. */
void ramet__recording_after_fork(struct loop *l);

#endif
