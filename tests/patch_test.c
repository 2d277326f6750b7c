/* Libraries that know nothing of ramets cooperate, and stop to.
 *
 * The libraries are made of tests/patch/; whether one cooperates shows without
 * a clock: its sleep(0) lets other ramets run, or does not. */
#include "patch/engine/group.h"
#include "patch/engine/row.h"
#include "patch/engine/rule.h"
#include "patch/engine/tasks.h"
#include "patch/hook.h"
#include "patch/nap.h"
#include "patch/odd.h"
#include "patch/trace/trace.h"
#include "ramet.h"
#include "ramets.h"
#include "thread.h"

#include "base/elf.h"
#include "kernel/kernel.h"
#include "kernel/libc.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- seeing ------------------------------------------------------------- */

static void *note(void *ran)
{
	*(bool *)ran = true;
	return NULL;
}

/* Whether others run while it sleeps. */
static bool cooperates(unsigned (*sleeps)(unsigned))
{
	bool ran = false, before;
	struct ramet *other = spawn(note, &ran);

	CHECK_EQ(sleeps(0), 0);
	before = ran;
	join(other);
	return before;
}

struct seek {
	const char *object, *symbol;
	void **slot;
};

static void seek_in(struct seek *s, const struct elf *elf,
		    const ElfW(Rela) * list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ELF64_R_TYPE(list[i].r_info) == R_X86_64_JUMP_SLOT &&
		    strcmp(elf_name_of(elf, &list[i]), s->symbol) == 0)
			s->slot = (void **)(elf->base + list[i].r_offset);
}

static int seek(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct seek *s = arg;
	struct elf elf;

	(void)size;
	if (!elf_read(&elf, info) ||
	    strcmp(elf_base_name(&elf), s->object) != 0)
		return 0;
	seek_in(s, &elf, elf.jumps, elf.jump_count);
	return 1;
}

/* Through which an object calls a function; NULL if there is none. */
static void **slot_of(const char *object, const char *symbol)
{
	struct seek s = {object, symbol, NULL};

	dl_iterate_phdr(seek, &s);
	return s.slot;
}

/* "r--p" of the mapping that has the address. */
static void protection(const void *address, char text[5])
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	char line[512];

	CHECK(maps);
	*text = '\0';
	while (fgets(line, sizeof line, maps))
		if (sscanf(line, "%lx-%lx %4s", &start, &end, text) == 3 &&
		    (unsigned long)address >= start &&
		    (unsigned long)address < end)
			break;
	fclose(maps);
}

static bool is_read_only(const void *address)
{
	char text[5];

	protection(address, text);
	return strcmp(text, "r--p") == 0;
}

/* Libc's own, or a sanitizer's in front of it. */
static void *unpatched_sleep(void)
{
	return libc.dlsym(RTLD_DEFAULT, "sleep");
}

/* Sanitizers replace dlopen, and call libc's from a library of theirs. */
static void need_libcs_dlopen(void)
{
	if (TEST_ASAN || TEST_TSAN)
		test_skip("dlopen is the sanitizer's");
}

/* One that is part of the program defines it for all, and is left alone. */
static void need_libcs_sleep(void)
{
	patch_libc_find();
	if (unpatched_sleep() != (void *)libc.sleep)
		test_skip("sleep is the sanitizer's");
}

/* ---- one library, one group --------------------------------------------- */

TEST(the_library_that_is_named_cooperates_and_no_other)
{
	CHECK(!cooperates(lazy_sleep));
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_lazy"), 2);
	CHECK(cooperates(lazy_sleep));
	CHECK(!cooperates(sealed_sleep));
	CHECK(!cooperates(sleep));
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_lazy"), 2);
	CHECK(!cooperates(lazy_sleep));
}

TEST(only_the_groups_that_are_named_are_replaced)
{
	CHECK_EQ(ramet_patch(RAMET_SOCKET | RAMET_DNS, "libpatch_lazy"), 0);
	CHECK(!cooperates(lazy_sleep));
	CHECK_EQ(ramet_patch(RAMET_TIME | RAMET_SOCKET, "libpatch_lazy"), 2);
	CHECK_EQ(ramet_unpatch(RAMET_SOCKET, "libpatch_lazy"), 0);
	CHECK(cooperates(lazy_sleep));
	CHECK_EQ(ramet_unpatch(RAMET_PATCH_IO, "libpatch_lazy"), 2);
	CHECK(!cooperates(lazy_sleep));
}

TEST(what_is_patched_already_is_not_counted_again)
{
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_sealed"), 2);
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_sealed"), 0);
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_*"), 5);
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_sealed"), 2);
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_sealed"), 0);
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "*"), 5);
}

TEST(a_sealed_table_is_written_and_sealed_again)
{
	void **slot = slot_of("libpatch_sealed.so", "sleep");

	CHECK(slot && is_read_only(slot));
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_sealed"), 2);
	CHECK(is_read_only(slot));
	CHECK(*slot == (void *)HOOK(sleep));
	CHECK(cooperates(sealed_sleep));
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_sealed"), 2);
	CHECK(is_read_only(slot));
	CHECK(*slot == unpatched_sleep());
	CHECK(!cooperates(sealed_sleep));
}

