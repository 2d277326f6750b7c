/* postgres.h - a PostgreSQL of a test's own, reached by a socket in a directory
 * of its own; it ends with the test. */
#ifndef PATCH_POSTGRES_H
#define PATCH_POSTGRES_H

/* Start it, or skip the test where it is not installed.  Returns what
 * PQconnectdb takes. */
const char *postgres_start(void);
void postgres_stop(void);

#endif
