/* stack.c - stacks by the million.
 *
 * A slab is one mapping cut into slots of one size; each slot has a guard at
 * its low end and a control block in an array beside.  Guards by
 * MADV_GUARD_INSTALL do not split the mapping, so a million of them need a few
 * dozen mappings; where the kernel has none, mprotect guards the first
 * GUARDS_MAX (two mappings each, of 65,530 allowed), and beyond that a canary
 * at the stack's end is checked whenever its ramet is switched away.
 */
#include "core/stack.h"

#include "kernel/calls.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define SLAB_MIN ((size_t)64 << 20)
#define SLAB_MAX ((size_t)64 << 30)
#define GUARDS_MAX 30000         /* by mprotect */
#define GUARD_BATCH ((size_t)64) /* by one system call */

enum guard { GUARD_UNKNOWN, GUARD_MADVISE, GUARD_MPROTECT };

static int guard_kind;     /* enum guard; atomic */
static size_t guard_count; /* by mprotect, in all loops; atomic */

/* Whether the kernel takes MADV_GUARD_INSTALL and means it: an emulator may
 * answer 0 and do nothing, so have a system call write to the guard. */
static enum guard probe(void)
{
	int err, kind = GUARD_MPROTECT;
	char *page = kernel_mmap(STACK_PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, &err);

	if (!page)
		return GUARD_UNKNOWN;
	if (!SANITIZER_READS_STACKS &&
	    kernel_madvise(page, STACK_PAGE, MADV_GUARD_INSTALL) == 0 &&
	    kernel_call(SYS_clock_getres, CLOCK_MONOTONIC, KERNEL_ARG(page), 0,
			0, 0, 0) == -EFAULT)
		kind = GUARD_MADVISE;
	kernel_munmap(page, STACK_PAGE);
	__atomic_store_n(&guard_kind, kind, __ATOMIC_RELAXED);
	return (enum guard)kind;
}

static enum guard guard_probed(void)
{
	int kind = __atomic_load_n(&guard_kind, __ATOMIC_RELAXED);

	return kind == GUARD_UNKNOWN ? probe() : (enum guard)kind;
}

static bool strict(void)
{
	const char *value = kernel_getenv("RAMET_GUARD");

	return value && strcmp(value, "strict") == 0;
}

static void announce(void)
{
	static const char text[] =
		"ramet: stack guards are used up (kernel before 6.13); further "
		"overflows are only found at the next switch.  "
		"RAMET_GUARD=strict refuses to spawn instead.\n";
	static int said;

	if (!__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED))
		kernel_write(2, text, sizeof text - 1);
}

/* The mprotect way.  Returns 0, or -ENOMEM where only a canary is left and that
 * is not wanted. */
static int guard_old(struct ramet *t, char *slot, size_t size)
{
	if (__atomic_add_fetch(&guard_count, 1, __ATOMIC_RELAXED) <=
		    GUARDS_MAX &&
	    kernel_mprotect(slot, size, PROT_NONE) == 0)
		return 0;
	__atomic_sub_fetch(&guard_count, 1, __ATOMIC_RELAXED);
	if (strict())
		return -ENOMEM;
	announce();
	t->flags = FLAG_CANARY;
	return 0;
}

/* One call for many ranges of this process; nothing done unless all is. */
static int advise_all(const struct iovec *iov, size_t n, int advice)
{
	ssize_t want = 0, got;
	long self = kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
	int fd = (int)kernel_call(SYS_pidfd_open, self, 0, 0, 0, 0, 0);

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < n; i++)
		want += (ssize_t)iov[i].iov_len;
	got = kernel_call(SYS_process_madvise, fd, KERNEL_ARG(iov), (long)n,
			  advice, 0, 0);
	kernel_close(fd);
	return got == want ? 0 : -EINVAL;
}

/* Guards for slots [from, from + n), in one call for all of them if that is
 * allowed (seccomp may not know it). */
static int guard_slots(struct stack_class *c, struct slab *slab, size_t from,
		       size_t n)
{
	struct iovec iov[GUARD_BATCH];
	size_t size = stack_guard_size(c->size), done = 0;

	if (guard_probed() != GUARD_MADVISE) {
		for (; done < n; done++)
			if (guard_old(&slab->ramets[from + done],
				      stack_slot(c, slab, from + done),
				      size) < 0)
				return done ? (int)done : -ENOMEM;
		return (int)n;
	}
	for (size_t i = 0; i < n; i++)
		iov[i] = (struct iovec){stack_slot(c, slab, from + i), size};
	if (n > 1 && advise_all(iov, n, MADV_GUARD_INSTALL) == 0)
		return (int)n;
	for (; done < n; done++)
		if (kernel_madvise(iov[done].iov_base, size,
				   MADV_GUARD_INSTALL) < 0)
			return done ? (int)done : -ENOMEM;
	return (int)n;
}

