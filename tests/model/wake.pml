/* wake.pml - how mail wakes a sleeping loop: src/core/sched.c.
 *
 * Posters put mail into the inbox, then look whether the loop sleeps; of those
 * who see it one wakes it.  The loop announces its sleep, then looks at the
 * inbox.  Each step is atomic, and all see them in one order, as with
 * __ATOMIC_SEQ_CST.
 *
 * What must hold: the loop takes in all mail.  If it slept on with mail in its
 * inbox it would wait for ever here, and spin reports an invalid end state.
 *
 * Mutations, each of which must fail:
 *   LOOK_FIRST   the loop looks at the inbox before it announces its sleep
 *   WAKE_FIRST   a poster looks whether the loop sleeps before it posts
 */
#define POSTERS 2
#define MAILS 2 /* of each */
#define TIMERS 2 /* how often something else ends the wait */

byte inbox;     /* how much mail is in it */
byte taken;
bit sleeping;
bit signalled;  /* the eventfd: a wake ends the wait, or the next one */

proctype poster()
{
	byte n;
	bit seen;

	do
	:: n == MAILS -> break
	:: else ->
		n++;
#ifdef WAKE_FIRST
		seen = sleeping;
		inbox++;
#else
		inbox++;
		seen = sleeping;
#endif
		if
		:: seen ->
			atomic { seen = sleeping; sleeping = 0 } /* exchange */
			if
			:: seen -> signalled = 1
			:: else
			fi
		:: else
		fi
	od
}

proctype consumer()
{
	byte timers = TIMERS;
	bit nothing;

	do
	:: taken == POSTERS * MAILS -> break
	:: else ->
		/* wait_events: only if there was nothing to do. */
#ifdef LOOK_FIRST
		nothing = (inbox == 0);
		sleeping = 1;
#else
		sleeping = 1;
		nothing = (inbox == 0);
#endif
		if
		:: nothing ->
			if
			:: atomic { signalled -> signalled = 0 }
			:: atomic { timers > 0 -> timers-- }
			fi
		:: else
		fi;
		sleeping = 0;
		/* deliver: an exchange takes all. */
		atomic { taken = taken + inbox; inbox = 0 }
	od
}

init {
	byte i;

	atomic {
		run consumer();
		for (i : 1 .. POSTERS) {
			run poster()
		}
	}
}