TEST(a_slot_that_is_bound_at_the_first_call_is_bound_after_unpatch)
{
	void **slot = slot_of("libpatch_lazy.so", "sleep"), *unbound;

	CHECK(slot);
	unbound = *slot;
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_lazy"), 2);
	CHECK(cooperates(lazy_sleep));
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_lazy"), 2);
	CHECK(*slot == unbound);
	CHECK_EQ(lazy_sleep(0), 0);
	CHECK(*slot == unpatched_sleep());
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_lazy"), 2);
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_lazy"), 2);
	CHECK(*slot == unpatched_sleep());
}

/* ---- whatever way a library reaches libc -------------------------------- */

TEST(functions_in_tables_are_replaced)
{
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_pointer"), 2);
	CHECK(cooperates(pointer_sleep));
	CHECK(cooperates(pointer_sealed_sleep));
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_pointer"), 2);
	CHECK(!cooperates(pointer_sleep));
	CHECK(!cooperates(pointer_sealed_sleep));
}

TEST(what_a_library_defines_itself_stays)
{
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_symbolic"), 1);
	CHECK(cooperates(symbolic_sleep));
	CHECK_EQ(symbolic_usleep(41), 42);
}

static unsigned own_sleep(unsigned seconds)
{
	return sleep(seconds);
}

TEST(no_name_is_the_program)
{
	need_libcs_sleep();
	CHECK(ramet_patch(RAMET_TIME, "") > 0);
	CHECK(cooperates(own_sleep));
	CHECK(!cooperates(lazy_sleep));
	CHECK(ramet_unpatch(RAMET_TIME, "") > 0);
	CHECK(!cooperates(own_sleep));
}

TEST(a_star_is_every_object)
{
	need_libcs_sleep();
	CHECK(ramet_patch(RAMET_TIME, "*") > 7);
	CHECK(cooperates(own_sleep));
	CHECK(cooperates(lazy_sleep));
	CHECK(cooperates(sealed_sleep));
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_lazy"), 2);
	CHECK(!cooperates(lazy_sleep));
	CHECK(cooperates(sealed_sleep));
	CHECK(ramet_unpatch(RAMET_TIME, "*") > 5);
	CHECK(!cooperates(sealed_sleep));
}

static void *write_line(void *fd)
{
	CHECK_EQ(write(*(int *)fd, "later\n", 6), 6);
	return NULL;
}

TEST(files_of_the_program_wait_as_ramets)
{
	char line[16];
	struct ramet *other;
	FILE *file;
	int fds[2];

	CHECK(ramet_patch(RAMET_STDIO, "") >= 0);
	if (!ramet_patched("fgets"))
		test_skip("a sanitizer has fgets");
	CHECK_EQ(pipe(fds), 0);
	file = fdopen(fds[0], "r");
	CHECK(file);
	other = spawn(write_line, &fds[1]);
	CHECK(fgets(line, sizeof line, file));
	CHECK_EQ(strcmp(line, "later\n"), 0);
	join(other);
	CHECK_EQ(fclose(file), 0);
	close(fds[1]);
	CHECK(ramet_unpatch(RAMET_STDIO, "") > 0);
}

TEST(libc_and_the_linker_are_never_patched)
{
	CHECK_EQ(ramet_patch(RAMET_PATCH_ALL & ~RAMET_THREAD, "libc.so.6"), 0);
	CHECK_EQ(ramet_patch(RAMET_PATCH_ALL & ~RAMET_THREAD, "ld-linux*"), 0);
}

/* ---- patterns ----------------------------------------------------------- */

TEST(patterns_mean_file_names)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} cases[] = {
		{"", "", true},
		{"", "libpq.so.5", false},
		{"*", "", true},
		{"*", "libpq.so.5", true},
		{"libpq", "libpq.so.5", true},
		{"libpq", "libpq.so", true},
		{"libpq", "libpq", true},
		{"libpq.so", "libpq.so.5", true},
		{"libpq.so", "libpq.so", true},
		{"libpq.so.5", "libpq.so.5", true},
		{"libpq.so.5", "libpq.so.5.15", true},
		{"libpq.so.5", "libpq.so.50", false},
		{"libpq", "libpq2.so.5", false},
		{"libpq", "libpq-fe.so", false},
		{"libpq", "libpq.sox", false},
		{"libpq", "xlibpq.so", false},
		{"pq", "libpq.so.5", false},
		{"libpq", "", false},
		{"libcurl-gnutls", "libcurl-gnutls.so.4", true},
		{"libcurl", "libcurl-gnutls.so.4", false},
		{"libpq*", "libpq.so.5", true},
		{"libpq*", "libpqtypes.so", true},
		{"lib*.so.?", "libpq.so.5", true},
		{"lib*.so.?", "libpq.so.50", false},
		{"*pq*", "libpq.so.5", true},
		{"lib[a-p]q.so*", "libpq.so.5", true},
		{"lib[!p]q.so*", "libpq.so.5", false},
		{"lib[]p]q.so*", "libpq.so.5", true},
		{"lib[pq.so*", "libpq.so.5", false},
		{"lib[pq", "lib[pq.so", false}, /* a shell pattern */
		{"lib[pq*", "lib[pq.so", true}, /* whose '[' is itself */
		{"*.so", "libpq.so.5", false},
		{"**a*b", "xaxbxb", true},
	};

	for (size_t i = 0; i < countof(cases); i++)
		if (rule_matches(cases[i].pattern, cases[i].name) !=
		    cases[i].matches)
			test_fail(__FILE__, __LINE__, "\"%s\" and \"%s\"",
				  cases[i].pattern, cases[i].name);
}

