/* directory.c - reads a directory in a helper: it may be large, and on a disk.
 */
#include "http/files/directory.h"

#include "core/errand.h"
#include "kernel/calls.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>

/* As getdents64(2) has it. */
struct record {
	uint64_t inode;
	int64_t next;
	uint16_t size;
	uint8_t type;
	char name[];
};

struct names {
	struct names *next;
	size_t used;
	char text[16 * 1024];
};

struct reading {
	struct errand errand;
	struct directory directory;
	struct names *names;
	size_t room; /* of entries */
	int fd, err;
	char buf[32 * 1024] __attribute__((aligned(8)));
};

/* ---- what was found ----------------------------------------------------- */

static int make_room(struct reading *r)
{
	struct directory *d = &r->directory;
	size_t room = r->room ? 2 * r->room : 64;
	struct entry *entries;

	if (d->count < r->room)
		return 0;
	entries = kernel_alloc(room * sizeof *entries);
	if (!entries)
		return -ENOMEM;
	if (d->count)
		memcpy(entries, d->entries, d->count * sizeof *entries);
	kernel_free(d->entries);
	d->entries = entries;
	r->room = room;
	return 0;
}

static const char *keep_name(struct reading *r, const char *name)
{
	size_t size = strlen(name) + 1;
	struct names *n = r->names;

	if (!n || n->used + size > sizeof n->text) {
		n = kernel_alloc(sizeof *n);
		if (!n)
			return NULL;
		n->next = r->names;
		r->names = n;
	}
	memcpy(n->text + n->used, name, size);
	n->used += size;
	return n->text + n->used - size;
}

static int add(struct reading *r, const char *name)
{
	struct directory *d = &r->directory;
	struct entry *e;
	struct stat st;

	/* Some file systems have longer ones, which nobody could ask for. */
	if (strlen(name) > NAME_MAX)
		return 0;
	if (kernel_call(SYS_newfstatat, r->fd, KERNEL_ARG(name),
			KERNEL_ARG(&st), AT_SYMLINK_NOFOLLOW, 0, 0) < 0)
		return 0; /* it is gone */
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) &&
	    !S_ISLNK(st.st_mode))
		return 0;
	if (make_room(r) < 0)
		return -ENOMEM;
	e = &d->entries[d->count];
	*e = (struct entry){.name = keep_name(r, name),
			    .directory = S_ISDIR(st.st_mode),
			    .link = S_ISLNK(st.st_mode),
			    .size = st.st_size,
			    .modified = st.st_mtim.tv_sec};
	if (!e->name)
		return -ENOMEM;
	d->count++;
	return 0;
}

static int add_all(struct reading *r, const char *p, const char *end)
{
	while (p < end) {
		const struct record *entry = (const void *)p;

		p += entry->size;
		if (*entry->name == '.')
			continue;
		r->directory.more = r->directory.count == DIRECTORY_MAX;
		if (r->directory.more)
			return 0;
		if (add(r, entry->name) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int read_all(struct reading *r)
{
	long n, err = 0;

	do {
		n = kernel_call(SYS_getdents64, r->fd, KERNEL_ARG(r->buf),
				sizeof r->buf, 0, 0, 0);
		if (n > 0)
			err = add_all(r, r->buf, r->buf + n);
	} while (n > 0 && err == 0 && !r->directory.more);
	return (int)(n < 0 ? n : err);
}

/* ---- order -------------------------------------------------------------- */

static bool before(const struct entry *a, const struct entry *b)
{
	if (a->directory != b->directory)
		return a->directory;
	return strcmp(a->name, b->name) < 0;
}

/* Let the entry at i sink to where both below it come before it. */
static void sift(struct entry *e, size_t i, size_t count)
{
	for (;;) {
		size_t last = i, left = 2 * i + 1, right = left + 1;
		struct entry moved = e[i];

		if (left < count && before(&e[last], &e[left]))
			last = left;
		if (right < count && before(&e[last], &e[right]))
			last = right;
		if (last == i)
			return;
		e[i] = e[last];
		e[last] = moved;
		i = last;
	}
}

/* A heap sort: qsort(3) may allocate. */
static void sort(struct entry *e, size_t count)
{
	for (size_t i = count / 2; i-- > 0;)
		sift(e, i, count);
	for (size_t n = count; n-- > 1;) {
		struct entry last = e[0];

		e[0] = e[n];
		e[n] = last;
		sift(e, 0, n);
	}
}

/* ---- the errand --------------------------------------------------------- */

static void run(struct errand *e)
{
	struct reading *r = container_of(e, struct reading, errand);

	r->err = read_all(r);
	sort(r->directory.entries, r->directory.count);
}

static void drop(struct loop *l, struct errand *e)
{
	struct reading *r = container_of(e, struct reading, errand);

	(void)l;
	kernel_close(r->fd);
	for (struct names *n = r->names, *next; n; n = next) {
		next = n->next;
		kernel_free(n);
	}
	kernel_free(r->directory.entries);
	kernel_free(r);
}

static int perform(struct loop *l, struct reading *r)
{
	int err = ramet__errand_send(l, &r->errand);

	if (err < 0) {
		drop(l, &r->errand);
		return err;
	}
	err = ramet__errand_wait(l, &r->errand, WAIT_OFFLOAD,
				 (const void *)(uintptr_t)run, NULL);
	if (err < 0)
		return err;
	err = r->err;
	if (err < 0)
		drop(l, &r->errand);
	return err;
}

int ramet__directory_read(struct loop *l, int fd, struct directory **d)
{
	struct reading *r = kernel_alloc(sizeof *r);
	int err;

	if (!r) {
		kernel_close(fd);
		return -ENOMEM;
	}
	r->errand.run = run;
	r->errand.drop = drop;
	r->errand.lane = LANE_FILE;
	r->fd = fd;
	err = perform(l, r);
	if (err == 0)
		*d = &r->directory;
	return err;
}

void ramet__directory_free(struct directory *d)
{
	struct reading *r = container_of(d, struct reading, directory);

	drop(NULL, &r->errand);
}
