/* files.c - FILEs as wholes: locked by the program, flushed, closed. */
#include "patch/stdio/lock.h"

#include "kernel/libc.h"

/* ---- locked by the program ---------------------------------------------- */

/* libc's lock is taken too: it keeps out who is not patched. */
void HOOK(flockfile)(FILE *f)
{
	ramet__file_take(f);
	libc.flockfile(f);
}

int HOOK(ftrylockfile)(FILE *f)
{
	struct file_lock *k = file_hold_if_free(f);
	int busy;

	if (!k && ramet__files.on)
		return EBUSY;
	busy = libc.ftrylockfile(f);
	if (busy)
		file_let_go(k);
	return busy;
}

void HOOK(funlockfile)(FILE *f)
{
	struct file_lock *k = file_lock_of(f);

	libc.funlockfile(f);
	if (k && file_holder(k) == ramet__lot_self())
		file_let_go(k);
}

/* ---- flushed ------------------------------------------------------------ */

/* libc goes through its list of FILEs with the list locked, and locks each.
 * Nobody must park with that: so take note of one FILE at a time, and flush it
 * after the list is free again. */
static struct {
	FILE **first; /* the FILEs are chained */
	void (*lock)(void), (*unlock)(void);
} list;

static bool find_list(void)
{
	if (!list.first) {
		list.lock = kernel_libc_symbol("_IO_list_lock");
		list.unlock = kernel_libc_symbol("_IO_list_unlock");
		list.first = kernel_libc_symbol("_IO_list_all");
	}
	return list.first && list.lock && list.unlock;
}

static bool has_output(const FILE *f)
{
	/* What a wide one has converted lies elsewhere: ask it. */
	return f->_mode > 0 || f->_IO_write_ptr > f->_IO_write_base;
}

/* The next FILE whose output is to be written, that has not been since `round`
 * began.  The lock is one to wait for once the list is free again. */
static struct file_lock *next_file(uint32_t round, bool lines)
{
	struct file_lock *k = NULL;

	list.lock();
	for (FILE *f = *list.first; f; f = f->_chain) {
		if (!has_output(f) ||
		    (lines && !(f->_flags & FILE_LINE_BUFFERED)))
			continue;
		k = ramet__file_lock(f);
		if (k && (int32_t)(k->flushed - round) < 0)
			break;
		k = NULL;
	}
	list.unlock();
	return k;
}

static int flush_one(struct file_lock *k, uint32_t round)
{
	FILE *f = __atomic_load_n(&k->file, __ATOMIC_RELAXED);
	FILE_HELD(held) = f ? file_hold(f) : NULL;

	/* Closed while we waited for it: another may have its place. */
	if (!f || k->file != f)
		return 0;
	k->flushed = round;
	return libc.fflush(f);
}

/* Of all FILEs with output; those another flush has seen to that began after
 * this one did are done. */
static int flush_all(bool lines)
{
	static uint32_t rounds = 1;
	uint32_t round = __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
	struct file_lock *k;
	int err = 0;

	while ((k = next_file(round, lines)))
		err |= flush_one(k, round);
	return err ? EOF : 0;
}

int HOOK(fflush)(FILE *f)
{
	if (!f && ramet__files.on && find_list())
		return flush_all(false);
	FILE_HELD(held) = f ? file_hold(f) : NULL;
	return libc.fflush(f);
}

int HOOK(fflush_unlocked)(FILE *f)
{
	if (!f)
		return HOOK(fflush)(NULL);
	FILE_HELD(held) = file_hold_if_free(f);
	return libc.fflush_unlocked(f);
}

void HOOK(_flushlbf)(void)
{
	if (ramet__files.on && find_list())
		flush_all(true);
	else
		libc._flushlbf();
}

/* ---- closed ------------------------------------------------------------- */

static void forget(struct file_lock **held)
{
	ramet__file_forget(*held);
}

/* The FILE is freed even if closing it fails, or the thread is ended. */
int HOOK(fclose)(FILE *f)
{
	struct file_lock *held __attribute__((unused, cleanup(forget))) =
		file_hold(f);

	return libc.fclose(f);
}

/* Makes all FILEs unbuffered; what they have is written before, lest it blocks
 * with libc's list locked. */
int HOOK(fcloseall)(void)
{
	HOOK(fflush)(NULL);
	return libc.fcloseall();
}