TEST(the_last_rule_wins)
{
	struct rules rules[5] = {0};

	CHECK(!rules_any(&rules[0]));
	CHECK_EQ(rules_with(&rules[1], &rules[0], 3, "a*", true), 0);
	CHECK_EQ(rules_with(&rules[2], &rules[1], 1, "ab", false), 0);
	CHECK_EQ(rules_wanted(&rules[2], "ab"), 2);
	CHECK_EQ(rules_wanted(&rules[2], "ac"), 3);
	CHECK_EQ(rules_with(&rules[3], &rules[2], 1, "ab", true), 0);
	CHECK_EQ(rules_wanted(&rules[3], "ab"), 3);
	CHECK_EQ(rules[3].count, 2);
	CHECK_EQ(rules_with(&rules[4], &rules[3], 3, "*", false), 0);
	CHECK(!rules_any(&rules[4]));
	for (size_t i = 1; i < countof(rules); i++)
		rules_fini(&rules[i]);
}

/* ---- errors and names --------------------------------------------------- */

static bool says(const char *what)
{
	return strstr(ramet_patch_reason(), what) != NULL;
}

TEST(mistakes_are_refused_with_a_sentence)
{
	char name[300];

	CHECK_ERR(ramet_patch(0, "*"), EINVAL);
	CHECK(says("no groups"));
	CHECK_ERR(ramet_patch(2048, "*"), EINVAL);
	CHECK(says("none of a group"));
	CHECK_ERR(ramet_patch(RAMET_TIME, NULL), EINVAL);
	CHECK(says("no pattern"));
	CHECK_ERR(ramet_patch(RAMET_TIME, "/usr/lib/libpq.so"), EINVAL);
	CHECK(says("directories"));
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	CHECK_ERR(ramet_patch(RAMET_TIME, name), EINVAL);
	CHECK(says("longer"));
	CHECK_ERR(ramet_unpatch(0, "*"), EINVAL);
	CHECK_ERR(ramet_unpatch(RAMET_TIME, NULL), EINVAL);
	CHECK_EQ(ramet_unpatch(RAMET_PATCH_ALL, "*"), 0);
	CHECK_EQ(ramet_patched(NULL), 0);
	CHECK_EQ(ramet_patched("none of libc's"), 0);
}

TEST(a_success_has_no_reason_and_keeps_errno)
{
	CHECK_EQ(*ramet_patch_reason(), '\0');
	CHECK_ERR(ramet_patch(0, "*"), EINVAL);
	errno = 77;
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_lazy"), 2);
	CHECK_EQ(ramet_patched("sleep"), 1);
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_lazy"), 2);
	CHECK_EQ(errno, 77);
	CHECK_EQ(*ramet_patch_reason(), '\0');
}

TEST(groups_have_names)
{
	CHECK_EQ(ramet_patch_groups("socket"), RAMET_SOCKET);
	CHECK_EQ(ramet_patch_groups("socket,select,dns,time,thread,os,signal,"
				    "stdio,file"),
		 RAMET_PATCH_ALL);
	CHECK_EQ(ramet_patch_groups("all"), RAMET_PATCH_ALL);
	CHECK_EQ(ramet_patch_groups("lock"), RAMET_LOCK);
	CHECK_EQ(ramet_patch_groups("sem,lock"), RAMET_LOCK | RAMET_SEM);
	CHECK_EQ(ramet_patch_groups("io"), RAMET_PATCH_IO);
	CHECK_EQ(ramet_patch_groups("dns,dns"), RAMET_DNS);
	CHECK_EQ(ramet_patch_groups(""), 0);
	CHECK_EQ(ramet_patch_groups("none"), 0);
	CHECK_EQ(ramet_patch_groups("socket,"), 0);
	CHECK_EQ(ramet_patch_groups(",socket"), 0);
	CHECK_EQ(ramet_patch_groups("socke"), 0);
	CHECK_EQ(ramet_patch_groups("sockets"), 0);
	CHECK_EQ(ramet_patch_groups("socket, dns"), 0);
	CHECK_EQ(ramet_patch_groups(NULL), 0);
	for (unsigned g = 1; g & RAMET_PATCH_ALL; g *= 2)
		CHECK_EQ(ramet_patch_groups(made((
				 void *)(uintptr_t)ramet__patch_group_name(g))),
			 g);
	CHECK(!ramet__patch_group_name(3));
}

TEST(every_function_is_listed_once_with_its_group)
{
	unsigned group;
	size_t n = 0;

	for (const char *name; (name = ramet__patch_name(n, &group)); n++) {
		CHECK(ramet__patch_group_name(group));
		CHECK(strcmp(name, "dlopen") != 0);
		for (size_t i = 0; i < n; i++)
			CHECK(strcmp(ramet__patch_name(i, &group), name) != 0);
	}
	CHECK(n >= 4);
}

TEST(entries_are_counted_by_name)
{
	CHECK_EQ(ramet_patched("sleep"), 0);
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_lazy"), 2);
	CHECK_EQ(ramet_patched("sleep"), 1);
	CHECK_EQ(ramet_patched("usleep"), 1);
	CHECK_EQ(ramet_patched("nanosleep"), 0);
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_pointer"), 2);
	CHECK_EQ(ramet_patched("sleep"), 3);
	CHECK(ramet_unpatch(RAMET_TIME, "*") == 4);
	CHECK_EQ(ramet_patched("sleep"), 0);
}

TEST(dlopen_is_replaced_while_there_are_rules)
{
	need_libcs_dlopen();
	CHECK_EQ(ramet_patched("dlopen"), 0);
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_lazy"), 2);
	CHECK(ramet_patched("dlopen") > 0);
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "*"), 2);
	CHECK_EQ(ramet_patched("dlopen"), 0);
}

