/* unwind.c - unwinds by libdwfl, and each kind of stack once.
 *
 * Thousands of ramets stand where others stand: a stack that begins at the same
 * instruction as one that was walked, and has the same return addresses in the
 * same places, is not walked again, which would take ten times as long as
 * everything else together.
 */
#include "tools/ramet/guest.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FP = 6, /* numbers of registers, System V ABI for x86-64 */
	SP = 7,
	PC = 16,
	STEPS_MAX = 4096, /* a damaged stack may go round */
	KNOWN_BITS = 12,
	SYMBOL_BITS = 12,
};

/* A walk that was done: where each return address was, from sp on. */
struct known {
	struct known *next;
	uint64_t pc;
	size_t count;
	struct {
		uint64_t offset, pc;
	} * returns;
	struct trace trace;
};

struct named {
	struct named *next;
	uint64_t pc;
	struct symbol symbol;
};

struct unwinder {
	const struct target *target;
	Dwfl *dwfl;
	bool attached;
	const struct guests *guests;
	struct known *known[1 << KNOWN_BITS];
	struct named *named[1 << SYMBOL_BITS];
	/* Of the walk under way: */
	const struct suspended *at;
	struct trace *trace;
	struct known *record; /* NULL: not to be remembered */
	size_t steps;
};

static size_t slot_of(uint64_t pc, int bits)
{
	return (size_t)(pc * UINT64_C(0x9e3779b97f4a7c15) >> (64 - bits));
}

const char *unwinder_lacks(void)
{
	return NULL;
}

/* ---- files --------------------------------------------------------------- */

static int open_as(const char *path, const char *name, char **file_name)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	if (fd >= 0)
		*file_name = strdup(name);
	return fd;
}

/* A module's file as the process has it: it may live in another root, and the
 * file may have been removed since. */
static int find_elf(Dwfl_Module *module, void **data, const char *name,
		    Dwarf_Addr base, char **file_name, Elf **elf)
{
	static const char deleted[] = " (deleted)";
	Dwarf_Addr start = 0, end = 0;
	const struct mapping *m;
	const struct target *t;
	void **user = NULL;
	char path[4200];
	size_t n = strlen(name);
	int fd = -1;

	dwfl_module_info(module, &user, &start, &end, NULL, NULL, NULL, NULL);
	t = user ? *user : NULL;
	if (!t || name[0] != '/')
		return dwfl_linux_proc_find_elf(module, data, name, base,
						file_name, elf);
	if (n < sizeof deleted ||
	    strcmp(name + n - (sizeof deleted - 1), deleted) != 0) {
		snprintf(path, sizeof path, "/proc/%d/root%s", (int)t->pid,
			 name);
		fd = open_as(path, name, file_name);
	}
	m = target_mapping(t, start);
	if (fd < 0 && m) {
		snprintf(path, sizeof path, "/proc/%d/map_files/%lx-%lx",
			 (int)t->pid, m->start, m->end);
		fd = open_as(path, name, file_name);
	}
	return fd;
}

static char *no_path = NULL;

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.debuginfo_path = &no_path,
};

static int set_user(Dwfl_Module *module, void **data, const char *name,
		    Dwarf_Addr start, void *target)
{
	(void)module, (void)name, (void)start;
	*data = target;
	return DWARF_CB_OK;
}

/* ---- what libdwfl asks for ----------------------------------------------- */

static pid_t next_thread(Dwfl *dwfl, void *unwinder, void **thread)
{
	(void)dwfl;
	if (*thread)
		return 0;
	*thread = unwinder;
	return ((struct unwinder *)unwinder)->target->pid;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *unwinder, void **thread)
{
	(void)dwfl, (void)tid;
	*thread = unwinder;
	return true;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr from, Dwarf_Word *word,
			void *unwinder)
{
	const struct unwinder *u = unwinder;
	const struct suspended *s = u->at;

	(void)dwfl;
	if (from >= s->sp && from - s->sp + sizeof *word <= s->copied &&
	    from - s->sp < s->copied) {
		memcpy(word, s->copy + (from - s->sp), sizeof *word);
		return true;
	}
	return target_read(u->target, from, word, sizeof *word);
}

