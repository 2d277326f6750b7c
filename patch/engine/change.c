/* change.c - from one state of the slots to the next.
 *
 * The log is made afresh: what is found in place is carried over, so that what
 * belonged to objects that are gone falls away.  Until all is done every page
 * that was made writable stays so; then the way back cannot fail.
 */
#include "patch/engine/change.h"

#include "kernel/calls.h"
#include "kernel/libc.h"

#include <string.h>
#include <sys/mman.h>

/* Pages that the dynamic linker had made read-only. */
struct span {
	uintptr_t start, end;
	int protection;
};

enum { PAGE = 4096 };

/* ---- writing ------------------------------------------------------------ */

static struct span *opened(const struct change *c)
{
	return c->opened.start;
}

static bool is_open(const struct change *c, uintptr_t p)
{
	for (size_t i = c->opened_count; i-- > 0;)
		if (p >= opened(c)[i].start && p < opened(c)[i].end)
			return true;
	return false;
}

static int protect(const struct span *s, int protection)
{
	return kernel_mprotect((void *)s->start, s->end - s->start, protection);
}

/* Make a slot writable. */
static int open_at(struct change *c, const struct elf *elf, void **at)
{
	uintptr_t p = (uintptr_t)at, page = p & ~(uintptr_t)(PAGE - 1);
	struct span s = {page, page + PAGE, elf_protection(elf, at)};
	int err;

	if (s.protection & PROT_WRITE || is_open(c, p))
		return 0;
	if (p >= elf->sealed && p < elf->sealed_end)
		s = (struct span){elf->sealed, elf->sealed_end, PROT_READ};
	err = memory_grow(&c->opened,
			  (c->opened_count + 1) * sizeof(struct span));
	if (err < 0)
		return err;
	err = protect(&s, s.protection | PROT_WRITE);
	if (err < 0)
		return err == -ENOMEM ? err : -EPERM;
	opened(c)[c->opened_count++] = s;
	return 0;
}

/* As they were.  Where the kernel cannot (no memory to split a mapping), a page
 * stays writable, which is how objects without RELRO live. */
static void close_all(struct change *c)
{
	for (size_t i = 0; i < c->opened_count; i++)
		if (protect(&opened(c)[i], opened(c)[i].protection) < 0)
			protect(&opened(c)[i], opened(c)[i].protection);
	c->opened_count = 0;
}

