/* layout.c - looks at the calling thread's block and finds glibc's fields.
 *
 * libthread_db reads a thread by descriptors that libc exports: for each field
 * its bits, how many there are, and the offset.  Nothing is believed that the
 * running thread's block does not bear out.
 */
#include "patch/hook.h"
#include "patch/thread/layout.h"

#include "base/elf.h"
#include "kernel/calls.h"
#include "kernel/libc.h"

#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/rseq.h>

struct tls_layout ramet__tls_layout;

enum { HWCAP2_FSGSBASE_BIT = 2, THREADS_MAX = 1 << 20 };

/* A field as libc describes it to debuggers; -1 if it does not. */
static ptrdiff_t field(const char *name)
{
	const uint32_t *d = libc.dlsym(RTLD_DEFAULT, name);

	return d ? (ptrdiff_t)d[2] : -1;
}

/* A thread-local variable of libc's; 0 if there is none of that name. */
static ptrdiff_t variable(const struct tls_layout *y, const char *name)
{
	char *p = libc.dlsym(RTLD_DEFAULT, name);

	return p ? p - (char *)y->main : 0;
}

static const char *find_functions(struct tls_layout *y)
{
	y->allocate = libc.dlsym(RTLD_DEFAULT, "_dl_allocate_tls");
	y->init = libc.dlsym(RTLD_DEFAULT, "_dl_allocate_tls_init");
	y->free = libc.dlsym(RTLD_DEFAULT, "_dl_deallocate_tls");
	y->ctype_init = libc.dlsym(RTLD_DEFAULT, "__ctype_init");
	y->run_dtors = libc.dlsym(RTLD_DEFAULT, "__call_tls_dtors");
	y->resolver = variable(y, "__resp");
	y->dlerror = variable(y, "__libc_dlerror_result");
	if (!y->allocate || !y->init || !y->free || !y->ctype_init ||
	    !y->run_dtors || !y->resolver || !y->dlerror)
		return "this libc does not export what making thread-local "
		       "storage needs; glibc 2.34 or later does";
	return NULL;
}

static const char *find_fields(struct tls_layout *y)
{
	const uint32_t *size =
		libc.dlsym(RTLD_DEFAULT, "_thread_db_sizeof_pthread");
	ptrdiff_t reports = field("_thread_db_pthread_report_events");

	y->list = field("_thread_db_pthread_list");
	y->tid = field("_thread_db_pthread_tid");
	y->key_blocks = field("_thread_db_pthread_specific");
	if (!size || y->list < 0 || y->tid < 0 || y->key_blocks < 0 ||
	    reports < 0)
		return "this libc does not describe its threads to debuggers";
	y->size = *size;
	y->user_stack = reports + 1;
	y->robust = y->tid + 16;
	if (y->size > 65536 || y->size % 8 || y->list + 16 > (long)y->size ||
	    y->robust + 24 > (long)y->size || y->user_stack >= (long)y->size ||
	    y->key_blocks + 32 * 8 > (long)y->size)
		return "what this libc says of its threads to debuggers makes "
		       "no sense";
	return NULL;
}

/* The list of threads that main is in: a head, which libthread_db knows. */
static const char *find_list(struct tls_layout *y)
{
	char *global = libc.dlsym(RTLD_DEFAULT, "_rtld_global");
	ptrdiff_t offset = field("_thread_db_rtld_global__dl_stack_user");
	struct tls_node *n = (void *)tls_word(y->main, y->list);

	if (!global || offset < 0)
		return "this libc has no list of its threads";
	y->threads = (void *)(global + offset);
	for (int i = 0; n != y->threads; i++, n = n->next)
		if (i == THREADS_MAX || !n || n->next->prev != n)
			return "the list of this libc's threads is not where "
			       "it was expected";
	return NULL;
}

static const char *check_words(const struct tls_layout *y)
{
	char *m = y->main;
	void *robust = NULL;
	size_t size;

	if (*tls_word(m, 0) != (uintptr_t)m || *tls_word(m, 16) != (uintptr_t)m)
		return "the thread pointer does not point to itself";
	if (*(pid_t *)(void *)(m + y->tid) !=
	    kernel_call(SYS_gettid, 0, 0, 0, 0, 0, 0))
		return "the thread's id is not where it was expected";
	kernel_call(SYS_get_robust_list, 0, KERNEL_ARG(&robust),
		    KERNEL_ARG(&size), 0, 0, 0);
	if (robust != m + y->robust)
		return "the list of robust locks is not where it was expected";
	if (m[y->user_stack] != 1)
		return "the mark of main's stack is not where it was expected";
	return NULL;
}

/* Values of the first keys lie in the block itself. */
static const char *find_keys(struct tls_layout *y)
{
	uintptr_t first = *tls_word(y->main, y->key_blocks);

	y->keys = (ptrdiff_t)(first - (uintptr_t)y->main);
	if (y->keys <= 0 || y->keys % 8 ||
	    y->keys + 32 * 16 > (ptrdiff_t)y->size)
		return "values of keys are not where they were expected";
	return NULL;
}

static const char *find_rseq(struct tls_layout *y)
{
	const ptrdiff_t *offset = libc.dlsym(RTLD_DEFAULT, "__rseq_offset");
	const unsigned *size = libc.dlsym(RTLD_DEFAULT, "__rseq_size");

	y->rseq = offset && size && *size ? *offset : 0;
	if (y->rseq < 0 || y->rseq + 32 > (ptrdiff_t)y->size)
		return "restartable sequences are not where they were expected";
	return NULL;
}

static int look_at(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct tls_layout *y = arg;
	struct elf elf;

	(void)size;
	if (!elf_read(&elf, info) ||
	    strcmp(elf_base_name(&elf), "libc.so.6") != 0)
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_TLS) {
			y->libc = (char *)info->dlpi_tls_data - (char *)y->main;
			y->libc_size = info->dlpi_phdr[i].p_memsz;
		}
	return 1;
}

static const char *find_segment(struct tls_layout *y)
{
	y->libc_size = 0;
	dl_iterate_phdr(look_at, y);
	if (!y->libc_size || y->libc >= 0 || y->libc % 8 ||
	    y->libc_size > TLS_LIBC_MAX)
		return "libc's own thread-local storage was not found";
	return NULL;
}

const char *ramet__layout_find(struct tls_layout *y)
{
	const char *why = NULL;

	if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT))
		return "this processor or kernel lets no program set its "
		       "thread "
		       "pointer (FSGSBASE)";
	if (kernel_call(SYS_gettid, 0, 0, 0, 0, 0, 0) !=
	    kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0))
		return "only ramets of the process's first thread can be "
		       "pthreads";
	*y = (struct tls_layout){.main = arch_tls()};
	why = find_functions(y);
	why = why ? why : find_fields(y);
	why = why ? why : find_list(y);
	why = why ? why : check_words(y);
	why = why ? why : find_keys(y);
	why = why ? why : find_rseq(y);
	return why ? why : find_segment(y);
}
