/* wording.c - by the map's table of waits, and a look at what is waited for. */
#include "tools/ramet/wording.h"
#include "tools/ramet/say.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* ---- pieces -------------------------------------------------------------- */

static void say(struct waiting *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct waiting *w, const char *fmt, ...)
{
	size_t used = strlen(w->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->text + used, sizeof w->text - used, fmt, ap);
	va_end(ap);
}

/* What others chose. */
static void say_safe(struct waiting *w, const char *text)
{
	size_t used = strlen(w->text);

	say(w, "%s", text);
	for (char *c = w->text + used; *c;) {
		int n = printable(c);

		if (!n)
			*c = '?';
		c += n ? n : 1;
	}
}

static void say_ramet(struct waiting *w, const struct ramet_seen *t)
{
	say(w, "ramet %" PRIu64, t->id);
	if (!t->name[0])
		return;
	say(w, " \"");
	say_safe(w, t->name);
	say(w, "\"");
}

static void say_duration(struct waiting *w, int64_t ns)
{
	uint64_t ms = ns < 0 ? 0 : (uint64_t)ns / 1000000;

	if (ms < 1000)
		say(w, "%" PRIu64 " ms", ms);
	else if (ms < 600 * 1000)
		say(w, "%" PRIu64 ".%" PRIu64 " s", ms / 1000, ms % 1000 / 100);
	else
		say(w, "%" PRIu64 " min", ms / 60000);
}

static uint64_t word_at(const struct wording *w, uint64_t at)
{
	uint64_t word = 0;

	target_read(w->sight->target, at, &word, sizeof word);
	return word;
}

static uint32_t half_at(const struct wording *w, uint64_t at)
{
	uint32_t half = 0;

	target_read(w->sight->target, at, &half, sizeof half);
	return half;
}

/* ---- whom ---------------------------------------------------------------- */

static bool has_ended(const struct wording *w, const struct ramet_seen *t)
{
	return t->state == layout_of(w->sight, t)->state_ended;
}

/* Who has what is waited for, by his control block. */
static void say_holder(const struct wording *w, struct waiting *wait,
		       uint64_t at)
{
	wait->holder = sight_at(w->sight, at);
	if (!wait->holder) {
		say(wait, "%s", at ? "a ramet that has ended" : "nobody");
		return;
	}
	say_ramet(wait, wait->holder);
	if (has_ended(w, wait->holder))
		say(wait, ", which has ended");
}

static void say_held(const struct wording *w, struct waiting *wait,
		     const char *how, uint32_t holder)
{
	say(wait, " 0x%" PRIx64 ", %s by ", wait->object, how);
	say_holder(w, wait, word_at(w, wait->object + holder));
}

static void say_joined(const struct wording *w, const struct layout *l,
		       struct waiting *wait)
{
	const struct ramet_seen *t = sight_at(w->sight, wait->object);
	uint64_t missing = 1;

	if (t && t->joiner)
		missing = word_at(w, t->joiner + l->joiner_missing);
	if (!t || has_ended(w, t) || missing != 1) {
		say(wait, "for %" PRIu64 " ramets to end", missing);
		return;
	}
	wait->holder = t;
	say(wait, "for ");
	say_ramet(wait, t);
	say(wait, " to end");
}

static void say_rwlock(const struct wording *w, const struct layout *l,
		       struct waiting *wait)
{
	uint64_t readers = word_at(w, wait->object + l->rwlock_readers);

	say(wait, " 0x%" PRIx64 ", held by ", wait->object);
	if (readers)
		say(wait, "%" PRIu64 " readers", readers);
	else
		say_holder(w, wait,
			   word_at(w, wait->object + l->rwlock_writer));
}

/* NULL: nobody is known. */
static void say_among(struct waiting *wait, const struct ramet_seen *t)
{
	wait->holder = t;
	if (!t)
		return;
	say(wait, ", ");
	say_ramet(wait, t);
	say(wait, " among them");
}

static void say_group(const struct wording *w, const struct layout *l,
		      struct waiting *wait)
{
	uint64_t child = word_at(w, wait->object + l->group_children);

	say(wait, ", %" PRIu64 " running",
	    word_at(w, wait->object + l->group_running));
	say_among(wait, sight_at(w->sight, child));
}

/* One that has a place in it; NULL: none is seen. */
static const struct ramet_seen *busy_worker(const struct wording *w,
					    const struct layout *l,
					    uint64_t pool)
{
	enum { WORKERS_MAX = 1000 };
	uint64_t at = word_at(w, pool + l->pool_all);

	for (int n = 0; at && n < WORKERS_MAX; n++) {
		if (half_at(w, at + l->worker_state) == l->worker_busy)
			return sight_at(w->sight,
					word_at(w, at + l->worker_ramet));
		at = word_at(w, at + l->worker_next);
	}
	return NULL;
}

