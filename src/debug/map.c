/* map.c - the map of this library.
 *
 * The head of the list of loops is defined here, so that whoever links the
 * archive has the map in his program.
 */
#include "debug/map.h"

#include "core/record.h"
#include "core/stack.h"
#include "debug/registry.h"
#include "ramet/task.h"
#include "sync/lot.h"
#include "sync/sync.h"
#include "task/actor/actor.h"
#include "task/pool.h"

struct seen *ramet__seen;

#define AT(type, member)                                                       \
	{                                                                      \
#type "." #member, offsetof(struct type, member)               \
	}
#define SIZE(type)                                                             \
	{                                                                      \
		"sizeof." #type, sizeof(struct type)                           \
	}
#define WORDS(name, words, object)                                             \
	{                                                                      \
		name, words, object                                            \
	}

_Static_assert((int)WAIT_LAST < (int)MAP_WAITS, "each wait is in the map");

__attribute__((used)) const struct map ramet__map = {
	.magic = {'r', 'a', 'm', 'e', 't', 'm', 'a', 'p'},
	.format = MAP_FORMAT,
	.size = sizeof(struct map),
	.version = RAMET_VERSION,
	.seen = (uintptr_t)&ramet__seen,
	.boot = (uintptr_t)ramet__boot,
	.values = offsetof(struct map, value),
	.value_size = sizeof(struct map_value),
	.value_count = MAP_VALUES,
	.waits = offsetof(struct map, wait),
	.wait_size = sizeof(struct map_wait),
	.wait_count = WAIT_LAST + 1,
	.record_wanted = (uintptr_t)&ramet__record_wanted,
	.value = {
		AT(seen, next),
		AT(seen, loop),
		AT(seen, tid),

		SIZE(loop),
		AT(loop, current),
		AT(loop, now),
		AT(loop, looked),
		AT(loop, outside),
		AT(loop, host),
		AT(loop, sleeping),
		AT(loop, stats.spawned),
		AT(loop, stats.live),
		AT(loop, stats.switches),
		AT(loop, stats.kernel_waits),
		AT(loop, timers.count),
		AT(loop, classes),
		AT(loop, main),
		AT(loop, main_cold),
		AT(loop, record_ring),
		{"record.format", RECORD_FORMAT},
		{"record.outside", RECORD_OUTSIDE},
		{"count.classes", STACK_CLASSES},

		SIZE(stack_class),
		AT(stack_class, size),
		AT(stack_class, slabs),
		SIZE(slab),
		AT(slab, next),
		AT(slab, ramets),
		AT(slab, ready),

		SIZE(ramet),
		AT(ramet, context.sp),
		AT(ramet, context.fp),
		AT(ramet, context.pc),
		AT(ramet, next),
		AT(ramet, cold),
		AT(ramet, flags),
		AT(ramet, state),
		AT(ramet, wait),
		AT(ramet, switches),
		AT(ramet, timer.link),
		AT(ramet, timer.when),
		{"timer.tick_bits", TIMER_TICK_BITS},
		AT(ramet, until),
		AT(ramet, loop),
		AT(ramet, wait_object),
		AT(ramet, since),
		AT(ramet, id),

		SIZE(cold),
		AT(cold, ramet),
		AT(cold, class),
		AT(cold, fn),
		AT(cold, spawn_site),
		AT(cold, parent),
		AT(cold, joiner),
		AT(cold, guest),
		AT(cold, routine),
		AT(cold, lot_id),
		AT(cold, switches_high),
		AT(cold, name),
		{"sizeof.cold.name", sizeof((struct cold *)0)->name},

		{"state.free", STATE_FREE},
		{"state.ready", STATE_READY},
		{"state.running", STATE_RUNNING},
		{"state.parked", STATE_PARKED},
		{"state.ended", STATE_ENDED},
		{"flag.cancel", FLAG_CANCEL},
		{"flag.shield", FLAG_SHIELD},
		{"flag.kill", FLAG_KILL},
		{"flag.started", FLAG_STARTED},
		{"flag.tls", FLAG_TLS},
		{"flag.guest", FLAG_GUEST},

		AT(joiner, missing),
		AT(ramet_mutex, owner),
		AT(ramet_rwlock, readers),
		AT(ramet_rwlock, writer),
		AT(ramet_once, runner),
		AT(ramet_barrier, count),
		AT(ramet_barrier, arrived),
		AT(ramet_group, running),
		AT(ramet_group, children),
		AT(ramet_pool, size),
		AT(ramet_pool, running),
		AT(ramet_pool, queued),
		AT(ramet_pool, all),
		AT(worker, next),
		AT(worker, ramet),
		AT(worker, state),
		{"worker.state.busy", WORKER_BUSY},
		AT(lot_reason, what),
		AT(lot_reason, object),
		AT(lot_reason, owner),
		AT(lot_reason, owner_now),
		{"wait.lot", WAIT_LOT},
		AT(actor_wait, what),
		AT(actor_wait, actor),
		AT(ramet_actor, name),
	},
	.wait = {
		[WAIT_NONE] = WORDS("other", "for something", MAP_OBJECT),
		[WAIT_JOIN] = WORDS("join", "for", MAP_RAMET),
		[WAIT_GROUP] = WORDS("group", "for its group", MAP_GROUP),
		[WAIT_MUTEX] = WORDS("mutex", "for mutex", MAP_MUTEX),
		[WAIT_COND] = WORDS("condition", "for a signal on condition",
				    MAP_OBJECT),
		[WAIT_SEM] = WORDS("semaphore", "for semaphore", MAP_OBJECT),
		[WAIT_EVENT] = WORDS("event", "for event", MAP_OBJECT),
		[WAIT_WG] = WORDS("wait group", "for wait group", MAP_OBJECT),
		[WAIT_SEND] = WORDS("channel send", "to send on channel", MAP_OBJECT),
		[WAIT_RECV] = WORDS("channel receive", "to receive from channel",
				    MAP_OBJECT),
		[WAIT_SELECT] = WORDS("select", "in select, cases", MAP_OBJECT),
		[WAIT_RDLOCK] = WORDS("rwlock read", "to read-lock rwlock",
				      MAP_RWLOCK),
		[WAIT_WRLOCK] = WORDS("rwlock write", "to write-lock rwlock",
				      MAP_RWLOCK),
		[WAIT_BARRIER] = WORDS("barrier", "at barrier", MAP_BARRIER),
		[WAIT_ONCE] = WORDS("once", "for once", MAP_ONCE),
		[WAIT_PLACE] = WORDS("pool place", "for a place in pool", MAP_POOL),
		[WAIT_JOBS] = WORDS("pool jobs", "for jobs of pool", MAP_POOL),
		[WAIT_IDLE] = WORDS("pool worker", "for a job of pool", MAP_OBJECT),
		[WAIT_FUTURE] = WORDS("future", "for future", MAP_OBJECT),
		[WAIT_PUT] = WORDS("queue put", "to put into queue", MAP_OBJECT),
		[WAIT_GET] = WORDS("queue get", "to get from queue", MAP_OBJECT),
		[WAIT_DONE] = WORDS("queue done", "for the work to be done of queue",
				    MAP_OBJECT),
		[WAIT_LOT] = WORDS("lot", "in the parking lot", MAP_LOT),
		[WAIT_ACTOR] = WORDS("actor", "", MAP_ACTOR),
		[WAIT_HOST] = WORDS("host", "for", MAP_STRING),
		[WAIT_HOST_LOCK] = WORDS("lock", "for a lock", MAP_LOT),
		[WAIT_HOST_JOIN] = WORDS("join", "for an end", MAP_LOT),
		[WAIT_SLEEP] = WORDS("sleep", "for its sleep to end",
				     MAP_SLEEP),
		[WAIT_READ] = WORDS("read", "to read from", MAP_FD),
		[WAIT_WRITE] = WORDS("write", "to write to", MAP_FD),
		[WAIT_POLL] = WORDS("poll",
				    "for one of the descriptors in pollfd",
				    MAP_OBJECT),
		[WAIT_OFFLOAD] = WORDS("offload", "for a helper thread",
				       MAP_FUNCTION),
		[WAIT_WAKER] = WORDS("waker", "for waker", MAP_OBJECT),
		[WAIT_CHILD] = WORDS("child", "for a child process", MAP_PID),
		[WAIT_SIGNAL] = WORDS("signal", "for a signal", MAP_NOTHING),
		[WAIT_LOOP] = WORDS("loop",
				    "for other loops to send it work, as loop",
				    MAP_OBJECT),
		[WAIT_SELECT_OPEN] = WORDS("select", "in select, cases",
					   MAP_OBJECT),
		[WAIT_FUTURE_OPEN] = WORDS("future", "for future", MAP_OBJECT),
		[WAIT_PUT_OPEN] = WORDS("queue put", "to put into queue", MAP_OBJECT),
		[WAIT_GET_OPEN] = WORDS("queue get", "to get from queue", MAP_OBJECT),
		[WAIT_DONE_OPEN] = WORDS("queue done",
					 "for the work to be done of queue",
					 MAP_OBJECT),
		[WAIT_LOT_OPEN] = WORDS("lot", "in the parking lot", MAP_LOT),
		[WAIT_ACTOR_OPEN] = WORDS("actor", "", MAP_ACTOR),
	},
};

extern const struct map ramet_map
	__attribute__((alias("ramet__map"), visibility("default")));

__asm__(".pushsection .note.ramet, \"a\", %note\n"
	".balign 4\n"
	".long 6, 4, 1\n" /* MAP_NOTE */
	".asciz \"ramet\"\n"
	".balign 4\n"
	"1: .long ramet__map - 1b\n"
	".popsection");
