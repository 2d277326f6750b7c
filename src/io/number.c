/* number.c - the process's table: a generation for each number, and calls that
 * other OS threads make on it. */
#include "io/number.h"

#include "kernel/calls.h"

#define CLOSE_LATER UINT32_C(0x80000000)

bool ramet__closes_seen;

static struct info *info_pages[FD_PAGES]; /* never freed */

struct info *ramet__info(int number)
{
	unsigned page = (unsigned)number >> FD_PAGE_BITS;
	struct info *infos, *expected = NULL;

	if (page >= FD_PAGES)
		return NULL;
	infos = __atomic_load_n(&info_pages[page], __ATOMIC_ACQUIRE);
	if (unlikely(!infos)) {
		infos = kernel_alloc(FD_PAGE * sizeof *infos);
		if (!infos)
			return NULL;
		if (!__atomic_compare_exchange_n(&info_pages[page], &expected,
						 infos, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE)) {
			kernel_free(infos);
			infos = expected;
		}
	}
	return &infos[number % FD_PAGE];
}

struct info *ramet__info_known(int number)
{
	unsigned page = (unsigned)number >> FD_PAGE_BITS;
	struct info *infos = NULL;

	if (page < FD_PAGES)
		infos = __atomic_load_n(&info_pages[page], __ATOMIC_ACQUIRE);
	return infos ? &infos[number % FD_PAGE] : NULL;
}

size_t ramet__numbers_known(void)
{
	size_t n = 0;

	for (int page = 0; page < FD_PAGES; page++) {
		const struct info *infos =
			__atomic_load_n(&info_pages[page], __ATOMIC_ACQUIRE);

		for (int i = 0; infos && i < FD_PAGE; i++)
			n += __atomic_load_n(&infos[i].loops,
					     __ATOMIC_RELAXED) != 0;
	}
	return n;
}

bool ramet__number_is(int number, uint32_t generation)
{
	struct info *info = ramet__info(number);

	return info && info_generation(info) == generation;
}

/* ---- calls by other OS threads ------------------------------------------ */

void ramet__number_hold(int number)
{
	struct info *info = ramet__info(number);

	if (info)
		__atomic_add_fetch(&info->held, 1, __ATOMIC_ACQUIRE);
}

void ramet__number_release(int number)
{
	struct info *info = ramet__info(number);

	if (info && __atomic_sub_fetch(&info->held, 1, __ATOMIC_ACQ_REL) ==
			    CLOSE_LATER) {
		__atomic_store_n(&info->held, 0, __ATOMIC_RELEASE);
		kernel_close(number);
	}
}

bool ramet__number_is_held(int number)
{
	struct info *info = ramet__info_known(number);

	return info && __atomic_load_n(&info->held, __ATOMIC_ACQUIRE);
}

int ramet__number_close(int number)
{
	struct info *info = ramet__info_known(number);
	uint32_t held = 0;
	int err;

	if (info)
		held = __atomic_load_n(&info->held, __ATOMIC_ACQUIRE);
	while (unlikely(held)) {
		if (held & CLOSE_LATER)
			return -EBADF;
		if (__atomic_compare_exchange_n(&info->held, &held,
						held | CLOSE_LATER, false,
						__ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE))
			return 0;
	}
	err = kernel_close(number);
	return err == -EINTR ? 0 : err; /* Linux has freed the number */
}

void ramet__numbers_after_fork(void)
{
	for (int page = 0; page < FD_PAGES; page++)
		for (int i = 0; info_pages[page] && i < FD_PAGE; i++) {
			struct info *info = &info_pages[page][i];
			uint32_t held = info->held;

			info->held = 0;
			info->loops = 0;
			if (held & CLOSE_LATER)
				kernel_close(page * FD_PAGE + i);
		}
}
