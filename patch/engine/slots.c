/* slots.c - open addressing; a place once taken stays so, since each change
 * makes a table afresh. */
#include "patch/engine/slots.h"

#include "base/base.h"

/* Slots are pointers, side by side. */
static size_t place_of(const struct slots *slots, void **at)
{
	uint64_t h = (uint64_t)(uintptr_t)at >> 3;

	return (h ^ h >> 12) & (slots->room - 1);
}

/* Where it is, or belongs. */
static struct slot *place(const struct slots *slots, void **at)
{
	struct slot *first = slots_first(slots);
	size_t i = place_of(slots, at);

	while (first[i].at && first[i].at != at)
		i = (i + 1) & (slots->room - 1);
	return &first[i];
}

struct slot *slots_find(const struct slots *slots, void **at)
{
	struct slot *s = slots->count ? place(slots, at) : NULL;

	return s && s->at ? s : NULL;
}

static int grow(struct slots *slots)
{
	struct slots more = {.room = slots->room ? slots->room * 2 : 256};
	int err = memory_grow(&more.memory, more.room * sizeof(struct slot));

	if (err < 0)
		return err;
	slots_each(s, slots) * place(&more, s->at) = *s;
	more.count = slots->count;
	slots_fini(slots);
	*slots = more;
	return 0;
}

int slots_add(struct slots *slots, const struct slot *slot)
{
	int err = slots->count < slots->room / 2 ? 0 : grow(slots);

	if (err < 0)
		return err;
	assert(!slots_find(slots, slot->at));
	*place(slots, slot->at) = *slot;
	slots->count++;
	return 0;
}

void slots_fini(struct slots *slots)
{
	memory_fini(&slots->memory);
	*slots = (struct slots){0};
}