/* ---- libraries that come later ------------------------------------------ */

/* A library beside this program. */
static const char *beside(const char *name, char path[4096])
{
	ssize_t n = readlink("/proc/self/exe", path, 3900);

	CHECK(n > 0);
	path[n] = '\0';
	strcpy(strrchr(path, '/') + 1, name);
	return path;
}

static void *open_beside(const char *name)
{
	char path[4096];
	void *handle = dlopen(beside(name, path), RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		test_fail(__FILE__, __LINE__, "%s", dlerror());
	return handle;
}

typedef unsigned (*sleeps)(unsigned);

TEST(a_library_that_is_loaded_later_is_patched_when_dlopen_returns)
{
	void *late;

	need_libcs_dlopen();
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_late"), 0);
	late = open_beside("libpatch_late.so");
	CHECK(*slot_of("libpatch_late.so", "sleep") == (void *)HOOK(sleep));
	CHECK(is_read_only(slot_of("libpatch_late.so", "sleep")));
	CHECK(cooperates((sleeps)dlsym(late, "late_sleep")));
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_late"), 2);
	CHECK(!cooperates((sleeps)dlsym(late, "late_sleep")));
	CHECK_EQ(dlclose(late), 0);
}

TEST(without_rules_dlopen_is_libcs)
{
	void **slot = slot_of("libpatch_asks.so", "dlopen");

	need_libcs_dlopen();
	CHECK(!slot);
	patch_libc_find();
	open_beside("libpatch_asks.so");
	slot = slot_of("libpatch_asks.so", "dlopen");
	CHECK(slot && *slot == (void *)libc.dlopen);
	CHECK_EQ(ramet_patch(RAMET_TIME, "none.so"), 0);
	CHECK(*slot == (void *)HOOK(dlopen));
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "none.so"), 0);
	CHECK(*slot == (void *)libc.dlopen);
}

TEST(what_is_taken_out_of_a_rule_stays_out_when_it_comes_later)
{
	void *late;

	CHECK(ramet_patch(RAMET_TIME, "*") > 0);
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_la*"), 2);
	late = open_beside("libpatch_late.so");
	CHECK(!cooperates((sleeps)dlsym(late, "late_sleep")));
	CHECK(!cooperates(lazy_sleep));
	CHECK(cooperates(sealed_sleep));
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_late"), 2);
	CHECK(cooperates((sleeps)dlsym(late, "late_sleep")));
}

TEST(a_library_that_is_gone_is_forgotten_and_patched_when_it_comes_again)
{
	void *late;

	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_l*"), 2);
	for (int i = 0; i < 20; i++) {
		late = open_beside("libpatch_late.so");
		CHECK_EQ(ramet_patched("sleep"), 2);
		CHECK(cooperates((sleeps)dlsym(late, "late_sleep")));
		CHECK_EQ(dlclose(late), 0);
		CHECK(!slot_of("libpatch_late.so", "sleep"));
		CHECK_EQ(ramet_patched("sleep"), 1);
	}
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_l*"), 2);
}

TEST(a_library_that_is_gone_unseen_is_forgotten_too)
{
	void *late = open_beside("libpatch_late.so");

	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_l*"), 4);
	CHECK_EQ(libc.dlclose(late), 0);
	CHECK_EQ(ramet_patched("sleep"), 1);
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_l*"), 2);
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_l*"), 2);
	open_beside("libpatch_late.so");
	CHECK_EQ(libc.dlclose(open_beside("libpatch_late.so")), 0);
	late = libc.dlopen("libpatch_late.so", RTLD_NOW | RTLD_NOLOAD);
	CHECK_EQ(ramet_patched("sleep"), 2);
}

/* ---- who asks matters --------------------------------------------------- */

static struct {
	void *(*next)(const char *), *(*by_default)(const char *);
	void *(*handle)(void *, const char *);
	void *(*version)(void *, const char *, const char *);
	void *(*open)(const char *), *(*open_in_base)(const char *);
	int (*close)(void *);
} asks;

static void open_asks(void)
{
	void *h = open_beside("libpatch_asks.so");

	patch_libc_find();
	asks.next = made(libc.dlsym(h, "asks_next"));
	asks.by_default = made(libc.dlsym(h, "asks_default"));
	asks.handle = made(libc.dlsym(h, "asks_handle"));
	asks.version = made(libc.dlsym(h, "asks_version"));
	asks.open = made(libc.dlsym(h, "asks_open"));
	asks.open_in_base = made(libc.dlsym(h, "asks_open_in_base"));
	asks.close = made(libc.dlsym(h, "asks_close"));
}

TEST(a_library_finds_what_its_runpath_says)
{
	void *plain, *patched;

	need_libcs_dlopen();
	open_asks();
	CHECK(!dlopen("libpatch_inner.so", RTLD_NOW));
	plain = made(asks.open("libpatch_inner.so"));
	CHECK_EQ(asks.close(plain), 0);
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_inner"), 0);
	CHECK(!dlopen("libpatch_inner.so", RTLD_NOW));
	CHECK(strstr(dlerror(), "libpatch_inner.so"));
	patched = made(asks.open("libpatch_inner.so"));
	CHECK(cooperates((sleeps)asks.handle(patched, "inner_sleep")));
	CHECK_EQ(ramet_patched("sleep"), 1);
	CHECK_EQ(asks.close(patched), 0);
	CHECK_EQ(ramet_patched("sleep"), 0);
	patched = made(asks.open_in_base("libpatch_inner.so"));
	CHECK(cooperates((sleeps)asks.handle(patched, "inner_sleep")));
}

