/* elf.c - reading what the dynamic linker keeps of an object in memory. */
#include "base/elf.h"

#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/* glibc has relocated the pointers in most objects' dynamic sections, but not
 * in all: the vdso's are offsets. */
static uintptr_t at(const struct elf *elf, ElfW(Addr) value)
{
	return value < elf->base ? elf->base + value : value;
}

static void read_entry(struct elf *elf, const ElfW(Dyn) *d)
{
	uintptr_t p = at(elf, d->d_un.d_ptr);

	switch (d->d_tag) {
	case DT_STRTAB:
		elf->strings = (const char *)p;
		break;
	case DT_SYMTAB:
		elf->symbols = (const void *)p;
		break;
	case DT_VERSYM:
		elf->versions = (const void *)p;
		break;
	case DT_GNU_HASH:
		elf->hash = (const void *)p;
		break;
	case DT_RELA:
		elf->relocations = (const void *)p;
		break;
	case DT_RELASZ:
		elf->relocation_count = d->d_un.d_val / sizeof(ElfW(Rela));
		break;
	case DT_JMPREL:
		elf->jumps = (const void *)p;
		break;
	case DT_PLTRELSZ:
		elf->jump_count = d->d_un.d_val / sizeof(ElfW(Rela));
		break;
	case DT_RPATH:
		elf->has_rpath = true;
		break;
	case DT_RUNPATH:
		elf->has_runpath = true;
		break;
	}
}

/* The dynamic linker seals no page that is sealed only in part at its end. */
static void read_sealed(struct elf *elf, const ElfW(Phdr) *h)
{
	uintptr_t page = getauxval(AT_PAGESZ), start = elf->base + h->p_vaddr;

	elf->sealed = start & ~(page - 1);
	elf->sealed_end = (start + h->p_memsz) & ~(page - 1);
}

bool elf_read(struct elf *elf, const struct dl_phdr_info *info)
{
	*elf = (struct elf){.name = info->dlpi_name,
			    .base = info->dlpi_addr,
			    .headers = info->dlpi_phdr,
			    .header_count = info->dlpi_phnum};
	for (size_t i = 0; i < elf->header_count; i++) {
		const ElfW(Phdr) *h = &elf->headers[i];
		const ElfW(Dyn) *d;

		if (h->p_type == PT_GNU_RELRO)
			read_sealed(elf, h);
		if (h->p_type != PT_DYNAMIC)
			continue;
		d = (const void *)(elf->base + h->p_vaddr);
		for (; d->d_tag != DT_NULL; d++)
			read_entry(elf, d);
	}
	return elf->strings && elf->symbols;
}

const char *elf_base_name(const struct elf *elf)
{
	const char *slash = strrchr(elf->name, '/');

	return slash ? slash + 1 : elf->name;
}

/* D. J. Bernstein's hash, times 33. */
static uint32_t hash_of(const char *name)
{
	uint32_t h = 5381;

	for (; *name; name++)
		h = h * 33 + (unsigned char)*name;
	return h;
}

/* A symbol of an old version is hidden: only programs linked with that one see
 * it. */
static bool visible(const struct elf *elf, size_t i)
{
	const ElfW(Sym) *s = &elf->symbols[i];

	return s->st_shndx != SHN_UNDEF &&
	       !(elf->versions && elf->versions[i] & 0x8000);
}

static void *value(const struct elf *elf, const ElfW(Sym) *s)
{
	uintptr_t p = elf->base + s->st_value;

	if (ELF64_ST_TYPE(s->st_info) == STT_GNU_IFUNC)
		return ((void *(*)(void))p)();
	return (void *)p;
}

/* The table: counts, a Bloom filter, the buckets, and for each symbol its hash,
 * whose last bit ends a chain.  We do not need the filter. */
const ElfW(Sym) *elf_definition(const struct elf *elf, const char *name)
{
	const uint32_t *buckets, *chain;
	uint32_t h = hash_of(name), count, first, i;

	if (!elf->hash || !elf->hash[0])
		return NULL;
	count = elf->hash[0];
	first = elf->hash[1];
	buckets = (const uint32_t *)((const uintptr_t *)(elf->hash + 4) +
				     elf->hash[2]);
	chain = buckets + count;
	i = buckets[h % count];
	if (i < first)
		return NULL;
	for (;; i++) {
		const ElfW(Sym) *s = &elf->symbols[i];

		if ((chain[i - first] | 1) == (h | 1) && visible(elf, i) &&
		    strcmp(elf->strings + s->st_name, name) == 0)
			return s;
		if (chain[i - first] & 1)
			return NULL;
	}
}

void *elf_symbol(const struct elf *elf, const char *name)
{
	const ElfW(Sym) *s = elf_definition(elf, name);

	return s && ELF64_ST_TYPE(s->st_info) != STT_TLS ? value(elf, s) : NULL;
}

static const ElfW(Phdr) *segment_of(const struct elf *elf, const void *address)
{
	uintptr_t p = (uintptr_t)address - elf->base;

	for (size_t i = 0; i < elf->header_count; i++)
		if (elf->headers[i].p_type == PT_LOAD &&
		    p - elf->headers[i].p_vaddr < elf->headers[i].p_memsz)
			return &elf->headers[i];
	return NULL;
}

bool elf_covers(const struct elf *elf, const void *address)
{
	return segment_of(elf, address) != NULL;
}

int elf_protection(const struct elf *elf, const void *address)
{
	const ElfW(Phdr) *h = segment_of(elf, address);
	uintptr_t p = (uintptr_t)address;

	if (!h)
		return -1;
	if (p >= elf->sealed && p < elf->sealed_end)
		return PROT_READ;
	return (h->p_flags & PF_R ? PROT_READ : 0) |
	       (h->p_flags & PF_W ? PROT_WRITE : 0) |
	       (h->p_flags & PF_X ? PROT_EXEC : 0);
}
