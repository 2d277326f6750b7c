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

static bool is_map(const struct target *t, uint64_t at, struct map *m)
{
	if (!target_read(t, at, m, offsetof(struct map, value)) ||
	    memcmp(m->magic, MAP_MAGIC, sizeof m->magic) != 0)
		return false;
	m->version[sizeof m->version - 1] = '\0';
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
		w->name[sizeof w->name - 1] = '\0';
		w->words[sizeof w->words - 1] = '\0';
	}
}

/* Sizes that are multiplied with counts from the process. */
static void check_sizes(const struct layout *l)
{
	enum { LARGEST = 1 << 20 };

	if (l->ramet_size < 64 || l->ramet_size > LARGEST ||
	    l->cold_size < 64 || l->cold_size > LARGEST ||
	    l->loop_size > LARGEST || l->class_count > 64 ||
	    l->class_size > LARGEST || l->slab_size > LARGEST ||
	    l->name_size > 256)
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
	check_sizes(l);
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

bool map_read(const struct target *t, unsigned type,
	      const struct map_field *wanted, size_t n, void *to)
{
	size_t i = 0;
	uint64_t map = next_map(t, &i, type);
	struct map m;

	return map && is_map(t, map, &m) && m.format == MAP_FORMAT &&
	       is_sound(&m) && !read_values(t, map, &m, wanted, n, to);
}
