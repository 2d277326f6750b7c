/* deep.h - a library with functions of actors that need more stack than there
 * is; it knows nothing of the runtime. */
#ifndef DEEP_H
#define DEEP_H

struct ramet_actor;

/* Call `first`, if it is not NULL, then itself without end. */
struct deep {
	void (*first)(struct ramet_actor *me, void *arg);
	void *arg;
};
int deep_call(struct ramet_actor *me, void *deep);

/* The same in one large frame. */
int deep_frame(struct ramet_actor *me, void *deep);

/* The same below a function of libc's. */
int deep_sort(struct ramet_actor *me, void *deep);

/* The same below a function of the caller's, which is to call deep_fall. */
int deep_through(struct ramet_actor *me, void *deep);
void deep_fall(void *unused);

#endif