/* Control blocks first, then stacks, in one mapping: fewer of them. */
static size_t blocks_size(size_t count)
{
	return (count * sizeof(struct ramet) + STACK_PAGE - 1) &
	       ~(STACK_PAGE - 1);
}

/* A page table maps TABLE bytes.  Where slots are larger, what is touched of
 * them are the guard at the low end and the pages at the top; so that the guard
 * of one and the top of the one below share a table, slots begin in the middle
 * of what a table maps: 4 KiB for each stack, instead of 8. */
#define TABLE ((size_t)2 << 20)

static size_t slab_size(size_t slot, size_t count)
{
	return blocks_size(count) + stack_stride(slot) * count +
	       (slot > TABLE ? TABLE : 0);
}

static char *stacks_start(char *mem, size_t slot, size_t count)
{
	char *start = mem + blocks_size(count);
	size_t off = (uintptr_t)start % TABLE;

	if (slot <= TABLE)
		return start;
	return start + (TABLE / 2 + (off > TABLE / 2 ? TABLE : 0) - off);
}

/* One thread's slab may lie where another's has been.  The kernel puts that in
 * order, unseen by thread sanitizers: so here it is said again. */
static void order_with_others(void)
{
	static int slabs;

	__atomic_add_fetch(&slabs, 1, __ATOMIC_ACQ_REL);
}

static int slab_map(struct slab *slab, size_t slot, size_t count)
{
	size_t size = slab_size(slot, count);
	int err = -ENOMEM;
	char *mem =
		kernel_mmap(size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, &err);

	if (!mem)
		return err;
	order_with_others();
	kernel_madvise(mem, size, MADV_NOHUGEPAGE);
	sanitizer_map(mem, size);
	slab->ramets = (struct ramet *)(void *)mem;
	slab->stacks = stacks_start(mem, slot, count);
	slab->count = count;
	return 0;
}

static void slab_unmap(struct slab *slab, size_t slot)
{
	size_t size = slab_size(slot, slab->count);

	sanitizer_unmap(slab->ramets, size);
	order_with_others();
	kernel_munmap(slab->ramets, size);
}

/* Room in the array of idle ramets for `total` of them. */
static int idle_reserve(struct stack_class *c, size_t total)
{
	struct ramet **idle = kernel_alloc(total * sizeof *idle);

	if (!idle)
		return -ENOMEM;
	if (c->idle_count)
		memcpy(idle, c->idle, c->idle_count * sizeof *idle);
	kernel_free(c->idle);
	c->idle = idle;
	return 0;
}

/* Add a slab as large as all before it together, or as large as can be had. */
static int slab_add(struct stack_class *c)
{
	size_t want = c->total * c->size;
	struct slab *slab = kernel_alloc(sizeof *slab);
	int err;

	if (!slab)
		return -ENOMEM;
	want = want < SLAB_MIN ? SLAB_MIN : want > SLAB_MAX ? SLAB_MAX : want;
	for (size_t n = want / c->size + !(want / c->size);; n /= 2) {
		err = slab_map(slab, c->size, n);
		if (err == 0 || n == 1)
			break;
	}
	if (err < 0)
		goto free_slab;
	err = idle_reserve(c, c->total + slab->count);
	if (err < 0)
		goto unmap;
	c->total += slab->count;
	/* Metrics walk the list from other threads. */
	__atomic_store_n(c->newest ? &c->newest->next : &c->slabs, slab,
			 __ATOMIC_RELEASE);
	c->newest = slab;
	return 0;

unmap:
	slab_unmap(slab, c->size);
free_slab:
	kernel_free(slab);
	return err;
}

/* Make more slots ready: few at first, for a program with few ramets should not
 * pay for many. */
static int grow(struct stack_class *c)
{
	struct slab *slab = c->newest;
	size_t n, first;
	int got;

	if (!slab || slab->ready == slab->count) {
		got = slab_add(c);
		if (got < 0)
			return got;
		slab = c->newest;
	}
	first = slab->ready;
	n = first < 16 ? 16 : first < GUARD_BATCH ? first : GUARD_BATCH;
	if (n > slab->count - first)
		n = slab->count - first;
	got = guard_slots(c, slab, first, n);
	if (got < 0)
		return got;
	slab->ready += (size_t)got;
	/* The lowest is used first. */
	for (size_t i = slab->ready; i-- > first;) {
		slab->ramets[i].cold = stack_cold(c, slab, i);
		c->idle[c->idle_count++] = &slab->ramets[i];
	}
	c->idle_least = c->trimmed = c->idle_count;
	return 0;
}

