/* jumps.c - below FILEs: libc's tables of functions lead to the patch.
 *
 * A FILE points to one of libc's tables; struct _IO_jump_t has been the same
 * since glibc 2.1.  libc checks that the pointer leads to one of its tables,
 * not what is in them.  They lie in memory that is read-only after relocation.
 * Most have no name, so they are found by what is in them: libc's read, write
 * and stat functions, which do have names, in their places.
 *
 * Only a ramet that has the FILE's lock (lock.h) parks here.  Whoever comes
 * without came from inside libc, with locks of libc's held that others would
 * wait for in the kernel: those calls block as they always did.
 */
#include "patch/stdio/lock.h"

#include "patch/stdio/stdio.h"

#include "base/elf.h"
#include "io/fd.h"
#include "kernel/calls.h"
#include "kernel/libc.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Places in the table, counted from its read function. */
enum { UNDERFLOW = -10, READ = 0, WRITE = 1, SEEK = 2, CLOSE = 3, STAT = 4 };

/* More of _flags, and of _flags2; see FILE_USER_LOCK. */
enum {
	FILE_UNBUFFERED = 0x2,
	FILE_NO_WRITES = 0x8,
	FILE_ERR_SEEN = 0x20,
	FILE_LINKED = 0x80,
	FILE_NOT_CANCEL = 0x2, /* of _flags2: fopen's mode has a 'c' */
};

/* libc's, by their exported names. */
static struct {
	void *read, *write, *seek, *close, *stat, *underflow, *wunderflow;
	void (*doallocate)(FILE *);
} own;

/* Of the preloaded library. */
extern char ramet__names_taken[] __attribute__((weak));

typedef ssize_t read_fn(FILE *, void *, ssize_t);
typedef ssize_t write_fn(FILE *, const void *, ssize_t);
typedef int int_fn(FILE *);

/* ---- what the tables lead to -------------------------------------------- */

/* The loop, if this call on the FILE may park. */
static struct loop *may_park(const FILE *f)
{
	struct loop *l = hook_loop(RAMET_STDIO);

	return l && file_is_held(f) ? l : NULL;
}

struct not_cancelled {
	struct thread *thread;
	bool was;
};

static void cancel_again(struct not_cancelled *c)
{
	if (c->thread)
		c->thread->cancel_disabled = c->was;
}

/* To the end of the block calls are no cancellation points. */
static struct not_cancelled not_cancelled(struct loop *l, bool disable)
{
	struct thread *t = disable ? thread_self(l) : NULL;
	struct not_cancelled c = {t, t && t->cancel_disabled};

	if (t)
		t->cancel_disabled = true;
	return c;
}

#define NOT_CANCELLED(l, disable)                                              \
	struct not_cancelled c_                                                \
		__attribute__((unused, cleanup(cancel_again))) =               \
			not_cancelled(l, disable)

static ssize_t file_read(FILE *f, void *buf, ssize_t size)
{
	struct loop *l = may_park(f);

	if (!l)
		return ((read_fn *)own.read)(f, buf, size);
	NOT_CANCELLED(l, f->_flags2 & FILE_NOT_CANCEL);
	return HOOK(read)(f->_fileno, buf, (size_t)size);
}

/* All of it, or as much as could be written before an error. */
static ssize_t file_write(FILE *f, const void *buf, ssize_t size)
{
	struct loop *l = may_park(f);
	const char *from = buf;
	ssize_t done = 0, n;

	if (!l)
		return ((write_fn *)own.write)(f, buf, size);
	NOT_CANCELLED(l, f->_flags2 & FILE_NOT_CANCEL);
	while (done < size) {
		n = HOOK(write)(f->_fileno, from + done, (size_t)(size - done));
		if (n < 0) {
			f->_flags |= FILE_ERR_SEEN;
			break;
		}
		done += n;
	}
	if (f->_offset >= 0)
		f->_offset += done;
	return done;
}

/* Whoever waits for the descriptor must hear of it.  libc's close here is no
 * cancellation point. */
static int file_close(FILE *f)
{
	struct loop *l = may_park(f);

	if (!l) {
		ramet__fd_forget(f->_fileno);
		return ((int_fn *)own.close)(f);
	}
	NOT_CANCELLED(l, true);
	return HOOK(close)(f->_fileno);
}

/* ---- before reading from a terminal ------------------------------------- */

/* Before libc reads for a FILE that is not fully buffered it writes out what a
 * line-buffered stdout has, under stdout's lock: which another ramet may have
 * taken.  So do it here, with the lock that parks, and hide from libc that it
 * is due. */
static void flush_stdout(const FILE *f)
{
	enum { DUE = FILE_LINKED | FILE_LINE_BUFFERED };
	FILE *out = stdout;

	if (out == f || (out->_flags & (DUE | FILE_NO_WRITES)) != DUE)
		return;
	FILE_HELD(held) = file_hold(out);
	libc.fflush_unlocked(out);
}

struct hidden {
	FILE *file;
	int flags;
};

static void show(struct hidden *h)
{
	h->file->_flags |= h->flags;
}

static int underflow(FILE *f, int_fn *libcs)
{
	struct hidden h __attribute__((cleanup(show))) = {f, 0};

	if (!may_park(f))
		return libcs(f);
	if (!f->_IO_buf_base && !f->_IO_save_base)
		own.doallocate(f); /* finds out whether it is a terminal */
	if (!f->_IO_buf_base)
		return libcs(f);
	h.flags = f->_flags & (FILE_UNBUFFERED | FILE_LINE_BUFFERED);
	if (h.flags) {
		flush_stdout(f);
		f->_flags &= ~h.flags;
	}
	return libcs(f);
}

