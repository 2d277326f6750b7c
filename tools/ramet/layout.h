/* layout.h - the map of the library that is in another process, read. */
#ifndef TOOLS_RAMET_LAYOUT_H
#define TOOLS_RAMET_LAYOUT_H

#include "debug/map.h"
#include "tools/ramet/target.h"

/* What is asked for: a name here, and in the map. */
#define LAYOUT(X)                                                              \
	X(seen_next, "seen.next")                                              \
	X(seen_loop, "seen.loop")                                              \
	X(seen_tid, "seen.tid")                                                \
	X(loop_size, "sizeof.loop")                                            \
	X(loop_current, "loop.current")                                        \
	X(loop_now, "loop.now")                                                \
	X(loop_looked, "loop.looked")                                          \
	X(loop_outside, "loop.outside")                                        \
	X(loop_sleeping, "loop.sleeping")                                      \
	X(loop_spawned, "loop.stats.spawned")                                  \
	X(loop_live, "loop.stats.live")                                        \
	X(loop_switches, "loop.stats.switches")                                \
	X(loop_kernel_waits, "loop.stats.kernel_waits")                        \
	X(loop_timers, "loop.timers.count")                                    \
	X(loop_classes, "loop.classes")                                        \
	X(loop_main, "loop.main")                                              \
	X(loop_record, "loop.record_ring")                                     \
	X(record_format, "record.format")                                      \
	X(record_outside, "record.outside")                                    \
	X(class_count, "count.classes")                                        \
	X(class_size, "sizeof.stack_class")                                    \
	X(class_slot, "stack_class.size")                                      \
	X(class_slabs, "stack_class.slabs")                                    \
	X(slab_size, "sizeof.slab")                                            \
	X(slab_next, "slab.next")                                              \
	X(slab_ramets, "slab.ramets")                                          \
	X(slab_ready, "slab.ready")                                            \
	X(ramet_size, "sizeof.ramet")                                          \
	X(ramet_sp, "ramet.context.sp")                                        \
	X(ramet_fp, "ramet.context.fp")                                        \
	X(ramet_pc, "ramet.context.pc")                                        \
	X(ramet_cold, "ramet.cold")                                            \
	X(ramet_flags, "ramet.flags")                                          \
	X(ramet_state, "ramet.state")                                          \
	X(ramet_wait, "ramet.wait")                                            \
	X(ramet_timer_link, "ramet.timer.link")                                \
	X(ramet_timer_when, "ramet.timer.when")                                \
	X(timer_bits, "timer.tick_bits")                                       \
	X(ramet_object, "ramet.wait_object")                                   \
	X(ramet_since, "ramet.since")                                          \
	X(ramet_id, "ramet.id")                                                \
	X(cold_size, "sizeof.cold")                                            \
	X(cold_fn, "cold.fn")                                                  \
	X(cold_spawn_site, "cold.spawn_site")                                  \
	X(cold_parent, "cold.parent")                                          \
	X(cold_joiner, "cold.joiner")                                          \
	X(cold_guest, "cold.guest")                                            \
	X(cold_routine, "cold.routine")                                        \
	X(cold_lot_id, "cold.lot_id")                                          \
	X(cold_name, "cold.name")                                              \
	X(name_size, "sizeof.cold.name")                                       \
	X(state_free, "state.free")                                            \
	X(state_ready, "state.ready")                                          \
	X(state_running, "state.running")                                      \
	X(state_parked, "state.parked")                                        \
	X(state_ended, "state.ended")                                          \
	X(flag_cancel, "flag.cancel")                                          \
	X(flag_kill, "flag.kill")                                              \
	X(flag_started, "flag.started")                                        \
	X(flag_tls, "flag.tls")                                                \
	X(flag_guest, "flag.guest")                                            \
	X(joiner_missing, "joiner.missing")                                    \
	X(mutex_owner, "ramet_mutex.owner")                                    \
	X(rwlock_readers, "ramet_rwlock.readers")                              \
	X(rwlock_writer, "ramet_rwlock.writer")                                \
	X(once_runner, "ramet_once.runner")                                    \
	X(barrier_count, "ramet_barrier.count")                                \
	X(barrier_arrived, "ramet_barrier.arrived")                            \
	X(group_running, "ramet_group.running")                                \
	X(group_children, "ramet_group.children")                              \
	X(pool_size, "ramet_pool.size")                                        \
	X(pool_running, "ramet_pool.running")                                  \
	X(pool_all, "ramet_pool.all")                                          \
	X(worker_next, "worker.next")                                          \
	X(worker_ramet, "worker.ramet")                                        \
	X(worker_state, "worker.state")                                        \
	X(worker_busy, "worker.state.busy")                                    \
	X(ramet_switches, "ramet.switches")                                    \
	X(cold_switches_high, "cold.switches_high")                            \
	X(lot_what, "lot_reason.what")                                         \
	X(lot_object, "lot_reason.object")                                     \
	X(lot_owner, "lot_reason.owner")                                       \
	X(lot_owner_now, "lot_reason.owner_now")                               \
	X(wait_lot, "wait.lot")                                                \
	X(actor_what, "actor_wait.what")                                       \
	X(actor_actor, "actor_wait.actor")                                     \
	X(actor_name, "ramet_actor.name")

struct layout {
	char version[25];
	uint64_t seen;          /* where the pointer to the newest loop is */
	uint64_t boot;          /* where each stack begins */
	uint64_t record_wanted; /* the word that has loops record */
	unsigned wait_count;
	struct map_wait wait[MAP_WAITS];
#define FIELD(field, name) uint32_t field;
	LAYOUT(FIELD)
#undef FIELD
};

/* Find the maps of the library in a process: a program may have it twice, in
 * itself and as a shared library.  Returns how many, at most n; does not return
 * if there is one that cannot be understood. */
size_t layout_find(const struct target *t, struct layout *layouts, size_t n);

/* A number in a map, and where in a structure it goes. */
struct map_field {
	const char *name;
	size_t offset;
};

/* Where a map of another kind is: the first one with a note of that type.  0:
 * there is none. */
uint64_t map_find(const struct target *t, unsigned type);

/* Its header, and what is wanted of its values.  False: it has not all of
 * these. */
bool map_read(const struct target *t, uint64_t map, struct map *header,
	      const struct map_field *wanted, size_t n, void *to);

#endif
