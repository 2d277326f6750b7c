/* chrome.c - the "Trace Event Format".  Runs are pairs of B and E, so rows are
 * in the order of time.
 */
#include "debug/chrome.h"

#include <string.h>

/* ---- a row -------------------------------------------------------------- */

struct row {
	size_t used;
	char text[768];
};

static void put(struct row *r, const char *text)
{
	size_t n = strlen(text), room = sizeof r->text - r->used;

	if (n > room)
		n = room;
	memcpy(r->text + r->used, text, n);
	r->used += n;
}

static void put_number(struct row *r, uint64_t n)
{
	char digits[21], *at = digits + sizeof digits - 1;

	*at = '\0';
	do
		*--at = (char)('0' + n % 10);
	while (n /= 10);
	put(r, at);
}

static void put_address(struct row *r, uint64_t n)
{
	char digits[20], *at = digits + sizeof digits - 1;

	*at = '\0';
	do
		*--at = "0123456789abcdef"[n % 16];
	while (n /= 16);
	put(r, "\"0x");
	put(r, at);
	put(r, "\"");
}

/* The format's unit is the microsecond. */
static void put_us(struct row *r, int64_t ns)
{
	uint64_t n = ns < 0 ? 0 : (uint64_t)ns;
	char part[5] = {'.', (char)('0' + n / 100 % 10),
			(char)('0' + n / 10 % 10), (char)('0' + n % 10), 0};

	put_number(r, n / 1000);
	put(r, part);
}

/* How many bytes of a UTF-8 sequence follow its first; -1: it is none. */
static int following(unsigned char c)
{
	if (c < 0x80)
		return 0;
	if (c >= 0xc2 && c < 0xe0)
		return 1;
	if (c >= 0xe0 && c < 0xf0)
		return 2;
	return c >= 0xf0 && c < 0xf5 ? 3 : -1;
}

