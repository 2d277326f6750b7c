/* dl.c - how objects come and go, and how they ask for functions by name.
 *
 * libc tells who calls by the return address: it decides where a library is
 * searched (RUNPATH), in which namespace, and what RTLD_NEXT comes after.  So
 * these replacements look at what is asked, and then, where that matters, jump
 * to libc's with the caller's return address still in place.
 *
 * After a jump nothing of ours runs when libc is done.  A library that came so
 * is patched at the next dlsym, which comes before its functions can be called.
 */
#include "patch/engine/patch.h"

#include "base/elf.h"
#include "patch/engine/lock.h"
#include "patch/hook.h"

#include <string.h>

/* Of the entries: only the assembly sees them. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* What the entries below do next: jump there, with the arguments as they came;
 * or, if it is NULL, return the value. */
struct next {
	void *value;
	void *jump;
};

/* In assembly, since only there it is certain that a jump leaves nothing on the
 * stack.  Calls what is to be asked with the three arguments that the function
 * may have, and the return address as the fourth. */
#define ENTRY(ask)                                                             \
	__asm__("push %%rdi\n.cfi_adjust_cfa_offset 8\n"                       \
		"push %%rsi\n.cfi_adjust_cfa_offset 8\n"                       \
		"push %%rdx\n.cfi_adjust_cfa_offset 8\n"                       \
		"mov 24(%%rsp), %%rcx\n"                                       \
		"call %P0\n"                                                   \
		"mov %%rdx, %%r11\n"                                           \
		"pop %%rdx\n.cfi_adjust_cfa_offset -8\n"                       \
		"pop %%rsi\n.cfi_adjust_cfa_offset -8\n"                       \
		"pop %%rdi\n.cfi_adjust_cfa_offset -8\n"                       \
		"test %%r11, %%r11\n"                                          \
		"jz 1f\n"                                                      \
		"jmp *%%r11\n"                                                 \
		"1: ret\n"                                                     \
		:                                                              \
		: "i"(ask))

#define NAKED                                                                  \
	__attribute__((naked, no_sanitize("address", "thread", "undefined")))

static inline struct next jump(void *to)
{
	return (struct next){.jump = to};
}

static inline struct next value(void *v)
{
	return (struct next){.value = v};
}

/* ---- dlopen ------------------------------------------------------------- */

struct search {
	const void *caller;
	const char *file;
	bool found; /* the caller, among the objects of our namespace */
	bool matters;
	size_t seen;
};

/* An object's RPATH holds for what it loads and for what that loads in turn;
 * the program's holds for all. */
static int may_matter(struct dl_phdr_info *info, size_t size, void *search)
{
	struct search *s = search;
	bool program = s->seen++ == 0, caller, self;
	struct elf elf;

	(void)size;
	if (!elf_read(&elf, info))
		return 0;
	caller = elf_covers(&elf, s->caller);
	self = elf_covers(&elf, &ramet__patch_libc);
	s->found |= caller;
	if (elf.has_rpath && !elf.has_runpath && !program)
		s->matters = true;
	if (elf.has_runpath && caller != self && (caller || self) &&
	    !strchr(s->file, '/'))
		s->matters = true;
	return 0;
}

static void look_at_all(struct lock_seen now, void *search)
{
	(void)now;
	dl_iterate_phdr(may_matter, search);
}

/* Whether libc would do something else if we made the call ourselves. */
static bool caller_matters(const char *file, const void *caller)
{
	struct search s = {.caller = caller, .file = file};

	if (strchr(file, '$'))
		return true;
	lock_with(look_at_all, &s);
	return s.matters || !s.found;
}

static bool is_ours_to_call(const char *file, const void *caller)
{
	if (!file || !patch_stands())
		return false;
	patch_catch_up();
	return !caller_matters(file, caller);
}

static __attribute__((used)) struct next open_file(const char *file, int mode,
						   void *unused,
						   const void *caller)
{
	void *handle;

	(void)unused;
	if (!is_ours_to_call(file, caller))
		return jump((void *)libc.dlopen);
	handle = libc.dlopen(file, mode);
	patch_catch_up();
	return value(handle);
}

NAKED void *HOOK(dlopen)(const char *file, int mode)
{
	ENTRY(open_file);
}

/* Objects of other namespaces have a libc of their own, and are left alone. */
static __attribute__((used)) struct next open_in(Lmid_t space, const char *file,
						 int mode, const void *caller)
{
	void *handle;

	if (space != LM_ID_BASE || !is_ours_to_call(file, caller))
		return jump((void *)libc.dlmopen);
	handle = libc.dlmopen(space, file, mode);
	patch_catch_up();
	return value(handle);
}

NAKED void *HOOK(dlmopen)(Lmid_t space, const char *file, int mode)
{
	ENTRY(open_in);
}

int HOOK(dlclose)(void *handle)
{
	int result = libc.dlclose(handle);

	patch_catch_up();
	return result;
}

/* ---- dlsym -------------------------------------------------------------- */

/* The replacement of the function that is asked for, if the caller is patched
 * and libc's is what it would get; else NULL.  RTLD_NEXT is how those ask that
 * replace functions themselves: it goes to libc. */
static void *replacement(void *handle, const char *name, const char *version,
			 const void *caller)
{
	const struct patch_row *row = patch_row(name);
	unsigned groups;
	void *found;

	if (!row || handle == RTLD_NEXT)
		return NULL;
	groups = patch_groups_at(caller);
	while (row && row->group && !(row->group & groups))
		row = patch_row_second(row);
	if (!row)
		return NULL;
	found = version ? libc.dlvsym(handle, name, version)
			: libc.dlsym(handle, name);
	return found && found == patch_row_libc(row) ? row->hook : NULL;
}

static void *ask_symbol(void *handle, const char *name, const char *version,
			const void *caller)
{
	if (!name || !patch_stands())
		return NULL;
	patch_catch_up();
	return replacement(handle, name, version, caller);
}

static __attribute__((used)) struct next symbol(void *handle, const char *name,
						void *unused,
						const void *caller)
{
	void *hook = ask_symbol(handle, name, NULL, caller);

	(void)unused;
	return hook ? value(hook) : jump((void *)libc.dlsym);
}

NAKED void *HOOK(dlsym)(void *handle, const char *name)
{
	ENTRY(symbol);
}

static __attribute__((used)) struct next versioned(void *handle,
						   const char *name,
						   const char *version,
						   const void *caller)
{
	void *hook = ask_symbol(handle, name, version, caller);

	return hook ? value(hook) : jump((void *)libc.dlvsym);
}

NAKED void *HOOK(dlvsym)(void *handle, const char *name, const char *version)
{
	ENTRY(versioned);
}