/* The program's next has the libraries it is linked with; that of a library
 * opened by itself has not. */
TEST(the_next_definition_is_the_one_after_who_asks)
{
	open_asks();
	for (int patched = 0; patched < 2; patched++) {
		CHECK(dlsym(RTLD_NEXT, "lazy_sleep") == (void *)lazy_sleep);
		CHECK(!asks.next("lazy_sleep"));
		CHECK(strstr(dlerror(), "lazy_sleep"));
		CHECK(asks.next("sleep") == (void *)libc.sleep);
		CHECK(patched || ramet_patch(RAMET_PATCH_IO, "*") > 0);
	}
}

static void *unpatched_recv(void)
{
	return made(libc.dlsym(RTLD_DEFAULT, "recv"));
}

TEST(who_is_patched_and_asks_by_name_gets_the_replacement)
{
	void *c = made(dlopen("libc.so.6", RTLD_NOW));

	need_libcs_sleep();
	open_asks();
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_asks"), 0);
	CHECK(asks.by_default("sleep") == (void *)HOOK(sleep));
	CHECK(asks.handle(c, "sleep") == (void *)HOOK(sleep));
	CHECK(asks.version(c, "sleep", "GLIBC_2.2.5") == (void *)HOOK(sleep));
	CHECK(!asks.version(c, "sleep", "GLIBC_0"));
	CHECK(strstr(dlerror(), "GLIBC_0"));
	CHECK(TEST_ASAN || TEST_TSAN ||
	      asks.by_default("dlopen") == (void *)HOOK(dlopen));
	CHECK(asks.by_default("recv") == unpatched_recv());
	CHECK(asks.by_default("strlen"));
	CHECK(dlsym(RTLD_DEFAULT, "sleep") == (void *)libc.sleep);
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_asks"), 0);
	CHECK(asks.by_default("sleep") == (void *)libc.sleep);
}

TEST(a_definition_that_is_not_libcs_is_what_is_asked_for)
{
	void *symbolic = open_beside("libpatch_symbolic.so");

	open_asks();
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_asks"), 0);
	CHECK(asks.handle(symbolic, "usleep") != (void *)HOOK(usleep));
	CHECK_EQ(((int (*)(unsigned))asks.handle(symbolic, "usleep"))(6), 7);
}

/* ---- all or nothing ----------------------------------------------------- */

/* In place of the number of a system call: memory, from the runtime's door and
 * from libc. */
enum { DOOR_MEMORY = -1, LIBC_MEMORY = -2 };

static const struct kernel *real;
static struct kernel failing;
static long failing_nr;
static int failing_error, calls_left; /* till the one that fails */

static bool fails(long nr)
{
	return nr == failing_nr && calls_left > 0 && --calls_left == 0;
}

static long failing_call(long nr, long a, long b, long c, long d, long e,
			 long f)
{
	return fails(nr) ? -failing_error : real->call(nr, a, b, c, d, e, f);
}

static void *failing_alloc(size_t size)
{
	return fails(DOOR_MEMORY) ? NULL : real->alloc(size);
}

#if !TEST_ASAN && !TEST_TSAN
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);

/* The dynamic linker's memory for a thread comes from here, too. */
__attribute__((visibility("default"))) void *malloc(size_t size)
{
	return fails(LIBC_MEMORY) ? NULL : __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size)
{
	return fails(LIBC_MEMORY) ? NULL : __libc_calloc(count, size);
}
#endif

static void fail_nth(long nr, int n, int error)
{
	if (!real) {
		kernel_choose();
		real = ramet__kernel;
		failing = *real;
		failing.call = failing_call;
		failing.alloc = failing_alloc;
		ramet__kernel = &failing;
	}
	failing_nr = nr;
	calls_left = n;
	failing_error = error;
}

static void check_untouched(void)
{
	CHECK(*slot_of("libpatch_sealed.so", "sleep") == unpatched_sleep());
	CHECK(!cooperates(pointer_sleep));
	CHECK(!cooperates(pointer_sealed_sleep));
	CHECK(!cooperates(symbolic_sleep));
}

/* Each call in turn, until there are none left to fail.  What fails on the way
 * back, after all is done, leaves a table writable and is no error.  Returns
 * how many times the whole failed. */
static int fail_each(long nr, int error, int want)
{
	int failures = 0, n = 1;

	for (;; n++) {
		fail_nth(nr, n, error);
		if (ramet_patch(RAMET_TIME, "libpatch_*") < 0) {
			CHECK_EQ(errno, want);
			CHECK(*ramet_patch_reason());
			CHECK_EQ(ramet_patched("sleep"), 0);
			check_untouched();
			failures++;
		} else {
			bool over = calls_left > 0;

			calls_left = 0;
			CHECK(ramet_patched("sleep") > 3);
			CHECK(ramet_unpatch(RAMET_TIME, "libpatch_*") > 4);
			check_untouched();
			if (over)
				return failures;
		}
	}
}

TEST(when_a_table_cannot_be_written_nothing_is_changed)
{
	lazy_sleep(0);
	patch_libc_find();
	CHECK(fail_each(SYS_mprotect, ENOMEM, ENOMEM) >= 2);
	CHECK(fail_each(SYS_mprotect, EACCES, EPERM) >= 2);
	CHECK(is_read_only(slot_of("libpatch_sealed.so", "sleep")));
}

