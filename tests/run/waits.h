/* waits.h - a library that knows nothing of ramets. */
#ifndef RUN_WAITS_H
#define RUN_WAITS_H

void waits_for_ms(int ms);

/* The next byte of fd, or -1. */
int waits_for_byte(int fd);

#endif
