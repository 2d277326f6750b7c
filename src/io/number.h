/* number.h - what the process knows of each descriptor's number.
 *
 * Its generation grows when it is closed or comes anew, so that what belonged
 * to the old file never reaches the new one.
 */
#ifndef IO_NUMBER_H
#define IO_NUMBER_H

#include "kernel/kernel.h"

enum fd_kind {
	FD_UNKNOWN,
	FD_TCP,      /* a byte stream whose short reads mean: drained */
	FD_STREAM,   /* another socket whose writes may be partial */
	FD_DATAGRAM, /* any other socket */
	FD_PIPE,     /* pipe: a stream that can be waited for */
	FD_DEVICE,   /* character device: the same */
	FD_FILE,     /* regular file, directory, block device: what cannot */
	FD_EVENT,    /* eventfd, timerfd, ...: as FD_PIPE, but no stream */
};

/* Tables by number are made of pages, each when it is needed. */
enum {
	FD_PAGE_BITS = 9,
	FD_PAGE = 1 << FD_PAGE_BITS,
	FD_PAGES = 1 << 13,
	FD_MAX = FD_PAGE * FD_PAGES, /* 4 million descriptors */
};

/* All fields atomic. */
struct info {
	uint32_t generation;
	uint32_t loops; /* bits of those that have looked at this generation */
	uint32_t held;  /* how often, and a bit: to be closed then */
	uint8_t kind;   /* enum fd_kind */
	bool ours;      /* made by the library: with O_NONBLOCK, and all that is
			 * done with it is seen */
	bool alias;     /* another number is, or was, the same open file */
	bool lingers;   /* closing it may wait: SO_LINGER */
	/* See mode.h. */
	uint32_t made; /* in place of libc, by which process */
	uint32_t mode;
	uint32_t receive_ms, send_ms;
};

/* NULL when the number is bad or there is no memory.  Never freed. */
struct info *ramet__info(int number);

/* The same, but NULL if nobody has ever asked for one nearby. */
struct info *ramet__info_known(int number);

/* Every close(2) in this process is seen (`ramet run`), so what is known of a
 * number holds until then.  Set before a second loop starts. */
extern bool ramet__closes_seen;

static inline uint32_t info_generation(const struct info *info)
{
	return __atomic_load_n(&info->generation, __ATOMIC_SEQ_CST);
}

/* How many descriptors loops have looked at and not seen closed. */
size_t ramet__numbers_known(void);

/* Whether the number still means what it meant in that generation. */
bool ramet__number_is(int number, uint32_t generation);

/* Another OS thread is about to make a call on the number.  Until it has been
 * released, by any thread, closing is put off, or the call might meet another
 * file under that number. */
void ramet__number_hold(int number);
void ramet__number_release(int number);
bool ramet__number_is_held(int number);

/* Close it, now or when it is released.  Returns 0 or -errno: -EBADF if it has
 * been closed. */
int ramet__number_close(int number);

/* In the child of a fork: no other thread is left to make calls. */
void ramet__numbers_after_fork(void);

#endif
