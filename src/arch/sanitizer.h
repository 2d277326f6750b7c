/* sanitizer.h - tells ASan, TSan and valgrind about stacks and switches.
 * Built in whenever the compiler or the headers know of them; else nothing.
 * clang announces sanitizers only by __has_feature, gcc only by macros. */
#ifndef ARCH_SANITIZER_H
#define ARCH_SANITIZER_H

#include <stdbool.h>
#include <stddef.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined __SANITIZE_ADDRESS__ || __has_feature(address_sanitizer)
#define RAMET_ASAN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#if defined __SANITIZE_THREAD__ || __has_feature(thread_sanitizer)
#define RAMET_TSAN 1
#include <sanitizer/tsan_interface.h>
#endif
#if defined __has_include
#if __has_include(<valgrind/valgrind.h>)
#define RAMET_VALGRIND 1
#include <valgrind/valgrind.h>
#endif
#endif

/* A function that no sanitizer follows, which holds as long as it is not made
 * a part of one that they do. */
#if defined __clang__ && (defined RAMET_ASAN || defined RAMET_TSAN)
#define SANITIZER_BLIND                                                        \
	__attribute__((noinline, disable_sanitizer_instrumentation))
#elif defined __clang__
#define SANITIZER_BLIND __attribute__((disable_sanitizer_instrumentation))
#else
#define SANITIZER_BLIND                                                        \
	__attribute__((no_sanitize_address, no_sanitize_thread))
#endif

/* TSan lets handlers run later, and what is looked at in spite of its owner is a
 * race to it: nobody watches there. */
#ifdef RAMET_TSAN
#define SANITIZER_FINDS_RACES 1
#else
#define SANITIZER_FINDS_RACES 0
#endif

/* LeakSanitizer reads all that the system's list of mappings calls readable,
 * which the lighter kind of guard still is. */
#ifdef RAMET_ASAN
#define SANITIZER_READS_STACKS 1
#else
#define SANITIZER_READS_STACKS 0
#endif

/* Whether valgrind runs us: asking it costs more than a branch.  Atomic; never
 * written elsewhere. */
extern bool ramet__on_valgrind;

static inline void sanitizer_init(void)
{
#ifdef RAMET_VALGRIND
	if (RUNNING_ON_VALGRIND)
		__atomic_store_n(&ramet__on_valgrind, true, __ATOMIC_RELAXED);
#endif
}

/* What a stack needs to remember. */
struct sanitizer {
	void *fibre;       /* TSan's */
	void *low;         /* lowest address, for ASan */
	size_t size;
	unsigned valgrind; /* registration */
};

/* valgrind 3.19 complains aloud about system calls that it does not know; we
 * have a fall-back for each. */
static inline bool sanitizer_knows_syscall(long nr)
{
	return nr < 434 || !ramet__on_valgrind;
}

/* A mapping that will hold stacks: what they point to is not leaked. */
static inline void sanitizer_map(void *start, size_t size)
{
#ifdef RAMET_ASAN
	__lsan_register_root_region(start, size);
#else
	(void)start, (void)size;
#endif
}

static inline void sanitizer_unmap(void *start, size_t size)
{
#ifdef RAMET_ASAN
	__lsan_unregister_root_region(start, size);
	__asan_unpoison_memory_region(start, size);
#else
	(void)start, (void)size;
#endif
}

/* The thread's own stack becomes that of a loop's main. */
static inline void sanitizer_adopt(struct sanitizer *s)
{
#ifdef RAMET_TSAN
	s->fibre = __tsan_get_current_fiber();
#endif
	s->low = NULL;
	s->size = 0;
}

/* A ramet starts to use the stack [low, low + size).  What an earlier one's
 * frames poisoned and never left is made usable again. */
static inline void sanitizer_start(struct sanitizer *s, void *low, size_t size)
{
	s->low = low;
	s->size = size;
#ifdef RAMET_ASAN
	__asan_unpoison_memory_region(low, size);
#endif
#ifdef RAMET_TSAN
	s->fibre = __tsan_create_fiber(0);
#endif
#ifdef RAMET_VALGRIND
	if (__builtin_expect(ramet__on_valgrind, 0))
		s->valgrind = VALGRIND_STACK_REGISTER(
			low, (char *)low + size);
#endif
}

/* The ramet on it has ended, and another one is running. */
static inline void sanitizer_end(struct sanitizer *s)
{
#ifdef RAMET_TSAN
	__tsan_destroy_fiber(s->fibre);
#endif
#ifdef RAMET_VALGRIND
	if (__builtin_expect(ramet__on_valgrind, 0))
		VALGRIND_STACK_DEREGISTER(s->valgrind);
#endif
	(void)s;
}

/* Inside a lock that the sanitizer does not know, as those within libc are. */
static inline void sanitizer_locked(void *lock)
{
#ifdef RAMET_TSAN
	__tsan_acquire(lock);
#endif
	(void)lock;
}

/* Just before such a lock is given back. */
static inline void sanitizer_unlocks(void *lock)
{
#ifdef RAMET_TSAN
	__tsan_release(lock);
#endif
	(void)lock;
}

/* All frames of the running stack are about to be left without returning. */
static inline void sanitizer_abandon(void)
{
#ifdef RAMET_ASAN
	__asan_handle_no_return();
#endif
}

/* They have been left, and the stack is used from its top again. */
static inline void sanitizer_emptied(const struct sanitizer *s)
{
#ifdef RAMET_ASAN
	__asan_unpoison_memory_region(s->low, s->size);
#endif
	(void)s;
}

/* All are about to be left, and the stack is used afresh by who is running on it: just before
 * the jump to where that begins. */
static inline __attribute__((always_inline)) void sanitizer_again(struct sanitizer *s)
{
	sanitizer_abandon();
#ifdef RAMET_TSAN
	void *old = s->fibre;

	s->fibre = __tsan_create_fiber(0);
	__tsan_switch_to_fiber(s->fibre, 0);
	__tsan_destroy_fiber(old);
#endif
	(void)s;
}

/* Just before a switch; *fake keeps the leaver's fake stack, and is NULL when
 * the leaver never comes back. */
static inline __attribute__((always_inline)) void sanitizer_leave(void **fake, const struct sanitizer *to)
{
#ifdef RAMET_ASAN
	__sanitizer_start_switch_fiber(fake, to->low, to->size);
#endif
#ifdef RAMET_TSAN
	__tsan_switch_to_fiber(to->fibre, 0);
#endif
	(void)fake, (void)to;
}

/* First thing after a switch.  A main learns its own bounds from the first
 * stack that leaves it. */
static inline __attribute__((always_inline)) void sanitizer_arrive(void *fake, struct sanitizer *from)
{
#ifdef RAMET_ASAN
	const void *low;
	size_t size;

	__sanitizer_finish_switch_fiber(fake, &low, &size);
	if (from && !from->low) {
		from->low = (void *)(uintptr_t)low;
		from->size = size;
	}
#endif
	(void)fake, (void)from;
}

#endif
