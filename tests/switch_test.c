/* What a switch must keep: registers, errno, the floating point environment. */
#include "ramet.h"
#include "ramets.h"

#include <fenv.h>
#include <math.h>

static int turn;

/* More live values than registers, of both kinds, across a switch. */
static void *juggle(void *arg)
{
	long seed = (long)(intptr_t)arg, a[24];
	double d[24];

	for (int i = 0; i < 24; i++) {
		a[i] = seed * 1000 + i;
		d[i] = (double)seed + i / 32.0;
	}
	for (int round = 0; round < 100; round++) {
		turn++;
		CHECK_EQ(ramet_yield(), 0);
		for (int i = 0; i < 24; i++) {
			CHECK_EQ(a[i], seed * 1000 + i);
			CHECK(d[i] == (double)seed + i / 32.0);
		}
	}
	return arg;
}

TEST(values_survive_switches)
{
	struct ramet *t[10];

	for (intptr_t i = 0; i < 10; i++)
		t[i] = spawn(juggle, (void *)i);
	for (intptr_t i = 0; i < 10; i++) {
		void *value = NULL;

		CHECK_EQ(ramet_join(t[i], &value), 0);
		CHECK(value == (void *)i);
	}
	CHECK_EQ(turn, 1000);
}

static void *set_errno(void *arg)
{
	errno = (int)(intptr_t)arg;
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(ramet_yield(), 0);
		CHECK_EQ(errno, (int)(intptr_t)arg);
	}
	return NULL;
}

TEST(errno_is_private)
{
	struct ramet *a = spawn(set_errno, (void *)(intptr_t)EBADF);
	struct ramet *b = spawn(set_errno, (void *)(intptr_t)EPIPE);

	errno = ENOENT;
	CHECK_EQ(ramet_join(a, NULL), 0);
	CHECK_EQ(ramet_join(b, NULL), 0);
	CHECK_EQ(errno, ENOENT);
}

TEST(a_new_ramet_starts_with_errno_zero)
{
	void *value = NULL;
	struct ramet *t;

	errno = EPERM;
	t = spawn(set_errno, NULL);
	CHECK_EQ(ramet_join(t, &value), 0);
}

static void *round_up(void *arg)
{
	(void)arg;
	CHECK_EQ(fesetround(FE_UPWARD), 0);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(ramet_yield(), 0);
		CHECK_EQ(fegetround(), FE_UPWARD);
	}
	return NULL;
}

static void *round_nearest(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(fegetround(), FE_TONEAREST);
		CHECK_EQ(ramet_yield(), 0);
	}
	return NULL;
}

TEST(a_rounding_mode_of_its_own_stays_with_its_ramet)
{
	struct ramet_opts own = {.own_fenv = 1};
	struct ramet *a = made(ramet_spawn_opts(round_up, NULL, &own));
	struct ramet *b = spawn(round_nearest, NULL);

	CHECK_EQ(ramet_join(a, NULL), 0);
	CHECK_EQ(ramet_join(b, NULL), 0);
	CHECK_EQ(fegetround(), FE_TONEAREST);
}

/* The stack of a new ramet is aligned as the ABI says: SSE would fault. */
static void *aligned(void *arg)
{
	volatile long double x = 1.5L;
	_Alignas(16) volatile char buf[32];

	(void)arg;
	buf[0] = (char)x;
	CHECK_EQ((uintptr_t)buf % 16, 0);
	return NULL;
}

TEST(stacks_are_aligned)
{
	CHECK_EQ(ramet_join(spawn(aligned, NULL), NULL), 0);
}
