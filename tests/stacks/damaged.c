/* damaged.c - a program whose map of the library is overwritten, an entry at a
 * time, as its standard input says: "I VALUE" sets the value of the one of that
 * number, what was set before is as it was; it says the entry's name, or "end".
 * "names TEXT" calls every wait that; "circle" makes the list of loops go
 * round; a name for the three ramets comes after "call ". */
#include "debug/map.h"
#include "ramet.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct map *map; /* the library's own */

static void *sleeps(void *unused)
{
	ramet_sleep(3600 * RAMET_SEC);
	return unused;
}

static void find_map(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from, to;
	void *library = dlopen("libramet.so.0", RTLD_NOW | RTLD_NOLOAD);

	map = library ? dlsym(library, "ramet_map") : NULL;
	from = (uintptr_t)map & -page;
	to = (uintptr_t)(map + 1) + page - 1;
	if (!map || mprotect((void *)from, (to & -page) - from,
			     PROT_READ | PROT_WRITE) < 0)
		exit(1);
}

static void set(const char *line)
{
	static struct map_value *last, before;
	char *end;
	unsigned long i = strtoul(line, &end, 10);

	if (last)
		*last = before;
	last = NULL;
	if (i >= MAP_VALUES || !map->value[i].name[0]) {
		puts("end");
		return;
	}
	last = &map->value[i];
	before = *last;
	last->value = (uint32_t)strtoul(end, NULL, 0);
	printf("%.28s\n", last->name);
}

static void set_names(const char *text)
{
	for (size_t i = 0; i < MAP_WAITS; i++) {
		struct map_wait *w = &map->wait[i];

		snprintf(w->name, sizeof w->name, "%.15s", text);
		snprintf(w->words, sizeof w->words, "%.43s", text);
	}
	puts("set");
}

static size_t offset_of(const char *name)
{
	size_t i = 0;

	while (strcmp(map->value[i].name, name) != 0)
		i++;
	return map->value[i].value;
}

static void go_round(void)
{
	static char *first, records[2][256];
	char *next[] = {records[1], records[0]};

	for (int i = 0; i < 2; i++) {
		memcpy(records[i], *(char **)(uintptr_t)map->seen, 64);
		memcpy(records[i] + offset_of("seen.next"), &next[i],
		       sizeof next[i]);
	}
	first = records[0];
	map->seen = (uintptr_t)&first;
	puts("set");
}

int main(void)
{
	struct ramet_opts opts = {.name = "sleeper"};
	struct ramet *ramets[3];
	char line[256];

	alarm(300);
	find_map();
	ramet_set_watchdog(0); /* main reads by libc */
	for (int i = 0; i < 3; i++)
		if (!(ramets[i] = ramet_spawn_opts(sleeps, NULL, &opts)))
			return 1;
	ramet_yield();
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "names ", 6) == 0)
			set_names(line + 6);
		else if (strcmp(line, "circle") == 0)
			go_round();
		else if (strncmp(line, "call ", 5) == 0) {
			for (int i = 0; i < 3; i++)
				ramet_set_name(ramets[i], line + 5);
			puts("set");
		} else
			set(line);
	}
	_exit(0);
}