static int file_underflow(FILE *f)
{
	return underflow(f, (int_fn *)own.underflow);
}

static int file_wunderflow(FILE *f)
{
	return underflow(f, (int_fn *)own.wunderflow);
}

/* ---- the tables ---------------------------------------------------------- */

struct table {
	void **read; /* where its read function is */
	bool closes, underflows, wunderflows;
};

enum { TABLES_MAX = 16 };

static struct table tables[TABLES_MAX];
static int table_count;
static void **area, **area_end; /* read-only after relocation */
static bool looked;             /* and found all that is needed */

/* The part of libc that is read-only after relocation. */
static int find_area(struct dl_phdr_info *info, size_t size, void *jumps)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		char *start = (char *)info->dlpi_addr + h->p_vaddr;

		if (h->p_type != PT_GNU_RELRO || (char *)jumps < start ||
		    (char *)jumps >= start + h->p_memsz)
			continue;
		area = (void **)(void *)(start + (-(uintptr_t)start & 7));
		area_end = (void **)(void *)(start + (h->p_memsz & ~7ul));
		return 1;
	}
	return 0;
}

static void find_tables(void)
{
	for (void **p = area - UNDERFLOW; p < area_end - STAT; p++) {
		if (p[READ] != own.read || p[WRITE] != own.write ||
		    p[SEEK] != own.seek || p[STAT] != own.stat ||
		    table_count == TABLES_MAX)
			continue;
		tables[table_count++] =
			(struct table){p, p[CLOSE] == own.close,
				       p[UNDERFLOW] == own.underflow,
				       p[UNDERFLOW] == own.wunderflow};
	}
}

/* Whether a table that has a name has been found, where its layout says. */
static bool knows(const char *name)
{
	enum { READ_PLACE = 14 };
	void **table = kernel_libc_symbol(name);

	for (int i = 0; i < table_count; i++)
		if (table && tables[i].read == table + READ_PLACE)
			return tables[i].closes &&
			       (tables[i].underflows || tables[i].wunderflows);
	return false;
}

static bool look(void)
{
	own.read = kernel_libc_symbol("_IO_file_read");
	own.write = kernel_libc_symbol("_IO_file_write");
	own.seek = kernel_libc_symbol("_IO_file_seek");
	own.close = kernel_libc_symbol("_IO_file_close");
	own.stat = kernel_libc_symbol("_IO_file_stat");
	own.underflow = kernel_libc_symbol("_IO_file_underflow");
	own.wunderflow = kernel_libc_symbol("_IO_wfile_underflow");
	own.doallocate = kernel_libc_symbol("_IO_doallocbuf");
	if (!own.read || !own.write || !own.seek || !own.close || !own.stat ||
	    !own.underflow || !own.wunderflow || !own.doallocate ||
	    !dl_iterate_phdr(find_area, kernel_libc_symbol("_IO_file_jumps")))
		return false;
	find_tables();
	return knows("_IO_file_jumps") && knows("_IO_wfile_jumps");
}

/* Fill the tables in, with the patch's or libc's own. */
static void fill(bool ours)
{
#define PUT(place, hook, libcs)                                                \
	__atomic_store_n(&t->read[place], ours ? (void *)(hook) : (libcs),     \
			 __ATOMIC_RELEASE)

	for (struct table *t = tables; t < tables + table_count; t++) {
		PUT(READ, file_read, own.read);
		PUT(WRITE, file_write, own.write);
		if (t->closes)
			PUT(CLOSE, file_close, own.close);
		if (t->underflows)
			PUT(UNDERFLOW, file_underflow, own.underflow);
		if (t->wunderflows)
			PUT(UNDERFLOW, file_wunderflow, own.wunderflow);
	}
#undef PUT
}

static int protect(int protection)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = (uintptr_t)area & -page;
	uintptr_t end = ((uintptr_t)area_end + page - 1) & -page;

	return mprotect((void *)start, end - start, protection) ? -errno : 0;
}

static int change(bool ours)
{
	int saved = errno, err = protect(PROT_READ | PROT_WRITE);

	if (!err) {
		fill(ours);
		protect(PROT_READ);
	}
	errno = saved;
	return err < 0 ? -EPERM : 0;
}

int ramet__stdio_on(void)
{
	int err;

	if (ramet__files.on)
		return 0;
	if (!looked && !look()) {
		table_count = 0;
		return -ENOTSUP;
	}
	/* After the runtime's own handler, which is older. */
	if (!looked && pthread_atfork(NULL, NULL, ramet__stdio_after_fork))
		return -ENOMEM;
	looked = true;
	err = change(true);
	if (err < 0)
		return err;
	ramet__file_alone(ramet__this_loop);
	ramet__files.all = ramet__names_taken != NULL;
	__atomic_store_n(&ramet__files.on, true, __ATOMIC_SEQ_CST);
	return 0;
}

void ramet__stdio_off(void)
{
	if (!ramet__files.on)
		return;
	ramet__files.all = false;
	__atomic_store_n(&ramet__files.on, false, __ATOMIC_SEQ_CST);
	change(false);
}
