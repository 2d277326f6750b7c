/* elf.h - the tables of an object as the dynamic linker has loaded it: its
 * symbols by name, and the slots through which it reaches other objects.
 * Sources: the System V ABI (gABI), chapters 4 and 5; for the hash table, which
 * the gABI does not know, the description in binutils' and glibc's manuals. */
#ifndef BASE_ELF_H
#define BASE_ELF_H

#include <link.h>

#include "base/base.h"

struct elf {
	const char *name; /* path, "" for the program; the linker's */
	uintptr_t base;   /* load address */
	const ElfW(Phdr) *headers;
	size_t header_count;
	const char *strings;
	const ElfW(Sym) *symbols;
	const uint16_t *versions;   /* of each symbol, or NULL */
	const uint32_t *hash;       /* DT_GNU_HASH, or NULL */
	const ElfW(Rela) *relocations, *jumps;
	size_t relocation_count, jump_count;
	uintptr_t sealed, sealed_end; /* pages, read-only once relocated */
	bool has_rpath, has_runpath;  /* says where to look for libraries */
};

/* Read the tables of a loaded object.  Returns false if it has none. */
bool elf_read(struct elf *elf, const struct dl_phdr_info *info);

/* What the object calls itself: the part of its path after the last slash. */
const char *elf_base_name(const struct elf *elf);

/* What the object defines under this name, in the version that new programs
 * get; NULL if it does not. */
const ElfW(Sym) *elf_definition(const struct elf *elf, const char *name);

/* The address of what the object defines so; of an indirect function, what its
 * resolver chooses.  NULL if it does not, or it is a thread's own.  Takes no
 * lock and no memory. */
void *elf_symbol(const struct elf *elf, const char *name);

/* The symbol that a relocation is about, and its name. */
static inline const ElfW(Sym) *elf_symbol_of(const struct elf *elf,
					     const ElfW(Rela) *r)
{
	return &elf->symbols[ELF64_R_SYM(r->r_info)];
}

static inline const char *elf_name_of(const struct elf *elf,
				      const ElfW(Rela) *r)
{
	return elf->strings + elf_symbol_of(elf, r)->st_name;
}

/* Whether an address is in one of the object's segments. */
bool elf_covers(const struct elf *elf, const void *address);

/* The protection, PROT_READ etc., of the page at an address of the object, as
 * the dynamic linker leaves it; -1 if the address is in none of its segments. */
int elf_protection(const struct elf *elf, const void *address);

#endif
