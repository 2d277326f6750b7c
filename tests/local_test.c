/* Values per ramet, and their destructors. */
#include "ramet.h"
#include "ramets.h"

static struct ramet_local *keys[200];
static int destroyed, again;

static void destroy(void *value)
{
	CHECK_EQ((intptr_t)value / 1000, (intptr_t)ramet_id(ramet_self()));
	CHECK_EQ(ramet_yield(), 0);
	destroyed++;
}

static void *user(void *arg)
{
	intptr_t id = (intptr_t)ramet_id(ramet_self());

	for (intptr_t i = 0; i < 200; i++) {
		CHECK(!ramet_local_get(keys[i]));
		CHECK_EQ(ramet_local_set(keys[i], (void *)(id * 1000 + i)), 0);
		CHECK_EQ(ramet_yield(), 0);
	}
	for (intptr_t i = 0; i < 200; i++)
		CHECK_EQ((intptr_t)ramet_local_get(keys[i]), id * 1000 + i);
	return arg;
}

TEST(each_ramet_has_its_own_values_and_destructors_run)
{
	struct ramet *t[10];

	for (int i = 0; i < 200; i++)
		keys[i] = made(ramet_local_new(destroy));
	for (int i = 0; i < 10; i++)
		t[i] = spawn(user, NULL);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(ramet_join(t[i], NULL), 0);
	CHECK_EQ(destroyed, 2000);
	CHECK(!ramet_local_get(keys[0]));
}

static void destroy_again(void *value)
{
	again++;
	CHECK_EQ(ramet_local_set(keys[0], value), 0);
}

static void *stubborn(void *arg)
{
	CHECK_EQ(ramet_local_set(keys[0], &keys), 0);
	return arg;
}

TEST(a_destructor_that_sets_the_value_again_is_given_up_after_four_rounds)
{
	keys[0] = made(ramet_local_new(destroy_again));
	CHECK_EQ(ramet_join(spawn(stubborn, NULL), NULL), 0);
	CHECK_EQ(again, 4);
}

static void *late(void *arg)
{
	struct ramet_local *key;

	CHECK_EQ(ramet_local_set(keys[0], &keys), 0);
	key = made(ramet_local_new(NULL));
	CHECK(!ramet_local_get(key));
	CHECK_EQ(ramet_local_set(key, &keys), 0);
	CHECK(ramet_local_get(key) == &keys);
	CHECK(ramet_local_get(keys[0]) == &keys);
	return arg;
}

TEST(keys_may_be_added_at_any_time)
{
	keys[0] = made(ramet_local_new(NULL));
	CHECK_EQ(ramet_join(spawn(late, NULL), NULL), 0);
}
