/* tls.c - blocks: made by glibc, dressed as those of threads, used again.
 *
 * A block that was left is not given back: making it as if fresh takes less
 * time, and what libc keeps in its own segment of it (malloc's cache, buffers)
 * would be lost.  glibc does the same with its cache of stacks.
 */
#include "patch/hook.h"
#include "patch/thread/layout.h"

#include "debug/aside.h"

#include <locale.h>
#include <netdb.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

/* Who runs on this block: NULL on those of OS threads that are not ours. */
static __thread struct thread *owner __attribute__((tls_model("initial-exec")));

enum {
	/* Above every id that the kernel gives (2^22), and within what locks
	 * keep of it: a call that means this thread fails with ESRCH instead of
	 * meeting a stranger. */
	FIRST_TID = 1 << 29
};

static uint32_t last_number;
static struct loop *loop; /* whose threads they are */

struct thread *ramet__tls_owner(const void *tls)
{
	ptrdiff_t offset = (char *)&owner - (char *)arch_tls();

	return *(struct thread *const *)(const void *)((const char *)tls +
						       offset);
}

void ramet__tls_set_owner(void *tls, struct thread *t)
{
	ptrdiff_t offset = (char *)&owner - (char *)arch_tls();

	*(struct thread **)(void *)((char *)tls + offset) = t;
}

bool ramet__tls_shares_cache(void)
{
	return ramet__tls_layout.cache != 0;
}

void **ramet__tls_key_blocks(void *tls)
{
	return (void **)(void *)tls_word(tls, ramet__tls_layout.key_blocks);
}

int ramet__tls_probe(struct loop *l, const char **reason)
{
	const char *why = ramet__layout_find(&ramet__tls_layout);

	if (!why && arch_tls() != l->tls)
		why = "the loop is another thread's";
	if (why) {
		*reason = why;
		return -ENOTSUP;
	}
	loop = l;
	ramet__cache_find(&ramet__tls_layout);
	return 0;
}

/* ---- making ------------------------------------------------------------- */

/* What the runtime keeps for each OS thread is the same in all its blocks. */
static void share_runtime(char *tls)
{
	char *here = arch_tls();
	char **aside = ramet__aside_stacks();

	*(struct loop **)(void *)(tls + ((char *)&ramet__this_loop - here)) =
		loop;
	*(char **)(void *)(tls + ((char *)aside - here)) = *aside;
}

void ramet__block_fill(const struct tls_layout *y, void *tls, void *resolver,
		       uint32_t number)
{
	uintptr_t *w = tls, *m = y->main, *robust = tls_word(tls, y->robust);

	w[TLS_SELF] = w[TLS_SELF_AGAIN] = (uintptr_t)tls;
	w[TLS_MULTIPLE_THREADS] = m[TLS_MULTIPLE_THREADS];
	w[TLS_CANARY] = m[TLS_CANARY];
	w[TLS_POINTER_GUARD] = m[TLS_POINTER_GUARD];
	*(uint32_t *)(void *)tls_word(tls, y->tid) = FIRST_TID + number;
	robust[-1] = robust[0] = (uintptr_t)robust;
	robust[1] = tls_word(y->main, y->robust)[1];
	*tls_word(tls, y->key_blocks) = (uintptr_t)tls + (size_t)y->keys;
	((char *)tls)[y->user_stack] = 1;
	if (y->rseq) { /* registration failed: sched_getcpu asks the kernel */
		int32_t *cpu_id = (void *)((char *)tls + y->rseq + 4);

		*cpu_id = -2;
	}
	*tls_word(tls, y->resolver) = (uintptr_t)resolver;
	if (y->cache)
		*tls_word(tls, y->cache) = *tls_word(y->main, y->cache);
}

/* As glibc does with a stack of its cache. */
static void renew(const struct tls_layout *y, char *tls)
{
	struct tls_module *modules =
		*(struct tls_module **)(void *)(tls + TLS_MODULES * 8);
	size_t n = modules[-1].value, i;
	char saved[TLS_LIBC_MAX];
	char *body = tls + 7 * sizeof(uintptr_t);

	for (i = 1; i <= n; i++)
		if (modules[i].to_free)
			free(modules[i].to_free);
	memset(modules, 0, (n + 1) * sizeof *modules);
	memcpy(saved, tls + y->libc, y->libc_size);
	y->init(tls, true);
	memcpy(tls + y->libc, saved, y->libc_size);
	memset(body, 0, y->size - (size_t)(body - tls));
}

/* glibc gives a module that is loaded later its initial image in the static
 * storage of every thread that is in its list. */
static void link_in(const struct tls_layout *y, char *tls)
{
	struct tls_node *n = (void *)(tls + y->list), *head = y->threads;

	n->prev = head;
	n->next = head->next;
	head->next->prev = n;
	head->next = n;
}

static struct tls_node *node_of(struct thread *t)
{
	return (void *)tls_word(t->tls, ramet__tls_layout.list);
}

void ramet__tls_unlink(struct thread *t)
{
	struct tls_node *n = node_of(t);

	if (!n->next)
		return;
	n->next->prev = n->prev;
	n->prev->next = n->next;
	n->next = n->prev = NULL;
}

/* Depending on whether libc saw another thread it has rebuilt its list, or
 * left it as it was in the parent.  No other OS thread is in it now. */
void ramet__tls_relist(struct thread *self)
{
	struct tls_node *head = ramet__tls_layout.threads;

	ramet__tls_unlink(self);
	head->next = head->prev = head;
	link_in(&ramet__tls_layout, self->tls);
}

int ramet__tls_make(struct thread *t)
{
	const struct tls_layout *y = &ramet__tls_layout;

	if (t->tls) {
		renew(y, t->tls);
	} else {
		t->resolver = calloc(1, sizeof(struct __res_state));
		if (!t->resolver)
			return -ENOMEM;
		t->tls = y->allocate(NULL);
		if (!t->tls) {
			free(t->resolver);
			return -ENOMEM;
		}
		t->number = ++last_number;
	}
	ramet__block_fill(y, t->tls, t->resolver, t->number);
	share_runtime(t->tls);
	ramet__tls_set_owner(t->tls, t);
	link_in(y, t->tls);
	return 0;
}

void ramet__tls_free(struct thread *t)
{
	free(t->resolver);
	ramet__tls_layout.free(t->tls, true);
}

/* ---- its first and its last moments -------------------------------------- */

void ramet__tls_enter(void)
{
	ramet__tls_layout.ctype_init();
	errno = 0;
	h_errno = 0;
}

/* The second call frees what the first has returned. */
static void forget_dlerror(char *tls)
{
	if (*tls_word(tls, ramet__tls_layout.dlerror)) {
		dlerror();
		dlerror();
	}
}

static void close_resolver(struct __res_state *r)
{
	if (r->nscount)
		res_nclose(r);
	if (r->nscount || r->options)
		memset(r, 0, sizeof *r);
}

void ramet__tls_leave(struct thread *t)
{
	forget_dlerror(t->tls);
	if (uselocale((locale_t)0) != LC_GLOBAL_LOCALE)
		uselocale(LC_GLOBAL_LOCALE);
	close_resolver(t->resolver);
}