/* Others may be calling through it. */
static void store(void **at, void *value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

static void undo(struct change *c)
{
	slots_each(s, &c->after) if (s->changed) store(s->at, s->old);
	slots_each(s, c->before) if (s->changed) store(s->at, s->row->hook);
}

/* ---- which slots -------------------------------------------------------- */

/* A program that defines one of the names itself does so for all its objects,
 * as it would without us.  A weak definition is a sanitizer's. */
static bool program_has(const struct change *c, const char *name)
{
	const ElfW(Sym) *s = elf_definition(&c->program, name);

	return s && ELF64_ST_BIND(s->st_info) != STB_WEAK;
}

/* Where the runtime keeps libc's own functions, if it is part of the program.
 */
static bool is_runtimes(void **at)
{
	return (uintptr_t)at - (uintptr_t)&ramet__libc < sizeof ramet__libc;
}

static bool may_patch(const struct change *c, const struct elf *elf,
		      const ElfW(Rela) * r, const struct patch_row *row,
		      void **at)
{
	return elf_symbol_of(elf, r)->st_shndx == SHN_UNDEF &&
	       patch_row_libc(row) && !is_runtimes(at) &&
	       !program_has(c, row->name);
}

static int patch(struct change *c, const struct elf *elf, void **at, void *old,
		 const struct patch_row *row)
{
	struct slot s = {at, old, row, true};
	int err = open_at(c, elf, at);

	if (!err)
		err = slots_add(&c->after, &s);
	if (err < 0)
		return err;
	store(at, row->hook);
	c->patched += row->group != 0;
	return 0;
}

static int restore(struct change *c, const struct elf *elf, struct slot *s)
{
	int err = open_at(c, elf, s->at);

	if (err < 0)
		return err;
	s->changed = true;
	store(s->at, s->old);
	c->restored += s->row->group != 0;
	return 0;
}

/* One slot of a function in the table. */
static int visit(struct change *c, const struct elf *elf, unsigned wanted,
		 const ElfW(Rela) * r, const struct patch_row *row)
{
	void **at = (void **)(elf->base + r->r_offset);
	void *value = __atomic_load_n(at, __ATOMIC_ACQUIRE);
	bool want = row->group ? (row->group & wanted) != 0 : c->any;
	struct slot *was = slots_find(c->before, at);

	if (value != row->hook)
		return want && may_patch(c, elf, r, row, at)
			       ? patch(c, elf, at, value, row)
			       : 0;
	if (!was || slots_find(&c->after, at))
		return 0; /* listed twice */
	was->changed = false;
	return want ? slots_add(&c->after, was) : restore(c, elf, was);
}

static int visit_rows(struct change *c, const struct elf *elf, unsigned wanted,
		      const ElfW(Rela) * r, const struct patch_row *row)
{
	int err = 0;

	for (; row && !err; row = patch_row_second(row))
		err = visit(c, elf, wanted, r, row);
	return err;
}

/* ---- which objects ------------------------------------------------------ */

static bool begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* The kernel's own object has no file name either. */
bool change_spares(const struct elf *elf)
{
	const char *name = elf_base_name(elf);

	return strcmp(name, "libc.so.6") == 0 || begins(name, "ld-linux") ||
	       begins(name, "linux-vdso") || begins(name, "libramet.so") ||
	       begins(name, "libramet-preload.so") ||
	       (*name && elf_covers(elf, &ramet__libc));
}

/* A value that the static linker has left: an offset, or nothing. */
static bool is_raw(const struct elf *elf, const ElfW(Rela) * r)
{
	const uintptr_t *value = (const void *)(elf->base + r->r_offset);
	const ElfW(Sym) *s = elf_symbol_of(elf, r);

	switch (ELF64_R_TYPE(r->r_info)) {
	case R_X86_64_JUMP_SLOT:
	case R_X86_64_IRELATIVE:
		return elf->base && *value &&
		       elf_covers(elf, (void *)(elf->base + *value));
	case R_X86_64_GLOB_DAT:
		return s->st_shndx == SHN_UNDEF &&
		       ELF64_ST_BIND(s->st_info) == STB_GLOBAL && !*value;
	}
	return false;
}

/* dlopen lists objects first, then relocates them, then seals them: in between
 * nobody else may touch their protection. */
static bool is_relocated(const struct elf *elf)
{
	for (size_t i = 0; i < elf->jump_count; i++)
		if (is_raw(elf, &elf->jumps[i]))
			return false;
	for (size_t i = 0; i < elf->relocation_count; i++)
		if (is_raw(elf, &elf->relocations[i]))
			return false;
	return true;
}

static int visit_all(struct change *c, const struct elf *elf, unsigned wanted,
		     const ElfW(Rela) * list, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		const ElfW(Rela) *r = &list[i];
		uint32_t type = ELF64_R_TYPE(r->r_info);
		const struct patch_row *row;

		if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT &&
		    (type != R_X86_64_64 || r->r_addend))
			continue;
		row = patch_row(elf_name_of(elf, r));
		if (row && elf_covers(elf, (void *)(elf->base + r->r_offset)))
			err = visit_rows(c, elf, wanted, r, row);
	}
	return err;
}

static int visit_object(struct dl_phdr_info *info, size_t size, void *change)
{
	struct change *c = change;
	struct elf elf;
	unsigned wanted;
	int err;

	(void)size;
	if (!elf_read(&elf, info))
		return 0;
	if (!c->program.headers)
		c->program = elf;
	if (change_spares(&elf))
		return 0;
	if (!is_relocated(&elf)) {
		c->early = true;
		return 0;
	}
	wanted = rules_wanted(c->rules, elf_base_name(&elf));
	err = visit_all(c, &elf, wanted, elf.jumps, elf.jump_count);
	return err ? err
		   : visit_all(c, &elf, wanted, elf.relocations,
			       elf.relocation_count);
}

int change_make(struct change *c)
{
	int err;

	c->any = rules_any(c->rules);
	slots_each(s, c->before) s->changed = false;
	err = dl_iterate_phdr(visit_object, c);
	if (err)
		undo(c);
	close_all(c);
	return err;
}

void change_fini(struct change *c)
{
	slots_fini(&c->after);
	memory_fini(&c->opened);
}
