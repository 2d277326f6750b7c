/* stall.c - a thread that computes tells by itself where: the handler of
 * SIGURG, which nobody uses and whose default is to be ignored, runs on top of
 * it.
 */
#include "debug/stall.h"
#include "core/stack.h"
#include "debug/aside.h"
#include "debug/borrow.h"
#include "debug/guest.h"
#include "debug/report.h"
#include "debug/trace.h"
#include "debug/words.h"

#include "kernel/calls.h"

#include <errno.h>
#include <signal.h>

enum { PATIENCE = 100 }; /* ms for the handler to begin */

void ramet__put_stall(struct out *o, const struct seen *s, int64_t length)
{
	const struct ramet *t = s->loop->current;

	ramet__print(o, "ramet: thread %d has not turned its loop for ",
		     s->tid);
	ramet__put_duration(o, length);
	ramet__print(o, ": ");
	ramet__put_ramet(o, t);
	ramet__put_origin(o, t);
}

void ramet__json_stall(struct json *j, const struct seen *s, int64_t length,
		       long process)
{
	const struct ramet *t = s->loop->current;

	ramet__json_open(j, NULL, '{');
	ramet__json_string(j, "report", "stall");
	ramet__json_number(j, "process", process);
	ramet__json_number(j, "thread", s->tid);
	ramet__json_number(j, "length_ns", length);
	ramet__json_ramet(j, t);
	ramet__json_origin(j, t);
}

void ramet__json_stall_end(struct json *j, const char *no_stack)
{
	if (no_stack)
		ramet__json_string(j, "no_stack", no_stack);
	ramet__json_close(j, '}');
	ramet__print(j->out, "\n");
}

/* ---- the thread itself -------------------------------------------------- */

struct here {
	const struct seen *seen;
	const void *pc;
};

static long process(void)
{
	return kernel_real_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static void put_json(struct out *o, const struct seen *s,
		     const struct trace *trace, const char *no_stack)
{
	struct json j = {.out = o};
	const struct ramet *t = s->loop->current;

	ramet__json_stall(&j, s, s->length, process());
	ramet__json_string(&j, "state", "computing");
	if (trace && ramet__guest_speaks(t))
		ramet__json_guest(&j, t);
	if (trace)
		ramet__json_trace(&j, trace, 0);
	ramet__json_stall_end(&j, no_stack);
}

static void put_text(struct out *o, const struct seen *s,
		     const struct trace *trace)
{
	ramet__put_stall(o, s, s->length);
	ramet__print(o, ", computes\n");
	ramet__put_guest(o, s->loop->current);
	ramet__put_trace(o, trace, 0);
}

static void write_report(const struct context *aside, void *here)
{
	const struct here *h = here;
	struct trace trace;
	struct out o;

	ramet__trace(&trace, aside, h->pc);
	ramet__out_open(&o, 2);
	if (ramet__reports_json)
		put_json(&o, h->seen, &trace, NULL);
	else
		put_text(&o, h->seen, &trace);
	ramet__out_close(&o);
}

static void answer(struct seen *s, void *pc)
{
	struct here here = {s, pc};
	int what;

	if (s->loop != ramet__this_loop)
		return;
	what = __atomic_exchange_n(&s->wanted, STALL_NONE, __ATOMIC_SEQ_CST);
	if (what == STALL_SAY)
		ramet__aside(write_report, &here);
	else if (what == STALL_DUMP)
		ramet__dump_interrupted(s->loop, 2, ramet__quit_json, pc);
}

static void on_urg(int sig, siginfo_t *info, void *ucontext)
{
	int before = errno;
	struct context at;

	(void)sig, (void)info;
	arch_interrupted(ucontext, &at);
	if (ramet__this_loop)
		ramet__registry_each(answer, at.pc);
	errno = before;
}

bool ramet__stall_installed(void)
{
	struct sigaction now;

	return kernel_sigaction(SIGURG, NULL, &now) == 0 &&
	       now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_urg;
}

void ramet__stall_install(void)
{
	struct sigaction now,
		ours = {.sa_sigaction = on_urg,
			.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};

	if (kernel_sigaction(SIGURG, NULL, &now) == 0 &&
	    !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL)
		kernel_sigaction(SIGURG, &ours, NULL);
}

/* ---- who asks it -------------------------------------------------------- */

static void doze(void)
{
	static const struct timespec ms = {0, 1000 * 1000};

	kernel_real_call(SYS_ppoll, 0, 0, KERNEL_ARG(&ms), 0, 0, 0);
}

static bool ask(struct seen *s, int64_t length, enum stall_report what)
{
	int64_t until;

	if (!ramet__stall_installed())
		return false;
	s->length = length;
	__atomic_store_n(&s->wanted, what, __ATOMIC_SEQ_CST);
	if (kernel_real_call(SYS_tgkill, process(), s->tid, SIGURG, 0, 0, 0) <
	    0)
		return false;
	until = kernel_real_now() + PATIENCE * RAMET_MS;
	while (kernel_real_now() < until) {
		if (!__atomic_load_n(&s->wanted, __ATOMIC_SEQ_CST))
			return true;
		doze();
	}
	return !__atomic_exchange_n(&s->wanted, STALL_NONE, __ATOMIC_SEQ_CST);
}

void ramet__stall_running(struct seen *s, int64_t length,
			  enum stall_report what)
{
	static const char why[] = "SIGURG is the program's or blocked";
	struct out o;

	if (ask(s, length, what))
		return;
	ramet__borrow(s->tid, 2);
	ramet__out_open(&o, 2);
	s->length = length;
	if (ramet__reports_json) {
		put_json(&o, s, NULL, why);
	} else {
		ramet__put_stall(&o, s, length);
		ramet__print(&o, ", computes; where is not known, because %s\n",
			     why);
	}
	ramet__out_close(&o);
	ramet__borrow_end();
}
