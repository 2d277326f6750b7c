/* elf.c - whether the dynamic linker will load libramet into a program, and
 * whether that program calls libc.
 *
 * What is read comes from a file that may be anything: sizes and offsets are
 * checked against it, and what makes no sense is left to exec to refuse.
 */
#include "tools/ramet/program.h"
#include "tools/ramet/say.h"

#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

struct image {
	const char *name;
	const char *bytes;
	size_t size;
	const Elf64_Phdr *segments;
	size_t segment_count;
};

static const void *at(const struct image *f, uint64_t offset, uint64_t count,
		      size_t size)
{
	if (offset > f->size || count > (f->size - offset) / size)
		return NULL;
	return f->bytes + offset;
}

static const Elf64_Phdr *segment(const struct image *f, uint32_t type)
{
	for (size_t i = 0; i < f->segment_count; i++)
		if (f->segments[i].p_type == type)
			return &f->segments[i];
	return NULL;
}

/* ---- Go ----------------------------------------------------------------- */

/* A note by "Go": its linker's build id. */
static bool has_go_note(const struct image *f, const Elf64_Phdr *p)
{
	const char *notes = at(f, p->p_offset, p->p_filesz, 1);
	uint64_t left = notes ? p->p_filesz : 0;
	Elf64_Nhdr note;

	while (left >= sizeof note) {
		uint64_t size;

		memcpy(&note, notes, sizeof note);
		size = sizeof note + ((note.n_namesz + UINT64_C(3)) & ~3ul) +
		       ((note.n_descsz + UINT64_C(3)) & ~3ul);
		if (size > left)
			break;
		if (note.n_namesz == 4 &&
		    memcmp(notes + sizeof note, "Go", 3) == 0)
			return true;
		notes += size;
		left -= size;
	}
	return false;
}

static bool has_section(const struct image *f, const char *name)
{
	const Elf64_Ehdr *h = at(f, 0, 1, sizeof *h);
	const Elf64_Shdr *s = at(f, h->e_shoff, h->e_shnum, sizeof *s);
	const char *names;
	uint64_t size;

	if (!s || h->e_shstrndx >= h->e_shnum)
		return false;
	size = s[h->e_shstrndx].sh_size;
	names = at(f, s[h->e_shstrndx].sh_offset, size, 1);
	if (!names || !size || names[size - 1])
		return false;
	for (int i = 0; i < h->e_shnum; i++)
		if (s[i].sh_name < size &&
		    strcmp(names + s[i].sh_name, name) == 0)
			return true;
	return false;
}

static void refuse_go(const struct image *f)
{
	bool go = has_section(f, ".go.buildinfo") ||
		  has_section(f, ".note.go.buildid");

	for (size_t i = 0; !go && i < f->segment_count; i++)
		go = f->segments[i].p_type == PT_NOTE &&
		     has_go_note(f, &f->segments[i]);
	if (go)
		refuse(STATUS_REFUSED,
		       "%s is a Go program, which makes its system calls "
		       "itself "
		       "and has green threads of its own; run it without ramet",
		       f->name);
}

/* ---- the dynamic linker ------------------------------------------------- */

static void refuse_machine(const struct image *f)
{
	const Elf64_Ehdr *h = at(f, 0, 1, sizeof *h);

	if (!h || f->bytes[EI_CLASS] == ELFCLASS32)
		refuse(STATUS_REFUSED,
		       "%s is a 32-bit program; ramet needs one built for "
		       "x86-64",
		       f->name);
	if (h->e_machine != EM_X86_64)
		refuse(STATUS_REFUSED,
		       "%s is built for another processor; ramet needs one "
		       "built for x86-64",
		       f->name);
}

static void refuse_libc(const struct image *f)
{
	const Elf64_Phdr *p = segment(f, PT_INTERP);
	const char *linker = p ? at(f, p->p_offset, p->p_filesz, 1) : NULL;
	const char *base;

	if (!p)
		refuse(STATUS_REFUSED,
		       "%s is linked statically, so none of its calls can be "
		       "replaced; link it dynamically, or build it with "
		       "libramet",
		       f->name);
	if (!linker || !p->p_filesz || linker[p->p_filesz - 1])
		return;
	base = strrchr(linker, '/');
	base = base ? base + 1 : linker;
	if (strcmp(base, "ld-linux-x86-64.so.2") != 0)
		refuse(STATUS_REFUSED,
		       "%s uses another libc than glibc (its dynamic linker is "
		       "%s); build it against glibc",
		       f->name, linker);
}

/* Exec gives it rights that its caller has not: then the linker trusts no
 * environment. */
static void refuse_rights(const char *name, const char *path, int fd)
{
	struct stat st;
	bool user, group;

	if (fstat(fd, &st) < 0)
		return;
	user = st.st_mode & S_ISUID && st.st_uid != getuid();
	group = st.st_mode & S_ISGID && st.st_mode & S_IXGRP &&
		st.st_gid != getgid();
	if (user || group)
		refuse(STATUS_REFUSED,
		       "%s is %s, so the dynamic linker ignores LD_PRELOAD; "
		       "copy it, or run ramet as its owner",
		       name, user ? "setuid" : "setgid");
	if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
		refuse(STATUS_REFUSED,
		       "%s has file capabilities, so the dynamic linker "
		       "ignores "
		       "LD_PRELOAD; copy it, or take them away with setcap -r",
		       name);
}

void check_elf(const char *name, const char *path, int fd)
{
	struct image f = {.name = name};
	const Elf64_Ehdr *h;
	struct stat st;
	void *bytes;

	if (fstat(fd, &st) < 0 || st.st_size < EI_NIDENT)
		return;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return;
	f.bytes = bytes;
	f.size = (size_t)st.st_size;
	refuse_machine(&f);
	h = at(&f, 0, 1, sizeof *h);
	f.segments = at(&f, h->e_phoff, h->e_phnum, sizeof *f.segments);
	f.segment_count = f.segments ? h->e_phnum : 0;
	refuse_go(&f);
	refuse_libc(&f);
	refuse_rights(name, path, fd);
	munmap(bytes, f.size);
}
