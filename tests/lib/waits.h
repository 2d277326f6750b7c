/* waits.h - ramets with names that wait, for the tests of what is said of them.
 * Their functions have frames of their own: those are said too. */
#ifndef WAITS_H
#define WAITS_H

#include "net.h"

#include "ramet.h"

#include <unistd.h>

#define FRAME static __attribute__((noinline, unused))

static struct ramet_mutex mutex __attribute__((unused));
static struct ramet_event event __attribute__((unused));
static struct ramet_mutex left __attribute__((unused)),
	right __attribute__((unused));
static int tcp[2] __attribute__((unused)), listener __attribute__((unused));

FRAME struct ramet *start(const char *name, void *(*fn)(void *), void *arg)
{
	struct ramet_opts opts = {.name = name};
	struct ramet *t = ramet_spawn_opts(fn, arg, &opts);

	CHECK(t != NULL);
	return t;
}

FRAME void *hold(void *unused)
{
	ramet_mutex_lock(&mutex);
	ramet_sleep(RAMET_NEVER);
	return unused;
}

FRAME void *lock_both(void *first)
{
	struct ramet_mutex *other = first == &left ? &right : &left;

	ramet_mutex_lock(first);
	ramet_yield();
	ramet_mutex_lock(other);
	return NULL;
}

FRAME void *wait_read(void *unused)
{
	char byte;

	ramet_read(tcp[0], &byte, 1);
	return unused;
}

FRAME void *wait_event(void *unused)
{
	ramet_event_wait(&event);
	return unused;
}

FRAME void *wait_join(void *t)
{
	ramet_join(t, NULL);
	return NULL;
}

FRAME void *wait_sleep(void *unused)
{
	ramet_sleep(3600 * RAMET_SEC);
	return unused;
}

FRAME void *block(void *unused)
{
	for (;;)
		pause();
	return unused;
}

FRAME void *wait_offload(void *unused)
{
	ramet_offload(block, NULL, NULL);
	return unused;
}

FRAME void *end(void *unused)
{
	return unused;
}

FRAME void connect_tcp(void)
{
	struct sockaddr_in a = loopback(0);
	socklen_t size = sizeof a;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_EQ(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
	CHECK_EQ(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&a, &size);
	tcp[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(connect(tcp[0], (struct sockaddr *)&a, sizeof a), 0);
	tcp[1] = accept(listener, NULL, NULL);
	CHECK(tcp[1] >= 0);
}

#endif