static void say_pool(const struct wording *w, const struct layout *l,
		     struct waiting *wait)
{
	uint64_t size = word_at(w, wait->object + l->pool_size);

	say(wait, " 0x%" PRIx64 ", %" PRIu64, wait->object,
	    word_at(w, wait->object + l->pool_running));
	if (size != UINT64_MAX)
		say(wait, " of %" PRIu64, size);
	say(wait, " running");
	say_among(wait, busy_worker(w, l, wait->object));
}

/* By number; 0: not known.  Others may have had it since the wait began. */
static uint32_t lot_owner(const struct wording *w, const struct layout *l,
			  uint64_t reason)
{
	uint64_t now = word_at(w, reason + l->lot_owner_now);

	return half_at(w, now ? now : reason + l->lot_owner);
}

/* Without a reason, the table's words.  `alone`: nobody but the loop's ramets
 * has ever waited. */
static void say_lot(const struct wording *w, const struct layout *l,
		    const char *words, bool alone, struct waiting *wait)
{
	uint64_t reason = wait->object;
	char what[64] = "";
	uint32_t owner;

	wait->object = 0;
	if (reason)
		target_read_text(w->sight->target,
				 word_at(w, reason + l->lot_what), what,
				 sizeof what);
	say_safe(wait, *what ? what : words);
	if (!*what)
		return;
	wait->object = word_at(w, reason + l->lot_object);
	if (wait->object)
		say(wait, " 0x%" PRIx64, wait->object);
	owner = lot_owner(w, l, reason);
	if (!owner)
		return;
	wait->holder = sight_owner(w->sight, owner);
	say(wait, wait->object ? ", held by " : " ");
	if (wait->holder)
		say_holder(w, wait, wait->holder->at);
	else
		say(wait, alone ? "a thread that has ended" : "another thread");
}

static void say_actor(const struct wording *w, const struct layout *l,
		      struct waiting *wait)
{
	uint64_t reason = wait->object;
	char text[64];

	target_read_text(w->sight->target, word_at(w, reason + l->actor_what),
			 text, sizeof text);
	say_safe(wait, text);
	wait->object = word_at(w, reason + l->actor_actor);
	say(wait, " actor 0x%" PRIx64, wait->object);
	target_read_text(w->sight->target, wait->object + l->actor_name, text,
			 sizeof text);
	if (!text[0])
		return;
	say(wait, " \"");
	say_safe(wait, text);
	say(wait, "\"");
}

/* ---- what ---------------------------------------------------------------- */

static void say_fd(struct wording *w, struct waiting *wait)
{
	const struct socket_seen *s;
	char kind[128];

	wait->fd = (int)wait->object;
	wait->object = 0;
	say(wait, " fd %d", wait->fd);
	s = fds_look(&w->fds, wait->fd, kind, sizeof kind);
	if (!s || !s->local[0]) {
		if (*kind) {
			say(wait, " (");
			say_safe(wait, kind);
			say(wait, ")");
		}
		return;
	}
	snprintf(wait->local, sizeof wait->local, "%s", s->local);
	snprintf(wait->peer, sizeof wait->peer, "%s", s->peer);
	say(wait, s->listens ? " (listening at " : s->peer[0] ? " (" : " (at ");
	say_safe(wait, s->local);
	if (s->peer[0])
		say(wait, " to %s", s->peer);
	say(wait, ")");
}

static void say_function(struct wording *w, struct waiting *wait)
{
	enum { SYSTEM_CALLS = 1024 };
	const struct symbol *symbol;

	if (!wait->object)
		return;
	if (wait->object < SYSTEM_CALLS) {
		say(wait, " to make system call %" PRIu64, wait->object);
		wait->object = 0;
		return;
	}
	symbol = unwinder_symbol(w->unwinder, wait->object);
	if (symbol->function && symbol->offset == 0)
		say(wait, " to run %s (%s)", symbol->function, symbol->module);
}

