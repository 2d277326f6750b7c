/* unwind.c - killing: the stack of a ramet is unwound to its base.
 *
 * libgcc's forced unwinding, as for pthread_cancel: Itanium C++ ABI, exception
 * handling, section 1.3.  It walks by call frame information, so it needs an
 * unwind table for every frame; a read-only walk finds that out beforehand.
 */
#include "core/stack.h"


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

/* Called for each frame before it is left; at the base there is nothing more to
 * leave, and the ramet goes on with its end on an empty stack. */
static _Unwind_Reason_Code stop(int version, _Unwind_Action actions,
				_Unwind_Exception_Class class,
				struct _Unwind_Exception *exception,
				struct _Unwind_Context *context, void *arg)
{
	struct ramet *me = arg;

	(void)version, (void)class, (void)exception;
	if (actions & _UA_END_OF_STACK || in_boot(context)) {
		me->scope = NULL;
		me->deadline = RAMET_NEVER;
		me->flags &= (uint16_t)~FLAG_SHIELD;
		sanitizer_abandon();
		ramet__restart(me->cold, ramet__finish, me);
	}
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
