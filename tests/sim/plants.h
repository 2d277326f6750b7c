/* plants.h - bugs planted into the runtime, for the simulation to find.
 *
 * Each stands between two files of the library, or between it and the kernel:
 * the linker's --wrap, the loop's event function and the kernel's table let a
 * test replace what passes there, so the library itself knows nothing of them.
 */
#ifndef PLANTS_H
#define PLANTS_H

enum plant {
	PLANT_NONE,
	PLANT_LOST_WAKE,   /* unlocking forgets who has just begun to wait */
	PLANT_DOUBLE_WAKE, /* what was woken once is woken from its next wait */
	PLANT_STALE_NUMBER, /* a call goes on with what a number means now */
	PLANT_SHORT_WRITE,  /* a short write is taken for the whole */
	PLANT_CONNECT_LEAK, /* a failed connection keeps its descriptor */
	PLANT_TIMEOUT_LEAK, /* only one that took too long does */
	PLANT_ABORT,        /* accept gives up at a broken connection */
	PLANT_SILENT_CLOSE, /* closing wakes nobody */
	PLANT_DRAINED,      /* the end of a stream does not end "drained" */
	PLANT_NO_BATON,     /* who takes an event does not wake the next */
	PLANT_NO_ROOM,      /* room to write is not noticed */
	PLANT_EARLY,        /* sleeps end early */
	PLANT_EDGE_CANCEL,  /* cancel is felt once */
	PLANT_CHANCE,       /* a choice depends on the real clock */
	PLANTS
};

extern const char *const plant_names[PLANTS];

/* Let runs have that bug from now on. */
void plant(enum plant p);

#endif