static void say_what(struct wording *w, const struct layout *l,
		     const struct map_wait *kind, bool alone,
		     struct waiting *wait)
{
	if (kind->object != MAP_RAMET && kind->object != MAP_LOT)
		say(wait, "%s", kind->words);
	switch (kind->object) {
	case MAP_SLEEP:
		if (wait->left < 0)
			snprintf(wait->text, sizeof wait->text,
				 "for a sleep that never ends");
		wait->object = 0;
		break;
	case MAP_NOTHING:
		wait->object = 0;
		break;
	case MAP_RAMET:
		say_joined(w, l, wait);
		break;
	case MAP_MUTEX:
		say_held(w, wait, "held", l->mutex_owner);
		break;
	case MAP_RWLOCK:
		say_rwlock(w, l, wait);
		break;
	case MAP_ONCE:
		say_held(w, wait, "run", l->once_runner);
		break;
	case MAP_BARRIER:
		say(wait,
		    " 0x%" PRIx64 ", where %" PRIu64 " of %" PRIu64 " are",
		    wait->object, word_at(w, wait->object + l->barrier_arrived),
		    word_at(w, wait->object + l->barrier_count));
		break;
	case MAP_GROUP:
		say_group(w, l, wait);
		break;
	case MAP_POOL:
		say_pool(w, l, wait);
		break;
	case MAP_LOT:
		say_lot(w, l, kind->words, alone, wait);
		break;
	case MAP_ACTOR:
		say_actor(w, l, wait);
		break;
	case MAP_STRING: {
		char text[80];

		target_read_text(w->sight->target, wait->object, text,
				 sizeof text);
		say(wait, " ");
		say_safe(wait, text);
		wait->object = 0;
		break;
	}
	case MAP_FD:
		say_fd(w, wait);
		break;
	case MAP_FUNCTION:
		say_function(w, wait);
		break;
	case MAP_PID:
		if (wait->object)
			say(wait, ", %" PRIu64, wait->object);
		wait->object = 0;
		break;
	default:
		say(wait, " 0x%" PRIx64, wait->object);
	}
}

static void say_limit(const struct map_wait *kind, struct waiting *wait)
{
	bool sleeps = kind->object == MAP_SLEEP;

	if (wait->left < 0)
		return;
	say(wait, sleeps ? ", " : ", at most ");
	say_duration(wait, wait->left);
	say(wait, sleeps ? " left" : " more");
}

void wording_wait(struct wording *w, const struct ramet_seen *t,
		  struct waiting *wait)
{
	static const struct map_wait unknown = {"unknown", "for something",
						MAP_OBJECT};
	const struct layout *l = layout_of(w->sight, t);
	const struct map_wait *kind =
		t->wait < l->wait_count ? &l->wait[t->wait] : &unknown;

	*wait = (struct waiting){.kind = "", .fd = -1, .left = -1};
	if (t->state != l->state_parked)
		return;
	wait->kind = kind->name;
	wait->object = t->object;
	if (t->due >= 0 && t->due != INT64_MAX)
		wait->left =
			t->due > w->sight->taken ? t->due - w->sight->taken : 0;
	say_what(w, l, kind, t->wait == l->wait_lot, wait);
	say_limit(kind, wait);
}

const char *wording_state(const struct sight *s, const struct ramet_seen *t)
{
	const struct layout *l = layout_of(s, t);

	if (t->state == l->state_parked)
		return "waiting";
	if (t->state == l->state_ended)
		return "ended";
	if (t->state == l->state_ready)
		return t->flags & l->flag_started ? "ready" : "new";
	return t->state == l->state_running ? "running" : "damaged";
}

int64_t wording_age(const struct sight *s, const struct ramet_seen *t)
{
	if (t->state != layout_of(s, t)->state_parked)
		return -1;
	return s->taken > t->since ? s->taken - t->since : 0;
}

/* ---- text ---------------------------------------------------------------- */

void put_safe(FILE *out, const char *text)
{
	for (int n; *text; text += n ? n : 1) {
		n = printable(text);
		fprintf(out, "%.*s", n ? n : 1, n ? text : "?");
	}
}

void put_ramet(FILE *out, const struct ramet_seen *t)
{
	fprintf(out, "ramet %" PRIu64, t->id);
	if (!t->name[0])
		return;
	fputs(" \"", out);
	put_safe(out, t->name);
	putc('"', out);
}

void put_symbol(FILE *out, struct unwinder *u, uint64_t pc)
{
	const struct symbol *s = unwinder_symbol(u, pc);

	if (s->guest)
		put_safe(out, s->function);
	else if (s->function)
		fprintf(out, "%s+0x%" PRIx64 " (%s)", s->function, s->offset,
			s->module);
	else if (s->module)
		fprintf(out, "%s+0x%" PRIx64, s->module, s->offset);
	else
		fprintf(out, "0x%" PRIx64, pc);
	if (!s->file)
		return;
	fputs(" at ", out);
	put_safe(out, s->file);
	fprintf(out, ":%d", s->line);
}

void put_duration(FILE *out, int64_t ns)
{
	struct waiting w = {.text = ""};

	say_duration(&w, ns);
	fputs(w.text, out);
}