static size_t whole(const unsigned char *at)
{
	int n = following(*at);

	for (int i = 1; i <= n; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return (size_t)(n + 1);
}

/* A name that others chose, cut where it must be. */
static void put_safe(struct row *r, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	char piece[8];

	while (*at) {
		size_t n = whole(at);

		if (n == 0 || *at < ' ' || *at == 0x7f) {
			put(r, "?");
			at++;
			continue;
		}
		if (*at == '"' || *at == '\\')
			put(r, "\\");
		memcpy(piece, at, n);
		piece[n] = '\0';
		put(r, piece);
		at += n;
	}
}

static void begin_row(struct row *r, const struct chrome *c, const char *phase,
		      int tid, int64_t now)
{
	r->used = 0;
	put(r, c->more ? ",\n{\"ph\":\"" : "\n{\"ph\":\"");
	put(r, phase);
	put(r, "\",\"pid\":");
	put_number(r, (uint64_t)c->pid);
	put(r, ",\"tid\":");
	put_number(r, (uint64_t)tid);
	put(r, ",\"ts\":");
	put_us(r, now);
}

static void end_row(struct row *r, struct chrome *c)
{
	ramet__put(c->out, r->text, r->used);
	c->more = true;
}

/* ---- names -------------------------------------------------------------- */

static const char *label(struct chrome *c, uint64_t pc)
{
	struct label *l = &c->labels[(pc >> 2) % CHROME_LABELS];

	if (l->pc != pc) {
		l->pc = pc;
		c->symbol(c->arg, pc, l->text, sizeof l->text);
	}
	return l->text;
}

void ramet__chrome_name(struct chrome *c, const struct who *w, char *text,
			size_t size)
{
	struct row r = {0};

	if (w->name[0]) {
		memcpy(text, w->name, size < WHO_NAME ? size : WHO_NAME);
		text[(size < WHO_NAME ? size : WHO_NAME) - 1] = '\0';
		return;
	}
	if (w->fn) {
		put(&r, label(c, w->fn));
	} else {
		put(&r, "ramet ");
		put_number(&r, w->id);
	}
	if (r.used > size - 1)
		r.used = size - 1;
	memcpy(text, r.text, r.used);
	text[r.used] = '\0';
}

static void put_name(struct row *r, struct chrome *c, const struct who *w)
{
	char name[CHROME_LABEL];

	ramet__chrome_name(c, w, name, sizeof name);
	put_safe(r, name);
}

static const char *kind_of(const struct chrome *c, unsigned wait)
{
	return wait < c->wait_count ? c->waits[wait].name : "?";
}

static void put_object(struct row *r, const struct chrome *c, unsigned wait,
		       uint64_t object)
{
	unsigned kind =
		wait < c->wait_count ? c->waits[wait].object : MAP_NOTHING;

	if (kind == MAP_NOTHING || kind == MAP_SLEEP)
		return;
	if (kind == MAP_STRING) {
		char words[CHROME_LABEL];

		c->string(c->arg, object, words, sizeof words);
		put(r, ",\"what\":\"");
		put_safe(r, words);
		put(r, "\"");
		return;
	}
	if (kind == MAP_FD || kind == MAP_PID) {
		put(r, kind == MAP_FD ? ",\"fd\":" : ",\"pid\":");
		put_number(r, object);
		return;
	}
	put(r, ",\"object\":");
	put_address(r, object);
}

/* ---- the view ----------------------------------------------------------- */

/* Why it had not run. */
static void put_before(struct row *r, struct chrome *c, const struct who *w,
		       int64_t now)
{
	if (w->parked) {
		put(r, ",\"waited\":\"");
		put(r, kind_of(c, w->wait));
		put(r, "\",\"waited_us\":");
		put_us(r, (w->ready ? w->ready : now) - w->parked);
		put_object(r, c, w->wait, w->object);
	}
	if (w->ready) {
		put(r, ",\"ready_us\":");
		put_us(r, now - w->ready);
	}
	if (w->waker) {
		put(r, ",\"woken_by\":");
		put_number(r, w->waker);
	}
}

static void on_run(void *arg, struct track *track, struct who *w, int64_t now)
{
	struct chrome *c = arg;
	struct row r;

	begin_row(&r, c, "B", track->tid, now);
	put(&r, ",\"name\":\"");
	put_name(&r, c, w);
	put(&r, "\",\"args\":{\"ramet\":");
	put_number(&r, w->id);
	put_before(&r, c, w, now);
	put(&r, "}}");
	end_row(&r, c);
}

static void on_stop(void *arg, struct track *track, struct who *w, int64_t now,
		    enum stop why)
{
	static const char *const words[] = {"wait", "yield", "end", "lost"};
	struct chrome *c = arg;
	struct row r;

	begin_row(&r, c, "E", track->tid, now);
	put(&r, ",\"args\":{\"then\":\"");
	put(&r, words[why]);
	put(&r, "\"");
	if (why == STOP_PARK) {
		put(&r, ",\"for\":\"");
		put(&r, kind_of(c, w->wait));
		put(&r, "\"");
		put_object(&r, c, w->wait, w->object);
	}
	put(&r, "}}");
	end_row(&r, c);
}

static void on_ready(void *arg, struct track *track, int64_t now)
{
	struct chrome *c = arg;
	struct row r;

	begin_row(&r, c, "C", track->tid, now);
	put(&r, ",\"name\":\"ready ");
	put_number(&r, (uint64_t)track->tid);
	put(&r, "\",\"args\":{\"ramets\":");
	put_number(&r, track->ready < 0 ? 0 : (uint64_t)track->ready);
	put(&r, "}}");
	end_row(&r, c);
}

static void put_instant(struct chrome *c, int tid, int64_t now,
			const char *what, const struct who *w, const char *key,
			uint64_t value)
{
	struct row r;

	begin_row(&r, c, "i", tid, now);
	put(&r, ",\"s\":\"t\",\"name\":\"");
	put(&r, what);
	if (w) {
		put(&r, " ");
		put_name(&r, c, w);
	}
	put(&r, "\",\"args\":{");
	if (w) {
		put(&r, "\"ramet\":");
		put_number(&r, w->id);
	}
	if (key) {
		put(&r, w ? ",\"" : "\"");
		put(&r, key);
		put(&r, "\":");
		put_number(&r, value);
	}
	put(&r, "}}");
	end_row(&r, c);
}

static void put_spawn(struct chrome *c, int tid, int64_t now,
		      const struct who *w, uint64_t by)
{
	struct row r;

	begin_row(&r, c, "i", tid, now);
	put(&r, ",\"s\":\"t\",\"name\":\"spawn ");
	put_name(&r, c, w);
	put(&r, "\",\"args\":{\"ramet\":");
	put_number(&r, w->id);
	put(&r, ",\"at\":\"");
	put_safe(&r, w->site ? label(c, w->site - 1) : "?");
	put(&r, "\"");
	if (by) {
		put(&r, ",\"by\":");
		put_number(&r, by);
	}
	put(&r, "}}");
	end_row(&r, c);
}

/* The kernel's waits are slices beside the ramets', on a track of their own. */
static void put_wait(struct chrome *c, struct track *track, int64_t now,
		     bool begins)
{
	struct row r;

	begin_row(&r, c, begins ? "b" : "e", track->tid, now);
	put(&r, ",\"cat\":\"kernel\",\"id\":");
	put_number(&r, (uint64_t)track->tid);
	put(&r, ",\"name\":\"waits for the kernel\"}");
	end_row(&r, c);
}

static void on_event(void *arg, struct track *track,
		     const struct record_event *e, struct who *w, int64_t now)
{
	struct chrome *c = arg;
	int tid = track->tid;

	switch (record_kind(e)) {
	case RECORD_GAP:
		put_instant(c, tid, track->last, "events were lost", NULL,
			    "events", e->argument);
		break;
	case RECORD_SPAWN:
		put_spawn(c, tid, now, w,
			  track->current ? track->current->id : 0);
		break;
	case RECORD_WAIT: /* or it only looks */
		track->waits = e->argument != 0;
		if (track->waits)
			put_wait(c, track, now, true);
		break;
	case RECORD_WAITED:
		if (track->waits)
			put_wait(c, track, now, false);
		track->waits = false;
		break;
	case RECORD_WATCH:
		put_instant(c, tid, now, "watch", NULL, "fd", e->argument);
		break;
	case RECORD_EVENT:
		put_instant(c, tid, now, "ready", NULL, "fd", e->argument);
		break;
	case RECORD_TIMER:
		put_instant(c, tid, now, "timer of", w, NULL, 0);
		break;
	case RECORD_SEND:
		put_instant(c, tid, now, "offload for", w, NULL, 0);
		break;
	case RECORD_BACK:
		put_instant(c, tid, now, "offloaded work is back", w, NULL, 0);
		break;
	default:
		break;
	}
}

/* ---- all ---------------------------------------------------------------- */

static void put_metadata(struct chrome *c, int tid, const char *what,
			 const char *name)
{
	struct row r;

	begin_row(&r, c, "M", tid, 0);
	put(&r, ",\"name\":\"");
	put(&r, what);
	put(&r, "\",\"args\":{\"name\":\"");
	put_safe(&r, name);
	put(&r, "\"}}");
	end_row(&r, c);
}

void ramet__chrome_begin(struct chrome *c, const char *process)
{
	ramet__print(c->out,
		     "{\"displayTimeUnit\":\"ns\",\"otherData\":"
		     "{\"by\":\"ramet " RAMET_VERSION "\"},\"traceEvents\":[");
	c->more = false;
	put_metadata(c, c->pid, "process_name", process);
}

void ramet__chrome_track(struct chrome *c, struct track *track)
{
	static const struct view view = {on_run, on_stop, on_ready, on_event};
	struct row name = {0};

	put(&name, "loop of thread ");
	put_number(&name, (uint64_t)track->tid);
	name.text[name.used] = '\0';
	put_metadata(c, track->tid, "thread_name", name.text);
	ramet__track_walk(track, &view, c);
}

void ramet__chrome_end(struct chrome *c)
{
	ramet__print(c->out, "\n]}\n");
}
