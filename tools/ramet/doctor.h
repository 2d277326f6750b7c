/* doctor.h - `ramet doctor`: what this machine has of what ramet uses. */
#ifndef TOOLS_RAMET_DOCTOR_H
#define TOOLS_RAMET_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

enum level {
	LEVEL_OK,
	LEVEL_WARNING, /* it works, but not as well as it could */
	LEVEL_MISSING, /* something does not work */
};

struct finding {
	const char *group, *name;
	enum level level;
	char value[160]; /* what is there */
	char todo[240];  /* "" if it is ok */
};

struct findings {
	size_t count;
	struct finding all[40];
};

/* Begin a finding that is ok, with what is there. */
struct finding *found(struct findings *f, const char *group, const char *name,
		      const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* It is not: what to do. */
void advise(struct finding *f, enum level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The first line of a file; returns whether there is one. */
bool first_line(const char *path, char *line, size_t size);

/* Look at the kernel; at limits; at what the library uses. */
void examine_kernel(struct findings *f);
void examine_limits(struct findings *f);
void examine_parts(struct findings *f);

/* argv begins with the word "doctor".  Returns the exit status. */
int doctor(int argc, char **argv);

void print_doctor_help(void);

#endif
