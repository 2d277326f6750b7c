/* symbol.c - names of functions, from the symbol tables of the modules' files.
 *
 * dladdr knows only what is exported, so a program's own functions would have
 * no names.  The file of each module is mapped once, its .symtab (else .dynsym)
 * searched from end to end, and what was found is kept: a report asks for few
 * different addresses.
 *
 * The loader is asked by _dl_find_object, which takes no lock.  A file that was
 * replaced under the running program is told by its notes (the build id).
 */
#include "debug/symbol.h"

#include "kernel/calls.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

enum { MODULES = 64, CACHE_BITS = 9, LOCK_TRIES = 1000 };

struct module {
	const char *start, *end; /* in memory; NULL: no module yet */
	Elf64_Addr bias;         /* memory addresses less those in the file */
	const char *file;        /* mapped; NULL: cannot be used */
	size_t size;
	const Elf64_Sym *symbols;
	size_t symbol_count;
	const char *strings;
	size_t string_size;
	char name[64];
};

struct answer {
	const struct module *module;
	const void *pc;
	struct symbol symbol;
};

/* Under the lock.  A module's place is never given to another address range. */
static struct module modules[MODULES];
static struct answer cache[1 << CACHE_BITS];
static int lock;

/* Whoever holds the lock may be what crashed: then do without names. */
static bool try_lock(void)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (!__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
			return true;
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	}
	return false;
}

