/* unwind.c - killing: the stack of a ramet is unwound to its base, or, where
 * there is no stack left to do it on, abandoned.
 *
 * libgcc's forced unwinding, as for pthread_cancel: Itanium C++ ABI, exception
 * handling, section 1.3.  It walks by call frame information, so it needs an
 * unwind table for every frame; a read-only walk finds that out beforehand.
 */
#include "core/stack.h"

#include <dlfcn.h>

static bool in_boot(struct _Unwind_Context *context)
{
	_Unwind_Ptr pc = _Unwind_GetIP(context), boot = (_Unwind_Ptr)ramet__boot;

	return pc >= boot && pc < boot + 32;
}

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *arg)
{
	bool *reached = arg;

	*reached |= in_boot(context);
	return *reached ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static void walk_here(void *reached)
{
	_Unwind_Backtrace(visit, reached);
}

bool ramet__can_unwind(struct ramet *t)
{
	bool reached = false;

	if (t == t->loop->current)
		walk_here(&reached);
	else
		ramet__call_as(&t->context, walk_here, &reached);
	return reached;
}

/* Its frames are gone. */
static _Noreturn void end(struct ramet *me)
{
	me->scope = NULL;
	me->deadline = RAMET_NEVER;
	me->flags &= (uint16_t)~FLAG_SHIELD;
	sanitizer_abandon();
	ramet__restart(me->cold, ramet__finish, me);
}

/* Called for each frame before it is left; at the base there is nothing more to
 * leave, and the ramet goes on with its end on an empty stack. */
static _Unwind_Reason_Code stop(int version, _Unwind_Action actions,
				_Unwind_Exception_Class class,
				struct _Unwind_Exception *exception,
				struct _Unwind_Context *context, void *arg)
{
	struct ramet *me = arg;

	(void)version, (void)class, (void)exception;
	if (actions & _UA_END_OF_STACK || in_boot(context))
		end(me);
	return _URC_NO_REASON;
}

void ramet__unwind(struct ramet *me)
{
	me->cold->exception = (struct _Unwind_Exception){
		.exception_class = 0x52414d4554000000 /* "RAMET" */};
	me->flags |= FLAG_UNWINDING;
	sanitizer_abandon(); /* clean-up code runs where our frames are */
	_Unwind_ForcedUnwind(&me->cold->exception, stop, me);
	me->flags &= (uint16_t)~FLAG_UNWINDING; /* it could not be walked */
}

/* ---- after an overflow -------------------------------------------------- */

struct survey {
	const struct ramet *t;
	const void *object; /* that the frames are of */
	const void *pc; /* where they begin */
	bool begun, ok;
};

/* Which program or library the code at pc is of; NULL: none. */
static const void *object_of(const void *pc)
{
	struct dl_find_object found;

	if (_dl_find_object((void *)(uintptr_t)pc, &found) < 0)
		return NULL;
	return found.dlfo_map_start;
}

bool ramet__is_foreign(const void *fn)
{
	const void *object = object_of(fn);

	return object && object != object_of((const void *)ramet__boot);
}

static _Unwind_Reason_Code look(struct _Unwind_Context *context, void *arg)
{
	struct survey *s = arg;
	const char *pc = (const char *)_Unwind_GetIP(context);

	if (!s->begun) { /* the handler's frames */
		s->begun = pc == s->pc;
		if (!s->begun)
			return _URC_NO_REASON;
		s->object = object_of(pc);
		return ramet__is_foreign(pc) ? _URC_NO_REASON
					     : _URC_END_OF_STACK;
	}
	s->ok = _Unwind_GetRegionStart(context) == (_Unwind_Ptr)s->t->cold->fn;
	if (s->ok || object_of(pc - 1) != s->object)
		return _URC_END_OF_STACK;
	return _URC_NO_REASON;
}

bool ramet__can_abandon(const struct ramet *t, const void *pc)
{
	struct survey s = {.t = t, .pc = pc};

	if (t->flags & FLAG_EXPENDABLE)
		_Unwind_Backtrace(look, &s);
	return s.ok;
}

_Noreturn void ramet__abandon(void *ramet)
{
	struct ramet *me = ramet;

	sanitizer_emptied(&me->cold->sanitizer);
	me->flags |= FLAG_OVERFLOWED;
	*me->loop->cxx = (struct cxx_state){0};
	end(me);
}
