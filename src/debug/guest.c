/* guest.c - a host is asked again for each use: what it tells is copied
 * nowhere.
 */
#include "debug/guest.h"

#include "debug/owners.h"
#include "debug/words.h"
#include "ramet/host.h"

#include <string.h>

enum { MOST = 48 }; /* frames that are written */

typedef void put_fn(void *arg, const char *function, const char *file,
		    int line);

/* NULL: there is none, or it is over. */
static const struct ramet_host *host_of(const struct ramet *t)
{
	return t->flags & FLAG_GUEST && t->state != STATE_ENDED ? t->loop->host
								: NULL;
}

bool ramet__guest_speaks(const struct ramet *t)
{
	const struct ramet_host *host = host_of(t);

	return host && host->describe;
}

static void describe(const struct ramet *t, put_fn *put, void *arg)
{
	if (ramet__guest_speaks(t))
		t->loop->host->describe(t->cold->guest, put, arg);
}

static void describe_spawn(const struct ramet *t, put_fn *put, void *arg)
{
	const struct ramet_host *host = host_of(t);

	if (host && host->describe_spawn)
		host->describe_spawn(t->cold->guest, put, arg);
}

/* ---- compared ----------------------------------------------------------- */

static void add_text(uint64_t *hash, const char *text)
{
	for (; text && *text; text++)
		*hash = (*hash ^ (unsigned char)*text) * 0x100000001b3;
}

static void add(void *arg, const char *function, const char *file, int line)
{
	uint64_t *hash = arg;

	add_text(hash, function);
	add_text(hash, file);
	*hash = (*hash ^ (unsigned)line) * 0x100000001b3 + 1;
}

uint64_t ramet__guest_hash(const struct ramet *t)
{
	uint64_t hash = 0;

	describe(t, add, &hash);
	return hash;
}

/* ---- as text ------------------------------------------------------------ */

struct lines {
	struct out *out;
	size_t count;
};

static void put_frame(struct out *o, const char *function, const char *file,
		      int line)
{
	ramet__put_name(o, function, strlen(function));
	if (!file)
		return;
	ramet__print(o, " (");
	ramet__put_name(o, file, strlen(file));
	if (line > 0)
		ramet__print(o, ":%d", line);
	ramet__print(o, ")");
}

static void put_line(void *arg, const char *function, const char *file,
		     int line)
{
	struct lines *lines = arg;

	if (lines->count++ >= MOST)
		return;
	ramet__print(lines->out, "    ");
	put_frame(lines->out, function, file, line);
	ramet__print(lines->out, "\n");
}

void ramet__put_guest(struct out *o, const struct ramet *t)
{
	struct lines lines = {o, 0};

	describe(t, put_line, &lines);
	if (lines.count > MOST)
		ramet__print(o, "    ... %lu frames left out\n",
			     lines.count - MOST);
}

static void put_site(void *arg, const char *function, const char *file,
		     int line)
{
	struct lines *lines = arg;

	if (lines->count++ == 0)
		put_frame(lines->out, function, file, line);
}

bool ramet__put_guest_site(struct out *o, const struct ramet *t)
{
	struct lines lines = {o, 0};

	describe(t, put_site, &lines);
	return lines.count > 0;
}

bool ramet__put_guest_spawn(struct out *o, const struct ramet *t)
{
	struct lines lines = {o, 0};

	describe_spawn(t, put_site, &lines);
	return lines.count > 0;
}

/* ---- as JSON ------------------------------------------------------------ */

static void put_object(struct json *j, const char *key, const char *function,
		       const char *file, int line)
{
	ramet__json_open(j, key, '{');
	ramet__json_string(j, "function", function);
	if (file)
		ramet__json_string(j, "file", file);
	if (line > 0)
		ramet__json_number(j, "line", line);
	ramet__json_close(j, '}');
}

static void put_item(void *json, const char *function, const char *file,
		     int line)
{
	put_object(json, NULL, function, file, line);
}

void ramet__json_guest(struct json *j, const struct ramet *t)
{
	ramet__json_open(j, "guest_frames", '[');
	describe(t, put_item, j);
	ramet__json_close(j, ']');
}

struct first {
	struct json *json;
	const char *key; /* NULL: it is done */
};

static void put_first(void *first, const char *function, const char *file,
		      int line)
{
	struct first *f = first;

	if (f->key)
		put_object(f->json, f->key, function, file, line);
	f->key = NULL;
}

void ramet__json_guest_site(struct json *j, const char *key,
			    const struct ramet *t)
{
	struct first first = {j, key};

	describe(t, put_first, &first);
}

bool ramet__json_guest_spawn(struct json *j, const char *key,
			     const struct ramet *t)
{
	struct first first = {j, key};

	describe_spawn(t, put_first, &first);
	return !first.key;
}

/* ---- for the host itself ------------------------------------------------- */

void *ramet_host_holder(const struct ramet *t)
{
	const struct ramet *holder;

	if (t->wait != WAIT_HOST_LOCK && t->wait != WAIT_HOST_JOIN)
		return NULL;
	ramet__owners_forget();
	holder = ramet__waits_for(t);
	ramet__owners_forget();
	return holder && host_of(holder) ? holder->cold->guest : NULL;
}