/* Every class is a power of two. */
static struct stack_class *class_of(struct loop *l, size_t size)
{
	int bits = STACK_BITS_MIN;

	while (bits < STACK_BITS_MIN + STACK_CLASSES - 1 &&
	       (size_t)1 << bits < size)
		bits++;
	if ((size_t)1 << bits < size)
		return NULL;
	l->classes[bits - STACK_BITS_MIN].size = (size_t)1 << bits;
	return &l->classes[bits - STACK_BITS_MIN];
}

/* The size when none is asked for: "64K", "1M", or bytes. */
static size_t default_size(void)
{
	const char *text = kernel_getenv("RAMET_STACK");
	size_t size = 0;

	for (; text && *text >= '0' && *text <= '9' && size < SLAB_MAX; text++)
		size = size * 10 + (size_t)(*text - '0');
	if (size && (*text == 'k' || *text == 'K'))
		size <<= 10;
	else if (size && (*text == 'm' || *text == 'M'))
		size <<= 20;
	return size ? size : 256 * 1024;
}

int ramet__stacks_init(struct loop *l)
{
	l->default_class = class_of(l, default_size());
	return l->default_class ? 0 : -EINVAL;
}

struct ramet *ramet__stack_get(struct loop *l, size_t size, int *err)
{
	struct stack_class *c = size ? class_of(l, size) : l->default_class;
	struct ramet *t;

	if (!c) {
		*err = -EINVAL;
		return NULL;
	}
	if (unlikely(!c->idle_count)) {
		bool first = !c->slabs;

		*err = grow(c);
		if (*err < 0)
			return NULL;
		if (first)
			l->on_awake(l);
	}
	t = c->idle[--c->idle_count];
	if (c->idle_count < c->idle_least)
		c->idle_least = c->idle_count;
	t->cold->class = c;
	return t;
}

bool ramet__stack_size_fits(struct loop *l, size_t size)
{
	return !size || class_of(l, size);
}

void ramet__stack_put(struct ramet *t)
{
	struct stack_class *c = t->cold->class;

	c->idle[c->idle_count++] = t;
}

/* ---- canaries ----------------------------------------------------------- */

#define CANARY UINT64_C(0xfeedface0badcafe)

static uint64_t *canary_of(const struct ramet *t)
{
	char *low;
	size_t size;

	ramet__stack_bounds(t, &low, &size);
	return (uint64_t *)(void *)low;
}

void ramet__canary_set(struct ramet *t)
{
	*canary_of(t) = CANARY;
}

bool ramet__canary_lives(const struct ramet *t)
{
	return *canary_of(t) == CANARY;
}

/* ---- trim, end, list ---------------------------------------------------- */

/* Memory of what was not used since the last trim, or of all. */
static size_t trim(struct stack_class *c, bool all)
{
	size_t unused = all ? c->idle_count : c->idle_least, n = 0;

	if (c->trimmed > c->idle_least)
		c->trimmed = c->idle_least;
	for (; c->trimmed < unused; c->trimmed++, n++) {
		char *top = stack_end(c->idle[c->trimmed]->cold);
		size_t guard = stack_guard_size(c->size);

		kernel_madvise(top - c->size + guard, c->size - guard,
			       MADV_DONTNEED);
	}
	c->idle_least = c->idle_count;
	return n;
}

size_t ramet__stacks_trim(struct loop *l, bool all)
{
	size_t n = 0;

	for (int i = 0; i < STACK_CLASSES; i++)
		n += trim(&l->classes[i], all);
	return n;
}

void ramet__stacks_free(struct loop *l)
{
	for (int i = 0; i < STACK_CLASSES; i++) {
		struct stack_class *c = &l->classes[i];

		for (struct slab *slab = c->slabs, *next; slab; slab = next) {
			next = slab->next;
			slab_unmap(slab, c->size);
			kernel_free(slab);
		}
		kernel_free(c->idle);
	}
}

void ramet__each(struct loop *l, void (*visit)(struct ramet *, void *),
		 void *arg)
{
	visit(&l->main, arg);
	for (int i = 0; i < STACK_CLASSES; i++)
		for (struct slab *s = l->classes[i].slabs; s; s = s->next)
			for (size_t k = 0; k < s->ready; k++)
				if (s->ramets[k].state != STATE_FREE)
					visit(&s->ramets[k], arg);
}