TEST(when_memory_is_short_nothing_is_changed)
{
	lazy_sleep(0);
	patch_libc_find();
	CHECK(fail_each(SYS_mmap, ENOMEM, ENOMEM) >= 2);
}

TEST(a_rule_that_failed_does_not_stand)
{
	fail_nth(SYS_mprotect, 1, ENOMEM);
	CHECK_ERR(ramet_patch(RAMET_TIME, "libpatch_*"), ENOMEM);
	open_beside("libpatch_late.so");
	CHECK_EQ(ramet_patched("sleep"), 0);
}

TEST(when_it_cannot_be_undone_all_stays_patched)
{
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_[!a]*"), 7);
	for (int n = 1; n <= 2; n++) {
		fail_nth(SYS_mprotect, n, EACCES);
		CHECK_ERR(ramet_unpatch(RAMET_TIME, "libpatch_*"), EPERM);
		CHECK(cooperates(sealed_sleep));
		CHECK(cooperates(pointer_sealed_sleep));
		CHECK(cooperates(symbolic_sleep));
		CHECK(cooperates(lazy_sleep));
	}
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_*"), 7);
	check_untouched();
}

TEST(a_library_that_cannot_be_patched_as_it_comes_is_tried_again)
{
	void *late;

	need_libcs_dlopen();
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_late"), 0);
	fail_nth(SYS_mprotect, 1, ENOMEM);
	late = open_beside("libpatch_late.so");
	CHECK(*slot_of("libpatch_late.so", "sleep") != (void *)HOOK(sleep));
	CHECK(cooperates((sleeps)dlsym(late, "late_sleep")));
}

/* ---- ramets, threads, processes ----------------------------------------- */

static void *sleeps_long(void *result)
{
	*(unsigned *)result = lazy_sleep(1);
	return NULL;
}

TEST(who_waits_in_a_replacement_finishes_there)
{
	unsigned left = 99;
	struct ramet *sleeper;

	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_lazy"), 2);
	sleeper = spawn(sleeps_long, &left);
	let_run();
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_lazy"), 2);
	CHECK(!cooperates(lazy_sleep));
	CHECK_EQ(left, 99);
	join(sleeper);
	CHECK_EQ(left, 0);
}

struct repeat {
	const char *pattern;
	const char *object; /* which has a slot for sleep; NULL: none */
	int rounds, entries;
};

static void *patches_and_undoes(void *arg)
{
	const struct repeat *r = arg;

	/* Those of a library that has just been loaded may be among them. */
	for (int i = 0; i < r->rounds; i++) {
		CHECK(ramet_patch(RAMET_TIME, r->pattern) >= r->entries);
		CHECK(!r->object ||
		      *slot_of(r->object, "sleep") == (void *)HOOK(sleep));
		CHECK(ramet_unpatch(RAMET_TIME, r->pattern) >= r->entries);
		CHECK(!r->object ||
		      *slot_of(r->object, "sleep") != (void *)HOOK(sleep));
	}
	return NULL;
}

static void *opens_and_closes(void *arg)
{
	for (int i = 0; i < *(int *)arg; i++) {
		void *late = open_beside("libpatch_late.so");

		CHECK_EQ(((sleeps)dlsym(late, "late_sleep"))(0), 0);
		CHECK_EQ(dlclose(late), 0);
	}
	return NULL;
}

TEST(threads_patch_while_others_load_libraries)
{
	int rounds = test_rounds(300);
	struct repeat sealed = {"libpatch_sealed", "libpatch_sealed.so", rounds,
				2};
	struct repeat pointer = {"libpatch_pointer", NULL, rounds, 2};
	pthread_t a, b, c;

	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_late"), 0);
	a = start_thread(patches_and_undoes, &sealed);
	b = start_thread(patches_and_undoes, &pointer);
	c = start_thread(opens_and_closes, &rounds);
	opens_and_closes(&rounds);
	join_thread(a);
	join_thread(b);
	join_thread(c);
	CHECK_EQ(ramet_patched("sleep"), 0);
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "*"), 0);
	CHECK_EQ(ramet_patched("dlopen"), 0);
	check_untouched();
}

static int in_child(void (*fn)(void))
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		fn();
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	return status;
}

static void undo_in_child(void)
{
	CHECK_EQ(ramet_patched("sleep"), 1);
	CHECK_EQ(ramet_unpatch(RAMET_TIME, "libpatch_lazy"), 2);
	CHECK_EQ(ramet_patched("sleep"), 0);
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_sealed"), 2);
}

TEST(a_child_has_the_rules_and_its_parent_keeps_its_own)
{
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_lazy"), 2);
	CHECK_EQ(in_child(undo_in_child), 0);
	CHECK_EQ(ramet_patched("sleep"), 1);
	CHECK(cooperates(lazy_sleep));
}

static bool enough; /* atomic */

static void *patches_till_enough(void *arg)
{
	/* Not its slots: a fork while dl_iterate_phdr runs, of which the
	 * engine knows nothing, leaves the linker's lock held. */
	struct repeat once = {"libpatch_sealed", NULL, 1, 2};

	while (!__atomic_load_n(&enough, __ATOMIC_RELAXED))
		patches_and_undoes(&once);
	return arg;
}

static void patch_pointer(void)
{
	CHECK_EQ(ramet_patch(RAMET_TIME, "libpatch_pointer"), 2);
}

