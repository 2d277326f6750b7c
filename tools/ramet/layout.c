/* layout.c - finds the library's map by the notes of what is loaded, as it is
 * in memory: neither symbols nor files are needed. */
#include "tools/ramet/layout.h"
#include "tools/ramet/say.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { NOTES_MAX = 64 << 10, HEADERS_MAX = 64, TABLE_MAX = 4096 };

/* ---- the note ------------------------------------------------------------ */

/* Where the map is that a note in `notes`, which are at `at`, tells of; 0: in
 * none. */
static uint64_t map_of_notes(const char *notes, size_t left, uint64_t at,
			     unsigned type)
{
	Elf64_Nhdr n;

	while (left >= sizeof n) {
		size_t name, size;
		int32_t offset;

		memcpy(&n, notes, sizeof n);
		name = ((size_t)n.n_namesz + 3) & ~(size_t)3;
		size = sizeof n + name +
		       (((size_t)n.n_descsz + 3) & ~(size_t)3);
		if (size > left)
			break;
		if (n.n_type == type && n.n_namesz == sizeof "ramet" &&
		    n.n_descsz == sizeof offset &&
		    memcmp(notes + sizeof n, "ramet", sizeof "ramet") == 0) {
			memcpy(&offset, notes + sizeof n + name, sizeof offset);
			return at + sizeof n + name + (uint64_t)(int64_t)offset;
		}
		notes += size;
		at += size;
		left -= size;
	}
	return 0;
}

static uint64_t map_of_segment(const struct target *t, uint64_t at, size_t size,
			       unsigned type)
{
	char *notes;
	uint64_t map = 0;

	if (size > NOTES_MAX)
		return 0;
	notes = need(malloc(size + 1));
	if (target_read(t, at, notes, size))
		map = map_of_notes(notes, size, at, type);
	free(notes);
	return map;
}

/* An object whose first page is at `base`; 0: it has no map. */
static uint64_t map_of_object(const struct target *t, uint64_t base,
			      unsigned type)
{
	Elf64_Phdr p[HEADERS_MAX];
	uint64_t first = UINT64_MAX, map = 0;
	Elf64_Ehdr h;

	if (!target_read(t, base, &h, sizeof h) ||
	    memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 ||
	    h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_phnum > HEADERS_MAX ||
	    h.e_phentsize != sizeof *p ||
	    !target_read(t, base + h.e_phoff, p, h.e_phnum * sizeof *p))
		return 0;
	for (int i = 0; i < h.e_phnum && first == UINT64_MAX; i++)
		if (p[i].p_type == PT_LOAD)
			first = p[i].p_vaddr - p[i].p_offset;
	for (int i = 0; i < h.e_phnum && !map; i++)
		if (p[i].p_type == PT_NOTE)
			map = map_of_segment(t, base - first + p[i].p_vaddr,
					     p[i].p_memsz, type);
	return map;
}

/* ---- the map ------------------------------------------------------------- */

static const struct map_field fields[] = {
#define FIELD(field, name) {name, offsetof(struct layout, field)},
	LAYOUT(FIELD)
#undef FIELD
};

static _Noreturn void refuse_version(const char *version, const char *why)
{
	refuse(1,
	       "the program has ramet %.24s, %s; use the command ramet of that "
	       "version",
	       version, why);
}

/* Names are written to terminals and into JSON as they are. */
static void make_name(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (; *text; text++)
		if (*text < ' ' || *text >= 0x7f || *text == '"' ||
		    *text == '\\')
			*text = '?';
}

static bool is_map(const struct target *t, uint64_t at, struct map *m)
{
	if (!target_read(t, at, m, offsetof(struct map, value)) ||
	    memcmp(m->magic, MAP_MAGIC, sizeof m->magic) != 0)
		return false;
	make_name(m->version, sizeof m->version);
	return true;
}

static bool is_sound(const struct map *m)
{
	return m->value_size >= sizeof(struct map_value) &&
	       m->wait_size >= sizeof(struct map_wait) &&
	       m->value_count <= TABLE_MAX && m->wait_count <= TABLE_MAX &&
	       m->value_size <= TABLE_MAX && m->wait_size <= TABLE_MAX;
}

static void check_header(const struct map *m)
{
	if (m->format != MAP_FORMAT)
		refuse_version(m->version,
			       "whose map this command (" RAMET_VERSION
			       ") cannot read");
	if (!is_sound(m))
		refuse_version(m->version, "whose map is damaged");
}

static bool find(const char *values, const struct map *m, const char *name,
		 uint32_t *value)
{
	struct map_value v;

	for (uint32_t i = 0; i < m->value_count; i++) {
		memcpy(&v, values + (size_t)i * m->value_size, sizeof v);
		if (strncmp(v.name, name, sizeof v.name) == 0) {
			*value = v.value;
			return true;
		}
	}
	return false;
}

/* Returns what is the matter; NULL: nothing. */
static const char *read_values(const struct target *t, uint64_t at,
			       const struct map *m,
			       const struct map_field *wanted, size_t n,
			       void *to)
{
	size_t size = (size_t)m->value_count * m->value_size;
	char *values = need(malloc(size + 1));
	const char *why = NULL;

	if (!target_read(t, at + m->values, values, size))
		why = "whose map cannot be read";
	for (size_t i = 0; i < n && !why; i++) {
		uint32_t value;

		if (find(values, m, wanted[i].name, &value))
			memcpy((char *)to + wanted[i].offset, &value,
			       sizeof value);
		else
			why = "whose map lacks what this command needs";
	}
	free(values);
	return why;
}

