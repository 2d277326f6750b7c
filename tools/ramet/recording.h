/* recording.h - `ramet trace`. */
#ifndef TOOLS_RAMET_RECORDING_H
#define TOOLS_RAMET_RECORDING_H

/* Returns the exit status. */
int record(int argc, char **argv);

void print_trace_help(void);

#endif