TEST(a_child_forked_while_another_thread_patches_can_patch)
{
	pthread_t other;

	CHECK_EQ(ramet_patch(RAMET_TIME, "none"), 0);
	other = start_thread(patches_till_enough, NULL);
	for (int i = 0; i < test_rounds(100); i++)
		CHECK_EQ(in_child(patch_pointer), 0);
	__atomic_store_n(&enough, true, __ATOMIC_RELAXED);
	join_thread(other);
}

/* What --trace-blocking looks at. */
TEST(calls_that_sleep_have_names)
{
	static const long calls[] = {
		SYS_read,
		SYS_readv,
		SYS_write,
		SYS_writev,
		SYS_wait4,
		SYS_select,
		SYS_poll,
		SYS_epoll_wait,
		SYS_splice,
		SYS_msgrcv,
		SYS_msgsnd,
		SYS_connect,
		SYS_accept,
		SYS_nanosleep,
		SYS_flock,
		SYS_fsync,
		SYS_openat,
		SYS_preadv2,
		SYS_copy_file_range,
	};

	for (size_t i = 0; i < countof(calls); i++)
		CHECK(ramet__sleeping_call(calls[i]));
	CHECK(!ramet__sleeping_call(SYS_getpid));
	CHECK(!ramet__sleeping_call(-1));
	CHECK(!ramet__sleeping_call(1 << 20));
}

/* ---- group thread ------------------------------------------------------- */

TEST(group_thread_is_for_all_objects_or_none)
{
	CHECK_ERR(ramet_patch(RAMET_THREAD, "libpatch_lazy"), EINVAL);
	CHECK(says("protects nothing"));
	CHECK_ERR(ramet_patch(RAMET_PATCH_ALL, "lib*"), EINVAL);
	CHECK_ERR(ramet_patch(RAMET_THREAD | RAMET_TIME, ""), EINVAL);
	CHECK_EQ(ramet_patched("sleep"), 0);
	CHECK_EQ(ramet_unpatch(RAMET_PATCH_ALL, "libpatch_lazy"), 0);
}

static bool stop; /* atomic */

static void *waits_for_stop(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		usleep(1000);
	return arg;
}

TEST(group_thread_is_too_late_when_threads_run)
{
	pthread_t other = start_thread(waits_for_stop, NULL);

	CHECK_ERR(ramet_patch(RAMET_THREAD, "*"), ENOTSUP);
	CHECK(says("before they are made"));
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	join_thread(other);
}

static void *knows_itself(void *self)
{
	*(pthread_t *)self = pthread_self();
	CHECK_EQ(tasks_foreign(), 1);
	return self;
}

TEST(threads_made_after_group_thread_is_patched_are_ramets)
{
	pthread_t thread, self;

	if (TEST_ASAN || TEST_TSAN)
		test_skip("sanitizers have threads of their own");
	if (ramet_patch(RAMET_THREAD, "*") < 0)
		test_skip(ramet_patch_reason());
	CHECK(ramet_patched("pthread_create") > 0);
	CHECK_EQ(ramet_patch(RAMET_THREAD, "*"), 0);
	CHECK_ERR(ramet_unpatch(RAMET_THREAD, "libpatch_lazy"), EINVAL);
	CHECK_EQ(pthread_create(&thread, NULL, knows_itself, &self), 0);
	CHECK_ERR(ramet_unpatch(RAMET_PATCH_ALL, "*"), EBUSY);
	CHECK(says("still there"));
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(pthread_equal(thread, self));
	CHECK(ramet_unpatch(RAMET_THREAD, "*") > 0);
	CHECK_EQ(ramet_patched("pthread_create"), 0);
}

TEST(groups_thread_and_lock_exclude_each_other)
{
	CHECK_ERR(ramet_patch(RAMET_THREAD | RAMET_LOCK, "*"), EINVAL);
	CHECK(says("leave out"));
	CHECK(ramet_patch(RAMET_LOCK | RAMET_SEM, "libpatch_lazy") > 0);
	CHECK_ERR(ramet_patch(RAMET_THREAD, "*"), EBUSY);
	CHECK(says("undo"));
	CHECK(ramet_unpatch(RAMET_LOCK | RAMET_SEM, "libpatch_lazy") > 0);
	if (TEST_ASAN || TEST_TSAN)
		test_skip("sanitizers have threads of their own");
	if (ramet_patch(RAMET_THREAD, "*") < 0)
		test_skip(ramet_patch_reason());
	CHECK_ERR(ramet_patch(RAMET_SEM, "libpatch_lazy"), EBUSY);
	CHECK(says("group thread is patched"));
	CHECK(ramet_unpatch(RAMET_THREAD, "*") > 0);
}

/* ---- groups lock and sem ------------------------------------------------ */

struct taking {
	pthread_mutex_t mutex;
	bool has;
};

static void *takes(void *taking)
{
	struct taking *t = taking;

	CHECK_EQ(lazy_lock(&t->mutex), 0);
	t->has = true;
	CHECK_EQ(lazy_unlock(&t->mutex), 0);
	return NULL;
}

TEST(a_lock_of_a_patched_library_parks_its_ramet)
{
	struct taking t = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	void *self = made(dlopen(NULL, RTLD_NOW));
	struct ramet *other;

	CHECK_EQ(ramet_patch(RAMET_LOCK, "libpatch_lazy"), 2);
	CHECK_EQ(ramet_patched("pthread_mutex_lock"), 1);
	CHECK_EQ(ramet_patched("pthread_mutex_unlock"), 1);
	CHECK_EQ(lazy_lock(&t.mutex), 0);
	other = spawn(takes, &t);
	let_run();
	CHECK(!t.has);
	CHECK_EQ(lazy_unlock(&t.mutex), 0);
	join(other);
	CHECK(t.has);
	CHECK(dlsym(self, "pthread_mutex_lock") == pthread_mutex_lock);
	CHECK_EQ(ramet_unpatch(RAMET_LOCK, "libpatch_lazy"), 2);
	CHECK_EQ(ramet_patched("pthread_mutex_lock"), 0);
	dlclose(self);
}

