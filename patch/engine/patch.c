/* patch.c - the public face: rules that stand, and the log of what they did.
 *
 * Every change goes one way: from the rules follows what each slot should be,
 * and change_make makes it so.  patch, unpatch and a library that has come or
 * gone differ only in why it is called.
 */
#include "patch/engine/patch.h"

#include "patch/engine/change.h"
#include "patch/engine/lock.h"
#include "patch/engine/tasks.h"
#include "patch/hook.h"
#include "patch/stdio/stdio.h"
#include "patch/sync/sync.h"

#include "kernel/libc.h"

#include <string.h>

/* Of the preloaded library. */
extern char ramet__names_taken[] __attribute__((weak));

static struct {
	struct rules rules;
	struct slots slots;
	struct lock_seen seen; /* what the slots are right for */
	bool stands;           /* atomic: there are rules */
	bool threads;          /* atomic: group thread is on, for all objects */
	bool locks;            /* atomic: lock or sem is on for some */
} engine;                      /* the rest: with the lock */

enum { LOCKS = RAMET_LOCK | RAMET_SEM, KNOWN = RAMET_PATCH_ALL | LOCKS };

static __thread const char *reason_ __attribute__((tls_model("initial-exec"))) =
	"";

const char *ramet_patch_reason(void)
{
	return reason_;
}

static int refuse(int err, const char *why)
{
	reason_ = why;
	return err;
}

/* ---- changes ------------------------------------------------------------ */

/* Make the slots right for the rules.  Returns 0 or -errno. */
static int make(struct change *c, struct lock_seen now)
{
	int err = change_make(c);

	if (!err) {
		slots_fini(&engine.slots);
		engine.slots = c->after;
		c->after = (struct slots){0};
		engine.seen = c->early ? (struct lock_seen){0} : now;
	}
	change_fini(c);
	return err;
}

static void catch_up(struct lock_seen now, void *unused)
{
	struct change c = {.rules = &engine.rules, .before = &engine.slots};

	(void)unused;
	if ((now.loaded != engine.seen.loaded ||
	     now.unloaded != engine.seen.unloaded) &&
	    rules_any(&engine.rules))
		make(&c, now);
}

bool patch_stands(void)
{
	return __atomic_load_n(&engine.stands, __ATOMIC_ACQUIRE) &&
	       !lock_forking();
}

void patch_catch_up(void)
{
	int keep = errno;

	if (patch_stands())
		lock_with(catch_up, NULL);
	errno = keep;
}

struct request {
	unsigned groups;
	const char *pattern;
	bool on;
	int result; /* how many, or -errno */
};

static int with_rules(struct rules *rules, const struct request *q,
		      struct lock_seen now)
{
	struct change c = {.rules = rules, .before = &engine.slots};
	int err = make(&c, now);

	if (err < 0)
		return err;
	rules_fini(&engine.rules);
	engine.rules = *rules;
	*rules = (struct rules){0};
	__atomic_store_n(&engine.stands, rules_any(&engine.rules),
			 __ATOMIC_RELEASE);
	__atomic_store_n(&engine.threads,
			 (rules_wanted(&engine.rules, "") & RAMET_THREAD) != 0,
			 __ATOMIC_RELEASE);
	__atomic_store_n(&engine.locks, rules_have(&engine.rules, LOCKS),
			 __ATOMIC_RELEASE);
	return (int)(q->on ? c.patched : c.restored);
}

/* Old rules come first, so that theirs is not counted as ours. */
static void apply(struct lock_seen now, void *request)
{
	struct request *q = request;
	struct rules rules = {0};

	patch_rows_sort();
	catch_up(now, NULL);
	q->result =
		rules_with(&rules, &engine.rules, q->groups, q->pattern, q->on);
	if (q->result == 0)
		q->result = with_rules(&rules, q, now);
	rules_fini(&rules);
}

/* ---- what is refused ---------------------------------------------------- */

static int check(unsigned groups, const char *pattern)
{
	if (!groups)
		return refuse(-EINVAL, "no groups are given");
	if (groups & ~(unsigned)KNOWN)
		return refuse(-EINVAL, "a bit is none of a group");
	if (!pattern)
		return refuse(-EINVAL, "no pattern is given: \"*\" is every "
				       "object, \"\" the program");
	if (strchr(pattern, '/'))
		return refuse(-EINVAL, "a pattern is about file names: it has "
				       "no directories");
	if (strlen(pattern) > NAME_MAX)
		return refuse(-EINVAL, "the pattern is longer than a file "
				       "name can be");
	return 0;
}

static bool threads_patched(void)
{
	return __atomic_load_n(&engine.threads, __ATOMIC_ACQUIRE);
}

static int all_or_none(unsigned groups, const char *pattern)
{
	if (groups & RAMET_THREAD && strcmp(pattern, "*") != 0)
		return refuse(-EINVAL,
			      "group thread is for \"*\" only: a lock that one "
			      "library takes in the kernel and another as a "
			      "ramet protects nothing");
	return 0;
}

/* A ramet that is a thread to one library and not to another would hold locks
 * that the two do not agree on. */