static bool set_registers(Dwfl_Thread *thread, void *unwinder)
{
	const struct suspended *s = ((const struct unwinder *)unwinder)->at;
	Dwarf_Word frame[2] = {s->fp, s->sp}, pc = s->pc;

	dwfl_thread_state_register_pc(thread, s->pc);
	return dwfl_thread_state_registers(thread, FP, 2, frame) &&
	       dwfl_thread_state_registers(thread, PC, 1, &pc);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

/* ---- open and close ------------------------------------------------------ */

/* False: the process has gone, or has nothing that can be read. */
static bool attach(struct unwinder *u)
{
	union {
		const struct target *in;
		void *out;
	} target = {u->target};

	u->dwfl = dwfl_begin(&callbacks);
	if (!u->dwfl || dwfl_linux_proc_report(u->dwfl, u->target->pid) != 0 ||
	    dwfl_report_end(u->dwfl, NULL, NULL) != 0)
		return false;
	dwfl_getmodules(u->dwfl, set_user, target.out, 0);
	return dwfl_attach_state(u->dwfl, NULL, u->target->pid,
				 &thread_callbacks, u);
}

struct unwinder *unwinder_open(const struct target *t)
{
	struct unwinder *u = need(calloc(1, sizeof *u));

	/* Servers of debug information answer in seconds, if at all. */
	unsetenv("DEBUGINFOD_URLS");
	u->target = t;
	u->attached = attach(u);
	return u;
}

void unwinder_use(struct unwinder *u, const struct guests *guests)
{
	u->guests = guests;
}

static void free_known(struct known *k)
{
	while (k) {
		struct known *next = k->next;

		free(k->returns);
		free(k);
		k = next;
	}
}

void unwinder_close(struct unwinder *u)
{
	for (size_t i = 0; i < sizeof u->known / sizeof *u->known; i++)
		free_known(u->known[i]);
	for (size_t i = 0; i < sizeof u->named / sizeof *u->named; i++)
		while (u->named[i]) {
			struct named *next = u->named[i]->next;

			free(u->named[i]);
			u->named[i] = next;
		}
	if (u->dwfl)
		dwfl_end(u->dwfl);
	free(u);
}

/* ---- walking ------------------------------------------------------------- */

/* A return address lies below where its caller's frame has its stack pointer.
 */
static void remember_return(struct unwinder *u, Dwfl_Frame *state, uint64_t pc)
{
	enum { RETURNS_MAX = 256 };
	struct known *k = u->record;
	Dwarf_Word sp;
	uint64_t word;

	if (!k)
		return;
	if (k->count == RETURNS_MAX || dwfl_frame_reg(state, SP, &sp) != 0 ||
	    sp < u->at->sp + sizeof word || sp - u->at->sp > u->at->copied)
		goto forget;
	memcpy(&word, u->at->copy + (sp - u->at->sp) - sizeof word,
	       sizeof word);
	if (word != pc)
		goto forget;
	if ((k->count & (k->count - 1)) == 0)
		k->returns =
			need(realloc(k->returns,
				     (2 * k->count + 1) * sizeof *k->returns));
	k->returns[k->count].offset = sp - u->at->sp - sizeof word;
	k->returns[k->count++].pc = pc;
	return;

forget:
	free_known(k);
	u->record = NULL;
}

static int on_frame(Dwfl_Frame *state, void *unwinder)
{
	struct unwinder *u = unwinder;
	bool exact;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(state, &pc, &exact) || !pc || ++u->steps > STEPS_MAX)
		return DWARF_CB_ABORT;
	if (u->steps > 1)
		remember_return(u, state, pc);
	trace_add(u->trace, exact ? pc : pc - 1, 1);
	return DWARF_CB_OK;
}

static bool is_like(const struct known *k, const struct suspended *s)
{
	uint64_t word;

	if (k->pc != s->pc)
		return false;
	for (size_t i = 0; i < k->count; i++) {
		if (k->returns[i].offset + sizeof word > s->copied)
			return false;
		memcpy(&word, s->copy + k->returns[i].offset, sizeof word);
		if (word != k->returns[i].pc)
			return false;
	}
	return true;
}

void unwinder_walk(struct unwinder *u, const struct suspended *s,
		   struct trace *trace)
{
	/* Equal stacks are equally deep. */
	struct known **slot = &u->known[slot_of(s->pc + s->copied, KNOWN_BITS)];

	trace->count = trace->left_out = 0;
	if (!u->attached)
		return;
	for (const struct known *k = *slot; k; k = k->next)
		if (is_like(k, s)) {
			*trace = k->trace;
			return;
		}
	u->at = s;
	u->trace = trace;
	u->steps = 0;
	u->record = need(calloc(1, sizeof *u->record));
	dwfl_getthread_frames(u->dwfl, u->target->pid, on_frame, u);
	if (!u->record)
		return;
	if (!u->record->count || s->by_thread) {
		free_known(u->record);
		return;
	}
	u->record->pc = s->pc;
	u->record->trace = *trace;
	u->record->next = *slot;
	*slot = u->record;
}

/* ---- names --------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

/* How the library calls its own read, for one. */
static const char hook[] = "ramet__hook_";
enum { HOOK = sizeof hook - 1 };

static void look_up(struct unwinder *u, uint64_t pc, struct symbol *symbol)
{
	Dwfl_Module *module = u->dwfl ? dwfl_addrmodule(u->dwfl, pc) : NULL;
	Dwarf_Addr start;
	GElf_Off offset = 0;
	Dwfl_Line *line;
	GElf_Sym entry;

	if (!module)
		return;
	symbol->module = base_name(dwfl_module_info(module, NULL, &start, NULL,
						    NULL, NULL, NULL, NULL));
	symbol->offset = pc - start;
	symbol->start = start;
	symbol->function = dwfl_module_addrinfo(module, pc, &offset, &entry,
						NULL, NULL, NULL);
	if (symbol->function) {
		symbol->offset = offset;
		symbol->hook = strncmp(symbol->function, hook, HOOK) == 0;
		symbol->function += symbol->hook ? HOOK : 0;
	}
	line = dwfl_module_getsrc(module, pc);
	if (line)
		symbol->file =
			base_name(dwfl_lineinfo(line, NULL, &symbol->line, NULL,
						NULL, NULL));
}

const struct symbol *unwinder_symbol(struct unwinder *u, uint64_t pc)
{
	struct named **slot = &u->named[slot_of(pc, SYMBOL_BITS)], *n;

	if (pc & GUEST_PLACE && u->guests)
		return guests_symbol(u->guests, pc);
	for (n = *slot; n; n = n->next)
		if (n->pc == pc)
			return &n->symbol;
	n = need(calloc(1, sizeof *n));
	n->pc = pc;
	look_up(u, pc, &n->symbol);
	n->next = *slot;
	*slot = n;
	return &n->symbol;
}