static void *yields_until_stop(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		sched_yield();
	return arg;
}

static uint64_t live_ramets(void)
{
	struct ramet_stats stats;

	CHECK_EQ(ramet_get_stats(&stats), 0);
	return stats.live;
}

enum { THREADS = 64 };

/* Each call in turn, until there are none left to fail.  What has been made
 * stays in use, and each time the stacks are of another size, so that nothing
 * is there to be used again.  Returns how many times it failed. */
static int fail_each_create(long nr, pthread_t *threads, int *made)
{
	static size_t stack_size = 32768;
	pthread_attr_t attr;
	int failures = 0;

	stack_size *= 2;
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attr, stack_size), 0);
	for (int n = 1;; n++) {
		uint64_t before = live_ramets();
		int err;
		bool over;

		fail_nth(nr, n, ENOMEM);
		CHECK(*made < THREADS);
		err = pthread_create(&threads[*made], &attr, yields_until_stop,
				     made);
		over = calls_left > 0;
		calls_left = 0;
		if (err) {
			CHECK_EQ(err, EAGAIN);
			CHECK_EQ(live_ramets(), before);
			failures++;
		} else {
			CHECK_EQ(live_ramets(), before + 1);
			++*made;
		}
		if (over)
			return failures;
	}
}

TEST(a_thread_that_cannot_be_made_changes_nothing)
{
	pthread_t threads[THREADS];
	int made = 0;

	if (TEST_ASAN || TEST_TSAN)
		test_skip("sanitizers have threads of their own");
	if (ramet_patch(RAMET_THREAD, "*") < 0)
		test_skip(ramet_patch_reason());
	CHECK(fail_each_create(DOOR_MEMORY, threads, &made) >= 1);
	CHECK(fail_each_create(LIBC_MEMORY, threads, &made) >= 4);
	/* One does without: fewer stacks are made then, or no guard pages. */
	CHECK_EQ(fail_each_create(SYS_mmap, threads, &made), 0);
	fail_each_create(SYS_mprotect, threads, &made);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (int i = 0; i < made; i++) {
		void *value;

		CHECK_EQ(pthread_join(threads[i], &value), 0);
		CHECK(value == &made);
	}
	CHECK_EQ(live_ramets(), 1);
	CHECK(ramet_unpatch(RAMET_THREAD, "*") > 0);
}

/* ---- OS threads without a loop ------------------------------------------ */

struct outsider {
	pthread_t lives, ended, timed, left;
	bool over; /* atomic */
};

static void *joins_from_outside(void *arg)
{
	struct outsider *o = arg;
	struct timespec soon;
	void *value = NULL;

	clock_gettime(CLOCK_REALTIME, &soon);
	CHECK_EQ(pthread_tryjoin_np(o->timed, &value), EBUSY);
	CHECK_EQ(pthread_timedjoin_np(o->timed, &value, &soon), ETIMEDOUT);
	CHECK_EQ(pthread_detach(o->left), 0);
	CHECK_EQ(pthread_detach(o->left), EINVAL);
	CHECK_EQ(pthread_join(o->ended, &value), 0);
	CHECK(value);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	CHECK_EQ(pthread_join(o->lives, &value), 0);
	CHECK(value == &stop);
	CHECK_EQ(pthread_clockjoin_np(o->timed, &value, CLOCK_MONOTONIC, NULL),
		 0);
	CHECK(value == &stop);
	__atomic_store_n(&o->over, true, __ATOMIC_RELEASE);
	return NULL;
}

static void *returns(void *arg)
{
	return arg;
}

TEST(an_os_thread_without_a_loop_joins_ramets)
{
	struct outsider o = {0};
	pthread_t outsider, next;

	if (TEST_ASAN || TEST_TSAN)
		test_skip("sanitizers have threads of their own");
	if (ramet_patch(RAMET_THREAD, "*") < 0)
		test_skip(ramet_patch_reason());
	CHECK_EQ(pthread_create(&o.lives, NULL, yields_until_stop, &stop), 0);
	CHECK_EQ(pthread_create(&o.timed, NULL, yields_until_stop, &stop), 0);
	CHECK_EQ(pthread_create(&o.left, NULL, yields_until_stop, NULL), 0);
	CHECK_EQ(pthread_create(&o.ended, NULL, returns, &outsider), 0);
	let_run();
	CHECK_EQ(ramet__libc.pthread_create(&outsider, NULL, joins_from_outside,
					    &o),
		 0);
	while (!__atomic_load_n(&o.over, __ATOMIC_ACQUIRE))
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	CHECK_EQ(libc.pthread_join(outsider, NULL), 0);
	CHECK_EQ(live_ramets(), 1);
	/* The next one finds what they have left. */
	CHECK_EQ(pthread_create(&next, NULL, returns, NULL), 0);
	CHECK(!ramet__threads->next->next);
	CHECK_EQ(pthread_join(next, NULL), 0);
	CHECK(ramet_unpatch(RAMET_THREAD, "*") > 0);
}