static void read_waits(const struct target *t, uint64_t at, const struct map *m,
		       struct layout *l)
{
	l->wait_count = m->wait_count < MAP_WAITS ? m->wait_count : MAP_WAITS;
	for (unsigned i = 0; i < l->wait_count; i++) {
		struct map_wait *w = &l->wait[i];

		if (!target_read(t, at + m->waits + (uint64_t)i * m->wait_size,
				 w, sizeof *w))
			refuse_version(m->version, "whose map cannot be read");
		make_name(w->name, sizeof w->name);
		make_name(w->words, sizeof w->words);
	}
}

/* What is copied, and the members that are looked at in the copy. */
#define IN(whole, member, width)                                               \
	{                                                                      \
		offsetof(struct layout, whole##_size),                         \
			offsetof(struct layout, whole##_##member), width       \
	}
static const struct member {
	size_t whole, offset;
	uint32_t width;
} members[] = {
	IN(loop, current, 8),       IN(loop, now, 8),
	IN(loop, looked, 8),        IN(loop, outside, 8),
	IN(loop, sleeping, 4),      IN(loop, spawned, 8),
	IN(loop, live, 8),          IN(loop, switches, 8),
	IN(loop, kernel_waits, 8),  IN(loop, timers, 8),
	IN(class, slot, 8),         IN(class, slabs, 8),
	IN(slab, next, 8),          IN(slab, ramets, 8),
	IN(slab, ready, 8),         IN(ramet, sp, 8),
	IN(ramet, fp, 8),           IN(ramet, pc, 8),
	IN(ramet, cold, 8),         IN(ramet, flags, 2),
	IN(ramet, state, 1),        IN(ramet, wait, 1),
	IN(ramet, timer_link, 8),   IN(ramet, timer_when, 8),
	IN(ramet, object, 8),       IN(ramet, since, 8),
	IN(ramet, id, 8),           IN(ramet, switches, 2),
	IN(cold, switches_high, 4), IN(cold, fn, 8),
	IN(cold, spawn_site, 8),    IN(cold, parent, 8),
	IN(cold, joiner, 8),        IN(cold, guest, 8),
	IN(cold, routine, 8),       IN(cold, lot_id, 4),
};

static bool is_within(uint32_t whole, uint64_t at, uint64_t size)
{
	return at <= whole && size <= whole - at;
}

static uint32_t value_at(const struct layout *l, size_t offset)
{
	uint32_t value;

	memcpy(&value, (const char *)l + offset, sizeof value);
	return value;
}

static bool members_fit(const struct layout *l)
{
	const struct member *m = members;

	for (; m < members + sizeof members / sizeof *members; m++)
		if (!is_within(value_at(l, m->whole), value_at(l, m->offset),
			       m->width))
			return false;
	return is_within(l->cold_size, l->cold_name, l->name_size) &&
	       is_within(l->loop_size, l->loop_main, l->ramet_size) &&
	       is_within(l->loop_size, l->loop_classes,
			 (uint64_t)l->class_count * l->class_size);
}

static void check_layout(const struct layout *l)
{
	enum { LARGEST = 1 << 20, BITS_MOST = 32 };

	if (l->ramet_size > LARGEST || l->cold_size > LARGEST ||
	    l->loop_size > LARGEST || l->class_size > LARGEST ||
	    l->slab_size > LARGEST || l->class_count > 64 ||
	    l->name_size > 256 || l->timer_bits > BITS_MOST || !members_fit(l))
		refuse_version(l->version, "whose map is damaged");
}

static bool read_layout(const struct target *t, uint64_t at, struct layout *l)
{
	const char *why;
	struct map m;

	*l = (struct layout){0};
	if (!is_map(t, at, &m))
		return false;
	check_header(&m);
	memcpy(l->version, m.version, sizeof m.version);
	l->seen = m.seen;
	l->boot = m.boot;
	why = read_values(t, at, &m, fields, sizeof fields / sizeof *fields, l);
	if (why)
		refuse_version(m.version, why);
	read_waits(t, at, &m, l);
	if (!target_read(t, at + offsetof(struct map, record_wanted),
			 &l->record_wanted, sizeof l->record_wanted))
		refuse_version(m.version, "whose map cannot be read");
	check_layout(l);
	return true;
}

/* The map in the next object that has one, from mapping *i on; 0: none. */
static uint64_t next_map(const struct target *t, size_t *i, unsigned type)
{
	uint64_t map = 0;

	for (; *i < t->mapping_count && !map; ++*i) {
		const struct mapping *m = &t->mappings[*i];

		if (!m->offset && m->readable && m->name[0])
			map = map_of_object(t, m->start, type);
	}
	return map;
}

size_t layout_find(const struct target *t, struct layout *layouts, size_t n)
{
	size_t found = 0, i = 0;
	uint64_t map;

	while (found < n && (map = next_map(t, &i, MAP_NOTE)))
		found += read_layout(t, map, &layouts[found]);
	return found;
}

uint64_t map_find(const struct target *t, unsigned type)
{
	size_t i = 0;

	return next_map(t, &i, type);
}

bool map_read(const struct target *t, uint64_t map, struct map *header,
	      const struct map_field *wanted, size_t n, void *to)
{
	header->package = 0;
	if (!is_map(t, map, header) || header->format != MAP_FORMAT ||
	    !is_sound(header))
		return false;
	if (header->size > offsetof(struct map, package))
		target_read(t, map + offsetof(struct map, package),
			    &header->package, sizeof header->package);
	return !read_values(t, map, header, wanted, n, to);
}