static void unlock(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

/* ---- the file ----------------------------------------------------------- */

static void unmap_file(struct module *m)
{
	if (m->file)
		kernel_munmap((void *)(uintptr_t)m->file, m->size);
	m->file = NULL;
	m->symbol_count = 0;
	memset(cache, 0, sizeof cache);
}

static void map_file(struct module *m, const char *path)
{
	struct stat st;
	long start;
	int fd = (int)kernel_call(SYS_openat, AT_FDCWD, KERNEL_ARG(path),
				  O_RDONLY | O_CLOEXEC, 0, 0, 0);

	if (fd < 0)
		return;
	if (kernel_fstat(fd, &st) < 0 || st.st_size <= 0)
		goto close_fd;
	start = kernel_call(SYS_mmap, 0, st.st_size, PROT_READ, MAP_PRIVATE, fd,
			    0);
	if (start < 0 && start > -4096)
		goto close_fd;
	m->file = (const char *)start;
	m->size = (size_t)st.st_size;
close_fd:
	kernel_close(fd);
}

/* count things of `size` bytes at `offset` of the file, NULL if they are not
 * all in it. */
static const void *in_file(const struct module *m, size_t offset, size_t count,
			   size_t size)
{
	if (!m->file || offset > m->size || count > (m->size - offset) / size)
		return NULL;
	return m->file + offset;
}

/* Whether the module in memory was loaded from what the file is now. */
static bool same_build(const struct module *m)
{
	const Elf64_Ehdr *header = (const void *)m->start;
	const Elf64_Phdr *p = (const void *)(m->start + header->e_phoff);

	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return true; /* the header is not loaded: no way to tell */
	for (int i = 0; i < header->e_phnum; i++, p++) {
		const char *note = in_file(m, p->p_offset, p->p_filesz, 1);

		if (p->p_type == PT_NOTE &&
		    (!note || memcmp(note, (const char *)m->bias + p->p_vaddr,
				     p->p_filesz) != 0))
			return false;
	}
	return true;
}

static bool use_table(struct module *m, const Elf64_Shdr *table,
		      const Elf64_Shdr *strings)
{
	m->symbol_count = table->sh_size / sizeof *m->symbols;
	m->symbols = in_file(m, table->sh_offset, m->symbol_count,
			     sizeof *m->symbols);
	m->string_size = strings->sh_size;
	m->strings = in_file(m, strings->sh_offset, strings->sh_size, 1);
	if (m->symbols && m->strings && m->string_size &&
	    !m->strings[m->string_size - 1])
		return true;
	m->symbol_count = 0;
	return false;
}

/* The table of that type: SHT_SYMTAB or SHT_DYNSYM. */
static bool find_table(struct module *m, unsigned type)
{
	const Elf64_Ehdr *header = in_file(m, 0, 1, sizeof *header);
	const Elf64_Shdr *sections;

	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return false;
	sections =
		in_file(m, header->e_shoff, header->e_shnum, sizeof *sections);
	for (int i = 0; sections && i < header->e_shnum; i++)
		if (sections[i].sh_type == type &&
		    sections[i].sh_link < header->e_shnum &&
		    use_table(m, &sections[i], &sections[sections[i].sh_link]))
			return true;
	return false;
}

/* ---- modules ------------------------------------------------------------ */

static void set_name(struct module *m, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t n = strnlen(name, sizeof m->name - 1);

	memcpy(m->name, name, n);
	m->name[n] = '\0';
}

/* The loader gives the program itself no name. */
static void load(struct module *m, const char *path)
{
	char exe[PATH_MAX];
	long n;

	unmap_file(m);
	if (*path) {
		map_file(m, path);
		set_name(m, path);
	} else {
		map_file(m, "/proc/self/exe");
		n = kernel_call(SYS_readlinkat, AT_FDCWD,
				KERNEL_ARG("/proc/self/exe"), KERNEL_ARG(exe),
				sizeof exe - 1, 0, 0);
		exe[n < 0 ? 0 : n] = '\0';
		set_name(m, n < 0 ? "program" : exe);
	}
	if (!same_build(m))
		unmap_file(m);
	else if (!find_table(m, SHT_SYMTAB))
		find_table(m, SHT_DYNSYM);
}

/* The module that holds pc; NULL if none does, or there are too many. */
static struct module *module_of(const void *pc)
{
	struct dl_find_object found;
	struct module *m = modules;

	if (_dl_find_object((void *)(uintptr_t)pc, &found) < 0)
		return NULL;
	while (m < modules + MODULES && m->start &&
	       (m->start != found.dlfo_map_start ||
		m->end != found.dlfo_map_end))
		m++;
	if (m == modules + MODULES)
		return NULL;
	if (!m->start || (m->file && !same_build(m))) {
		m->start = found.dlfo_map_start;
		m->end = found.dlfo_map_end;
		m->bias = found.dlfo_link_map->l_addr;
		load(m, found.dlfo_link_map->l_name);
	}
	return m;
}

/* ---- symbols ------------------------------------------------------------ */

static bool is_function(const Elf64_Sym *s)
{
	int type = ELF64_ST_TYPE(s->st_info);

	return s->st_shndx != SHN_UNDEF &&
	       (type == STT_FUNC || type == STT_GNU_IFUNC ||
		type == STT_NOTYPE);
}

/* Of several names, the one that is not for the implementation. */
static bool better(const struct module *m, const Elf64_Sym *s,
		   const Elf64_Sym *than)
{
	return !than || (m->strings[than->st_name] == '_' &&
			 m->strings[s->st_name] != '_');
}

static const Elf64_Sym *function_at(const struct module *m, Elf64_Addr addr)
{
	const Elf64_Sym *best = NULL, *s = m->symbols;

	for (size_t i = 0; i < m->symbol_count; i++, s++)
		if (addr - s->st_value < s->st_size && is_function(s) &&
		    s->st_name < m->string_size && better(m, s, best))
			best = s;
	return best;
}

static struct symbol look_up(const struct module *m, const void *pc)
{
	Elf64_Addr addr = (Elf64_Addr)pc - m->bias;
	const Elf64_Sym *s = function_at(m, addr);

	if (!s)
		return (struct symbol){NULL, m->name, addr};
	return (struct symbol){m->strings + s->st_name, m->name,
			       addr - s->st_value};
}

static struct symbol look_up_cached(const void *pc)
{
	const struct module *m = module_of(pc);
	struct answer *a;

	if (!m)
		return (struct symbol){.offset = (uintptr_t)pc};
	a = &cache[((uintptr_t)pc * UINT64_C(0x9e3779b97f4a7c15)) >>
		   (64 - CACHE_BITS)];
	if (a->pc != pc || a->module != m)
		*a = (struct answer){m, pc, look_up(m, pc)};
	return a->symbol;
}

struct symbol ramet__symbol(const void *pc)
{
	struct symbol s = {.offset = (uintptr_t)pc};

	if (try_lock()) {
		s = look_up_cached(pc);
		unlock();
	}
	return s;
}

bool ramet__is_code(const void *pc)
{
	struct dl_find_object found;

	return _dl_find_object((void *)(uintptr_t)pc, &found) == 0;
}

void ramet__put_symbol(struct out *o, const void *pc)
{
	struct symbol s = ramet__symbol(pc);

	if (s.function)
		ramet__print(o, "%s+0x%lx (%s)", s.function, s.offset,
			     s.module);
	else if (s.module)
		ramet__print(o, "%s+0x%lx", s.module, s.offset);
	else
		ramet__print(o, "0x%lx", s.offset);
}

void ramet__json_code_members(struct json *j, const void *pc)
{
	struct symbol s = ramet__symbol(pc);

	if (s.function)
		ramet__json_string(j, "function", s.function);
	if (s.module) {
		ramet__json_number(j, "offset", (int64_t)s.offset);
		ramet__json_string(j, "module", s.module);
	}
	ramet__json_address(j, "address", pc);
}

void ramet__json_code(struct json *j, const char *key, const void *pc)
{
	ramet__json_open(j, key, '{');
	ramet__json_code_members(j, pc);
	ramet__json_close(j, '}');
}