static int one_kind_of_locks(unsigned groups)
{
	bool threads = groups & RAMET_THREAD, locks = groups & LOCKS;

	if (threads && locks)
		return refuse(-EINVAL, "group thread has locks of its own: "
				       "leave out groups lock and sem");
	if (threads && __atomic_load_n(&engine.locks, __ATOMIC_ACQUIRE))
		return refuse(-EBUSY, "groups lock or sem are patched: undo "
				      "that before group thread, which has "
				      "locks of its own");
	if (locks &&
	    (threads_patched() || (ramet__names_taken && !ramet__sync_off)))
		return refuse(-EBUSY, "group thread is patched, which has "
				      "locks of its own, for all libraries");
	return 0;
}

static int start(void)
{
	patch_libc_find();
	if (!kernel_libc_symbol("sleep"))
		return refuse(-ENOTSUP, "no libc.so.6 is loaded: a program "
					"linked statically has no tables to "
					"patch");
	if (lock_start() < 0)
		return refuse(-ENOMEM, "out of memory");
	return 0;
}

/* Threads that exist would go on as kernel threads, with ids and locks that the
 * replacements do not know. */
static int start_threads(void)
{
	const char *why = "threads cannot be ramets here";
	struct loop *l;
	int n;

	if (threads_patched())
		return 0;
	l = ramet__loop();
	if (!l)
		return refuse(-ENOMEM, "out of memory");
	n = tasks_foreign();
	if (n < 0)
		return refuse(-ENOTSUP, "/proc is needed to see whether other "
					"threads run");
	if (n > 1)
		return refuse(-ENOTSUP, "other threads of the program run "
					"already: patch group thread before "
					"they are made");
	n = ramet__threads_start(l, &why);
	return n < 0 ? refuse(-ENOTSUP, why) : 0;
}

static int files_result;

static void files_on(void)
{
	files_result = ramet__stdio_on();
}

/* It stays: libc's tables lead to libc's functions for all who have not come
 * through a replacement. */
static int start_files(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	ramet__libc.pthread_once(&once, files_on);
	if (files_result == -ENOTSUP)
		return refuse(-ENOTSUP, "libc's tables below FILEs are not as "
					"expected");
	return files_result;
}

/* ---- the public functions ----------------------------------------------- */

static int returned(int n)
{
	if (n >= 0)
		return n;
	if (!*reason_)
		reason_ = n == -ENOMEM ? "out of memory"
				       : "the system refuses to make a "
					 "library's table writable";
	errno = -n;
	return -1;
}

static int ask(unsigned groups, const char *pattern, bool on)
{
	struct request q = {groups, pattern, on, 0};
	int keep = errno;

	lock_with(apply, &q);
	errno = keep;
	return q.result;
}

int ramet_patch(unsigned groups, const char *pattern)
{
	int err = check(groups, pattern);

	reason_ = err < 0 ? reason_ : "";
	if (!err)
		err = all_or_none(groups, pattern);
	if (!err)
		err = one_kind_of_locks(groups);
	if (!err)
		err = start();
	if (!err && groups & RAMET_THREAD)
		err = start_threads();
	if (!err && groups & RAMET_STDIO)
		err = start_files();
	return returned(err < 0 ? err : ask(groups, pattern, true));
}

int ramet_unpatch(unsigned groups, const char *pattern)
{
	int err = check(groups, pattern);

	reason_ = err < 0 ? reason_ : "";
	if (!err && threads_patched())
		err = all_or_none(groups, pattern);
	if (!err && threads_patched() && groups & RAMET_THREAD &&
	    ramet__threads && ramet__threads->next)
		err = refuse(-EBUSY, "threads made as ramets are still there");
	if (err < 0)
		return returned(err);
	return patch_stands() ? returned(ask(groups, pattern, false)) : 0;
}

struct count {
	const char *symbol;
	int result;
};

static void count(struct lock_seen now, void *arg)
{
	struct count *q = arg;

	catch_up(now, NULL);
	slots_each(s, &engine.slots) q->result +=
		strcmp(s->row->name, q->symbol) == 0;
}

int ramet_patched(const char *symbol)
{
	struct count q = {symbol, 0};
	int keep = errno;

	if (symbol && patch_stands())
		lock_with(count, &q);
	errno = keep;
	return q.result;
}

/* ---- for dl.c ----------------------------------------------------------- */

struct place {
	const void *code;
	unsigned groups;
};

static int has_code(struct dl_phdr_info *info, size_t size, void *place)
{
	struct place *p = place;
	struct elf elf;

	(void)size;
	if (!elf_read(&elf, info) || !elf_covers(&elf, p->code))
		return 0;
	if (!change_spares(&elf))
		p->groups = rules_wanted(&engine.rules, elf_base_name(&elf));
	return 1;
}

static void look_at(struct lock_seen now, void *place)
{
	(void)now;
	dl_iterate_phdr(has_code, place);
}

unsigned patch_groups_at(const void *code)
{
	struct place p = {code, 0};

	lock_with(look_at, &p);
	return p.groups;
}
