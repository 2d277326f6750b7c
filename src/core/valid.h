/* valid.h - the rules that the core's structures keep whenever none of its
 * functions is halfway through, and walks that find the one that is broken.
 *
 * They are for tests, for debuggers and for builds with -Dchecks=true, which
 * walk after every change; nothing else calls them.
 */
#ifndef CORE_VALID_H
#define CORE_VALID_H

struct loop;
struct timers;

enum rule {
	RULES_KEPT,

	/* The wheel. */
	RULE_TIMER_LINK,
	RULE_TIMER_PLACE,
	RULE_TIMER_PAST,
	RULE_SLOT_END,
	RULE_SLOT_USED,
	RULE_TIMER_COUNT,

	/* Each ramet that is not free. */
	RULE_STATE,
	RULE_OWNER,
	RULE_ID,
	RULE_SINCE,
	RULE_WAIT,
	RULE_KILL,
	RULE_LINKS,
	RULE_LOCALS,
	RULE_JOINER,
	RULE_STARTED,

	/* Each by its state. */
	RULE_RUNNING,
	RULE_WAITING,
	RULE_PARKED,
	RULE_DELAYED,
	RULE_LIMIT,
	RULE_UNTIL,
	RULE_TIMER_LATE,
	RULE_ENDED,
	RULE_ENDED_ARMED,
	RULE_LEFT_OVER,
	RULE_UNCLAIMED,

	/* Scopes. */
	RULE_SCOPES,
	RULE_SCOPE,
	RULE_DEADLINE,
	RULE_SHIELD,

	/* Stacks. */
	RULE_CLASS,
	RULE_SLABS,
	RULE_TOTAL,
	RULE_PLACE,
	RULE_IDLE,
	RULE_TRIM,

	/* The ready queue. */
	RULE_READY,
	RULE_READY_TWICE,
	RULE_READY_END,
	RULE_READY_LOST,

	/* The loop and its sums. */
	RULE_MAIN,
	RULE_CURRENT,
	RULE_ZOMBIE,
	RULE_LIVE,
	RULE_LIVE_MAX,
	RULE_SPAWNED,
	RULE_NOT_ENDED,
	RULE_OUTSIDE,
	RULE_ARMED,
	RULE_CLOCK,
	RULE_LOOK,
	RULES
};

/* What is wrong when one is broken. */
extern const char *const ramet__rules[RULES];

/* The first rule found broken, or RULES_KEPT. */
enum rule ramet__timers_walk(const struct timers *ts);
enum rule ramet__loop_walk(const struct loop *l);

/* check(walk) stands where a structure has changed. */
#ifdef RAMET_CHECKS
#define check(rule) ramet__check(rule, __FILE__, __LINE__)
#else
#define check(rule) ((void)0)
#endif

/* With -Dchecks=true only.  Say which rule is broken, and abort. */
void ramet__check(enum rule rule, const char *file, int line);

/* The walks for check: a large structure is walked after so many changes only
 * that a change costs no more than with a small one. */
enum rule ramet__timers_changed(const struct timers *ts);
enum rule ramet__loop_changed(const struct loop *l);

#endif
