/* Signals: handlers, masks of threads, EINTR, and waiting for signals. */
#include "posix.h"

#include <poll.h>
#include <semaphore.h>
#include <setjmp.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/time.h>

static volatile int *volatile nowhere = (volatile int *)64;

static volatile sig_atomic_t handled, handled_sig, handled_code, handled_value;
static pthread_t handled_by;

static void on_signal(int sig)
{
	handled_sig = sig;
	handled_by = pthread_self();
	handled++;
}

static void on_info(int sig, siginfo_t *info, void *context)
{
	CHECK(context != NULL);
	CHECK_EQ(info->si_signo, sig);
	handled_sig = sig;
	handled_code = info->si_code;
	handled_value = info->si_value.sival_int;
	handled++;
}

static void install(int sig, void (*handler)(int), int flags)
{
	struct sigaction a = {.sa_handler = handler, .sa_flags = flags};

	sigemptyset(&a.sa_mask);
	CHECK_EQ(sigaction(sig, &a, NULL), 0);
}

static sigset_t set_of(int a, int b)
{
	sigset_t set;

	sigemptyset(&set);
	if (a)
		sigaddset(&set, a);
	if (b)
		sigaddset(&set, b);
	return set;
}

static void change_mask(int how, int a, int b)
{
	sigset_t set = set_of(a, b);

	CHECK_EQ(pthread_sigmask(how, &set, NULL), 0);
}

static int is_blocked(int sig)
{
	sigset_t now;

	CHECK_EQ(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
	return sigismember(&now, sig);
}

static int is_pending(int sig)
{
	sigset_t set;

	CHECK_EQ(sigpending(&set), 0);
	return sigismember(&set, sig);
}

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, arg), 0);
	return t;
}

static void *join(pthread_t t)
{
	void *value;

	CHECK_EQ(pthread_join(t, &value), 0);
	return value;
}

/* ---- actions ------------------------------------------------------------ */

TEST(sigaction_returns_what_was_set)
{
	struct sigaction a = {.sa_sigaction = on_info,
			      .sa_flags = SA_SIGINFO | SA_NODEFER};
	struct sigaction was;

	sigemptyset(&a.sa_mask);
	sigaddset(&a.sa_mask, SIGUSR2);
	CHECK_EQ(sigaction(SIGUSR1, &a, &was), 0);
	CHECK(was.sa_handler == SIG_DFL);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &was), 0);
	CHECK(was.sa_sigaction == on_info);
	CHECK_EQ(was.sa_flags & (SA_SIGINFO | SA_NODEFER | SA_RESTART),
		 SA_SIGINFO | SA_NODEFER);
	CHECK_EQ(sigismember(&was.sa_mask, SIGUSR2), 1);
	CHECK_EQ(sigismember(&was.sa_mask, SIGHUP), 0);
}

TEST(runtime_handlers_are_not_seen)
{
	static const int sigs[] = {SIGSEGV, SIGBUS, SIGQUIT};
	struct sigaction was;

	for (int i = 0; i < 3; i++) {
		CHECK_EQ(sigaction(sigs[i], NULL, &was), 0);
		CHECK(was.sa_handler == SIG_DFL);
	}
}

TEST(sigaction_refuses_what_cannot_be_caught)
{
	struct sigaction a = {.sa_handler = on_signal};

	CHECK_ERR(sigaction(SIGKILL, &a, NULL), EINVAL);
	CHECK_ERR(sigaction(SIGSTOP, &a, NULL), EINVAL);
	CHECK_ERR(sigaction(0, &a, NULL), EINVAL);
	CHECK_ERR(sigaction(-1, &a, NULL), EINVAL);
	CHECK_ERR(sigaction(1000, &a, NULL), EINVAL);
}

TEST(signal_returns_the_handler_before)
{
	CHECK(signal(SIGUSR1, on_signal) == SIG_DFL);
	CHECK(signal(SIGUSR1, SIG_IGN) == on_signal);
	CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
	CHECK(signal(SIGKILL, SIG_IGN) == SIG_ERR);
}

TEST(raise_returns_after_the_handler)
{
	install(SIGUSR1, on_signal, 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(handled, 1);
	CHECK_EQ(handled_sig, SIGUSR1);
}

TEST(kill_of_ourselves_is_handled_before_it_returns)
{
	install(SIGUSR1, on_signal, 0);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(handled, 1);
}

TEST(siginfo_tells_who_has_sent_it)
{
	struct sigaction a = {.sa_sigaction = on_info, .sa_flags = SA_SIGINFO};
	union sigval value = {.sival_int = 4711};

	sigemptyset(&a.sa_mask);
	CHECK_EQ(sigaction(SIGUSR1, &a, NULL), 0);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(handled_code, SI_USER);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(handled_code, SI_TKILL);
	CHECK_EQ(sigqueue(getpid(), SIGUSR1, value), 0);
	CHECK_EQ(handled_code, SI_QUEUE);
	CHECK_EQ(handled_value, 4711);
	value.sival_int = 12;
	CHECK_EQ(pthread_sigqueue(pthread_self(), SIGUSR1, value), 0);
	CHECK_EQ(handled_value, 12);
	CHECK_EQ(handled, 4);
}

TEST(reset_hand_resets_at_the_first_signal)
{
	struct sigaction was;

	install(SIGUSR1, on_signal, (int)SA_RESETHAND);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(handled, 1);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &was), 0);
	CHECK(was.sa_handler == SIG_DFL);
	install(SIGUSR1, on_signal, (int)SA_RESETHAND);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &was), 0);
	CHECK(was.sa_handler == SIG_DFL);
}

static void die_of_term(void)
{
	raise(SIGTERM);
}

static void die_of_blocked_term(void)
{
	change_mask(SIG_BLOCK, SIGTERM, 0);
	raise(SIGTERM);
	CHECK_EQ(is_pending(SIGTERM), 1);
	change_mask(SIG_UNBLOCK, SIGTERM, 0);
}

static void die_of_abort(void)
{
	abort();
}

static void die_of_fault(void)
{
	fclose(stderr);
	*nowhere = 1;
}

TEST(default_actions_end_the_process)
{
	CHECK_EQ(WTERMSIG(status_of(die_of_term)), SIGTERM);
	CHECK_EQ(WTERMSIG(status_of(die_of_blocked_term)), SIGTERM);
	CHECK_EQ(WTERMSIG(status_of(die_of_abort)), SIGABRT);
	CHECK_EQ(WTERMSIG(status_of(die_of_fault)), SIGSEGV);
}

TEST(ignored_signals_do_nothing)
{
	install(SIGTERM, SIG_IGN, 0);
	CHECK_EQ(raise(SIGTERM), 0);
	CHECK_EQ(kill(getpid(), SIGTERM), 0);
	CHECK_EQ(pthread_kill(pthread_self(), SIGTERM), 0);
}

TEST(ignoring_discards_what_is_pending)
{
	install(SIGUSR1, on_signal, 0);
	change_mask(SIG_BLOCK, SIGUSR1, 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	install(SIGUSR1, SIG_IGN, 0);
	install(SIGUSR1, on_signal, 0);
	change_mask(SIG_UNBLOCK, SIGUSR1, 0);
	CHECK_EQ(handled, 0);
}

static volatile int blocked_inside, other_blocked_inside;

static void look_at_mask(int sig)
{
	blocked_inside = is_blocked(sig);
	other_blocked_inside = is_blocked(SIGUSR2);
	handled++;
}

TEST(a_handler_runs_with_its_signal_and_sa_mask_blocked)
{
	struct sigaction a = {.sa_handler = look_at_mask};

	a.sa_mask = set_of(SIGUSR2, 0);
	CHECK_EQ(sigaction(SIGUSR1, &a, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(blocked_inside, 1);
	CHECK_EQ(other_blocked_inside, 1);
	CHECK_EQ(is_blocked(SIGUSR1), 0);
	CHECK_EQ(is_blocked(SIGUSR2), 0);
	blocked_inside = other_blocked_inside = 0;
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(blocked_inside, 1);
	CHECK_EQ(other_blocked_inside, 1);
	CHECK_EQ(is_blocked(SIGUSR1), 0);
}

static volatile int depth, deepest;

static void raise_again(int sig)
{
	if (++depth > deepest)
		deepest = depth;
	if (handled++ < 2)
		raise(sig);
	depth--;
}

TEST(nodefer_lets_a_handler_interrupt_itself)
{
	install(SIGUSR1, raise_again, SA_NODEFER);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(deepest, 3);
	handled = deepest = 0;
	install(SIGUSR1, raise_again, 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(deepest, 1);
	CHECK_EQ(handled, 3);
}

static void spoil_errno(int sig)
{
	(void)sig;
	errno = EXDEV;
	handled++;
}

/* As far as this program's handlers keep it: ours does it for them. */
TEST(handlers_nest)
{
	install(SIGUSR1, on_signal, 0);
	install(SIGUSR2, spoil_errno, 0);
	change_mask(SIG_BLOCK, SIGUSR1, SIGUSR2);
	raise(SIGUSR1);
	raise(SIGUSR2);
	change_mask(SIG_UNBLOCK, SIGUSR1, SIGUSR2);
	CHECK_EQ(handled, 2);
}

static sigjmp_buf back;

static void jump_back(int sig)
{
	handled_sig = sig;
	siglongjmp(back, 1);
}

TEST(a_handler_may_leave_by_siglongjmp)
{
	install(SIGUSR1, jump_back, 0);
	for (int i = 0; i < 3; i++) {
		if (sigsetjmp(back, 1) == 0) {
			if (i == 1)
				kill(getpid(), SIGUSR1);
			else
				raise(SIGUSR1);
			CHECK(0);
		}
		CHECK_EQ(handled_sig, SIGUSR1);
		CHECK_EQ(is_blocked(SIGUSR1), 0);
		handled_sig = 0;
	}
	sleep_ms(1); /* calls still cooperate */
}

TEST(siglongjmp_out_of_a_blocking_call)
{
	int fds[2];
	char c;

	CHECK_EQ(pipe(fds), 0);
	install(SIGALRM, jump_back, SA_RESTART);
	if (sigsetjmp(back, 1) == 0) {
		ualarm(20000, 0);
		pause();
		CHECK(read(fds[0], &c, 1) == -2);
	}
	CHECK_EQ(handled_sig, SIGALRM);
	sleep_ms(5);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(read(fds[0], &c, 1), 1);
}

static volatile sig_atomic_t faults;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	CHECK(info->si_addr == (const volatile void *)nowhere);
	faults++;
	siglongjmp(back, 1);
}

TEST(a_fault_is_handled_at_once_and_can_be_left)
{
	struct sigaction a = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	sigemptyset(&a.sa_mask);
	CHECK_EQ(sigaction(SIGSEGV, &a, NULL), 0);
	for (int i = 0; i < 3; i++)
		if (sigsetjmp(back, 1) == 0)
			*nowhere = 1;
	CHECK_EQ(faults, 3);
	sleep_ms(1);
}

/* ---- masks -------------------------------------------------------------- */

static void *report_mask(void *unused)
{
	(void)unused;
	return (void *)(long)(is_blocked(SIGUSR1) + 2 * is_blocked(SIGUSR2));
}

TEST(a_thread_inherits_its_creators_mask)
{
	change_mask(SIG_BLOCK, SIGUSR1, 0);
	CHECK_EQ(join(start(report_mask, NULL)), 1);
	change_mask(SIG_SETMASK, SIGUSR2, 0);
	CHECK_EQ(join(start(report_mask, NULL)), 2);
}

static void *change_own(void *unused)
{
	change_mask(SIG_BLOCK, SIGUSR1, 0);
	sleep_ms(2);
	CHECK_EQ(is_blocked(SIGUSR1), 1);
	return unused;
}

TEST(each_thread_has_its_own_mask)
{
	pthread_t t = start(change_own, NULL);

	sleep_ms(1);
	CHECK_EQ(is_blocked(SIGUSR1), 0);
	join(t);
	CHECK_EQ(is_blocked(SIGUSR1), 0);
}

TEST(sigmask_reports_the_mask_before)
{
	sigset_t set = set_of(SIGUSR1, 0), was;

	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, &was), 0);
	CHECK_EQ(sigismember(&was, SIGUSR1), 0);
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &set, &was), 0);
	CHECK_EQ(sigismember(&was, SIGUSR1), 1);
	CHECK_EQ(pthread_sigmask(99, &set, &was), EINVAL);
	CHECK_EQ(pthread_sigmask(99, NULL, &was), 0);
	CHECK_ERR(sigprocmask(99, &set, NULL), EINVAL);
}

TEST(kill_and_stop_are_never_blocked)
{
	sigset_t all;

	sigfillset(&all);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
	CHECK_EQ(is_blocked(SIGKILL), 0);
	CHECK_EQ(is_blocked(SIGSTOP), 0);
	CHECK_EQ(is_blocked(SIGTERM), 1);
}

TEST(blocked_signals_wait)
{
	install(SIGUSR1, on_signal, 0);
	change_mask(SIG_BLOCK, SIGUSR1, 0);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(handled, 0);
	CHECK_EQ(is_pending(SIGUSR1), 1);
	change_mask(SIG_UNBLOCK, SIGUSR1, 0);
	CHECK(handled >= 1);
	CHECK_EQ(is_pending(SIGUSR1), 0);
}

TEST(standard_signals_do_not_queue_and_real_time_ones_do)
{
	install(SIGUSR1, on_signal, 0);
	install(SIGRTMIN, on_signal, 0);
	change_mask(SIG_BLOCK, SIGUSR1, SIGRTMIN);
	for (int i = 0; i < 5; i++) {
		raise(SIGUSR1);
		raise(SIGRTMIN);
	}
	change_mask(SIG_UNBLOCK, SIGUSR1, 0);
	CHECK_EQ(handled, 1);
	change_mask(SIG_UNBLOCK, SIGRTMIN, 0);
	CHECK_EQ(handled, 6);
}

static volatile int order[8], orders;

static void note_order(int sig, siginfo_t *info, void *context)
{
	(void)context;
	order[orders++] = sig * 100 + info->si_value.sival_int;
}

TEST(real_time_signals_of_a_thread_come_in_order)
{
	struct sigaction a = {.sa_sigaction = note_order,
			      .sa_flags = SA_SIGINFO};
	sigset_t set = set_of(SIGRTMIN, SIGRTMIN + 1);

	a.sa_mask = set;
	CHECK_EQ(sigaction(SIGRTMIN, &a, NULL), 0);
	CHECK_EQ(sigaction(SIGRTMIN + 1, &a, NULL), 0);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	for (int i = 1; i <= 3; i++) {
		union sigval value = {.sival_int = i};

		CHECK_EQ(pthread_sigqueue(pthread_self(), SIGRTMIN + 1, value),
			 0);
		CHECK_EQ(pthread_sigqueue(pthread_self(), SIGRTMIN, value), 0);
	}
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
	CHECK_EQ(orders, 6);
	/* Natively the later number's handler may interrupt before the first
	 * runs; of one number the order is that of sending. */
	for (int k = 0, last0 = 0, last1 = 0; k < 6; k++) {
		int *last = order[k] / 100 == SIGRTMIN ? &last0 : &last1;

		CHECK_EQ(order[k] % 100, ++*last);
	}
}

/* ---- which thread ------------------------------------------------------- */

static volatile int stop;

static void *wait_for_handler(void *unused)
{
	(void)unused;
	while (!handled && !stop)
		sleep_ms(1);
	return (void *)handled_by;
}

TEST(pthread_kill_runs_the_handler_in_that_thread)
{
	pthread_t t;

	install(SIGUSR1, on_signal, 0);
	t = start(wait_for_handler, NULL);
	sleep_ms(3);
	CHECK_EQ(pthread_kill(t, SIGUSR1), 0);
	CHECK(pthread_equal((pthread_t)join(t), t));
}

static void *note_self(void *mutex)
{
	CHECK_EQ(pthread_mutex_lock(mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(mutex), 0);
	return NULL;
}

TEST(pthread_kill_reaches_a_thread_that_waits_for_a_mutex)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_t t;

	install(SIGUSR1, on_signal, 0);
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	t = start(note_self, &mutex);
	sleep_ms(3);
	CHECK_EQ(pthread_kill(t, SIGUSR1), 0);
	for (int i = 0; i < 1000 && !handled; i++)
		sleep_ms(1);
	CHECK_EQ(handled, 1);
	CHECK(pthread_equal(handled_by, t));
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	join(t);
}

static volatile sig_atomic_t handled_inside, raised;

static void raise_inside(int sig)
{
	(void)sig;
	CHECK_EQ(raise(SIGUSR2), 0);
	handled_inside = handled;
	raised++;
}

TEST(a_signal_raised_by_a_handler_is_handled_before_raise_returns)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	pthread_t t;

	install(SIGUSR1, raise_inside, 0);
	install(SIGUSR2, on_signal, 0);
	pthread_mutex_lock(&m);
	t = start(note_self, &m);
	sleep_ms(3);
	CHECK_EQ(pthread_kill(t, SIGUSR1), 0);
	for (int i = 0; i < 1000 && !raised; i++)
		sleep_ms(1);
	CHECK_EQ(raised, 1);
	CHECK_EQ(handled_inside, 1);
	CHECK(pthread_equal(handled_by, t));
	pthread_mutex_unlock(&m);
	join(t);
}

static void *spin_for_handler(void *unused)
{
	(void)unused;
	while (!handled)
		sched_yield();
	return NULL;
}

TEST(pthread_kill_reaches_a_thread_that_is_ready)
{
	pthread_t t;

	install(SIGUSR1, on_signal, 0);
	t = start(spin_for_handler, NULL);
	sleep_ms(3);
	CHECK_EQ(pthread_kill(t, SIGUSR1), 0);
	join(t);
	CHECK(pthread_equal(handled_by, t));
}

static void *return_at_once(void *unused)
{
	return unused;
}

TEST(pthread_kill_before_the_first_run)
{
	pthread_t t;

	install(SIGUSR1, on_signal, 0);
	t = start(return_at_once, NULL);
	CHECK_EQ(pthread_kill(t, SIGUSR1), 0);
	join(t);
	CHECK(handled <= 1); /* it may have ended before */
}

TEST(pthread_kill_checks_its_arguments)
{
	CHECK_EQ(pthread_kill(pthread_self(), 0), 0);
	CHECK_EQ(pthread_kill(pthread_self(), 1000), EINVAL);
	CHECK_EQ(pthread_kill(pthread_self(), -1), EINVAL);
}

static volatile int has_blocked;

static void *block_and_wait(void *unused)
{
	(void)unused;
	change_mask(SIG_BLOCK, SIGUSR1, 0);
	has_blocked = 1;
	while (!stop)
		sleep_ms(1);
	CHECK_EQ(is_pending(SIGUSR1), 1);
	CHECK_EQ(handled, 0);
	change_mask(SIG_UNBLOCK, SIGUSR1, 0);
	CHECK_EQ(handled, 1);
	return NULL;
}

TEST(a_thread_keeps_what_it_has_blocked)
{
	pthread_t t;

	install(SIGUSR1, on_signal, 0);
	t = start(block_and_wait, NULL);
	while (!has_blocked)
		sleep_ms(1);
	CHECK_EQ(pthread_kill(t, SIGUSR1), 0);
	sleep_ms(3);
	CHECK_EQ(handled, 0);
	CHECK_EQ(is_pending(SIGUSR1), 0); /* not ours */
	stop = 1;
	join(t);
	CHECK(pthread_equal(handled_by, t));
}

static void *unblocked_thread(void *unused)
{
	(void)unused;
	change_mask(SIG_UNBLOCK, SIGUSR1, 0);
	while (!handled)
		sleep_ms(1);
	return NULL;
}

TEST(a_signal_to_the_process_goes_to_who_has_it_unblocked)
{
	pthread_t t;

	install(SIGUSR1, on_signal, 0);
	change_mask(SIG_BLOCK, SIGUSR1, 0);
	t = start(unblocked_thread, NULL);
	sleep_ms(3);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	join(t);
	CHECK_EQ(handled, 1);
	CHECK(pthread_equal(handled_by, t));
}

TEST(a_signal_all_have_blocked_waits_for_the_first_that_unblocks_it)
{
	pthread_t t;

	install(SIGUSR1, on_signal, 0);
	change_mask(SIG_BLOCK, SIGUSR1, 0);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(is_pending(SIGUSR1), 1);
	CHECK_EQ(handled, 0);
	t = start(unblocked_thread, NULL);
	join(t);
	CHECK(pthread_equal(handled_by, t));
}

static void *compute(void *unused)
{
	while (!handled)
		;
	return unused;
}

TEST(a_handler_runs_while_another_thread_computes)
{
	sigset_t set = set_of(SIGALRM, 0), old;
	pthread_t t;

	install(SIGALRM, on_signal, 0);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, &old), 0);
	t = start(compute, NULL);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
	ualarm(10000, 0);
	join(t);
	CHECK(pthread_equal(handled_by, pthread_self()));
}

/* ---- EINTR -------------------------------------------------------------- */

static void *signal_later(void *thread)
{
	sleep_ms(10);
	CHECK_EQ(pthread_kill(*(pthread_t *)thread, SIGUSR1), 0);
	return NULL;
}

TEST(sleep_ends_early)
{
	pthread_t self = pthread_self(), t;

	install(SIGUSR1, on_signal, SA_RESTART);
	t = start(signal_later, &self);
	CHECK(sleep(100) > 90);
	CHECK_EQ(handled, 1);
	join(t);
}

TEST(nanosleep_reports_what_is_left)
{
	struct timespec want = {100, 0}, left = {0, 0};
	pthread_t self = pthread_self(), t;

	install(SIGUSR1, on_signal, SA_RESTART);
	t = start(signal_later, &self);
	CHECK_ERR(nanosleep(&want, &left), EINTR);
	CHECK(left.tv_sec >= 90 && left.tv_sec < 100);
	join(t);
}

static void *kill_later(void *unused)
{
	sleep_ms(10);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	return unused;
}

TEST(main_is_interrupted_by_what_the_process_is_sent)
{
	struct timespec want = {100, 0};
	pthread_t t;

	install(SIGUSR1, on_signal, 0);
	t = start(kill_later, NULL);
	CHECK_ERR(nanosleep(&want, NULL), EINTR);
	CHECK(pthread_equal(handled_by, pthread_self()));
	join(t);
}

TEST(an_alarm_ends_pause)
{
	install(SIGALRM, on_signal, SA_RESTART);
	ualarm(10000, 0);
	CHECK_ERR(pause(), EINTR);
	CHECK_EQ(handled, 1);
}

static void *pauses(void *unused)
{
	CHECK_ERR(pause(), EINTR);
	return unused;
}

TEST(pause_in_a_thread)
{
	pthread_t t;

	install(SIGUSR1, on_signal, 0);
	t = start(pauses, NULL);
	sleep_ms(5);
	CHECK_EQ(pthread_kill(t, SIGUSR1), 0);
	join(t);
	CHECK(pthread_equal(handled_by, t));
}

TEST(join_is_not_interrupted)
{
	pthread_t self = pthread_self(), t;

	install(SIGUSR1, on_signal, 0);
	t = start(signal_later, &self);
	CHECK_EQ(pthread_join(t, NULL), 0);
	for (int i = 0; i < 1000 && !handled; i++)
		sleep_ms(1);
	CHECK_EQ(handled, 1);
}

static sem_t posted_by_handler;

static void post(int sig)
{
	(void)sig;
	handled++;
	sem_post(&posted_by_handler);
}

TEST(a_handler_may_post_a_semaphore)
{
	install(SIGALRM, post, SA_RESTART);
	CHECK_EQ(sem_init(&posted_by_handler, 0, 0), 0);
	ualarm(10000, 0);
	while (sem_wait(&posted_by_handler) < 0)
		CHECK_EQ(errno, EINTR);
	CHECK_EQ(handled, 1);
}

static int self_pipe[2];

static void write_byte(int sig)
{
	char c = (char)sig;

	CHECK_EQ(write(self_pipe[1], &c, 1), 1);
}

TEST(a_handler_may_write_to_a_pipe)
{
	char c = 0;

	CHECK_EQ(pipe(self_pipe), 0);
	install(SIGALRM, write_byte, SA_RESTART);
	ualarm(10000, 0);
	while (read(self_pipe[0], &c, 1) < 0)
		CHECK_EQ(errno, EINTR);
	CHECK_EQ(c, SIGALRM);
}

/* ---- waiting for signals ------------------------------------------------ */

TEST(sigsuspend_swaps_the_mask)
{
	sigset_t none;

	install(SIGUSR1, on_signal, 0);
	change_mask(SIG_BLOCK, SIGUSR1, 0);
	raise(SIGUSR1);
	sigemptyset(&none);
	CHECK_ERR(sigsuspend(&none), EINTR);
	CHECK_EQ(handled, 1);
	CHECK_EQ(is_blocked(SIGUSR1), 1);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_ERR(sigsuspend(&none), EINTR);
	CHECK_EQ(handled, 2);
	CHECK_EQ(is_blocked(SIGUSR1), 1);
}

TEST(sigsuspend_waits)
{
	pthread_t self = pthread_self(), t;
	sigset_t none;

	install(SIGUSR1, on_signal, 0);
	change_mask(SIG_BLOCK, SIGUSR1, 0);
	t = start(signal_later, &self);
	sigemptyset(&none);
	CHECK_ERR(sigsuspend(&none), EINTR);
	CHECK_EQ(handled, 1);
	join(t);
}

TEST(sigwait_takes_what_is_pending)
{
	sigset_t set = set_of(SIGUSR1, SIGUSR2);
	int sig = 0;

	change_mask(SIG_BLOCK, SIGUSR1, SIGUSR2);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(raise(SIGUSR2), 0);
	for (int i = 0, sum = 0; i < 2; i++) {
		CHECK_EQ(sigwait(&set, &sig), 0);
		sum += sig;
		if (i)
			CHECK_EQ(sum, SIGUSR1 + SIGUSR2);
	}
	CHECK_EQ(is_pending(SIGUSR1), 0);
	CHECK_EQ(is_pending(SIGUSR2), 0);
}

static void *waits_for(void *sig)
{
	sigset_t set = set_of((int)(long)sig, 0);
	int got = 0;

	CHECK_EQ(sigwait(&set, &got), 0);
	return (void *)(long)got;
}

TEST(threads_wait_for_different_signals)
{
	pthread_t a, b;

	change_mask(SIG_BLOCK, SIGUSR1, SIGUSR2);
	a = start(waits_for, (void *)SIGUSR1);
	b = start(waits_for, (void *)SIGUSR2);
	sleep_ms(5);
	CHECK_EQ(kill(getpid(), SIGUSR2), 0);
	CHECK_EQ(join(b), SIGUSR2);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(join(a), SIGUSR1);
}

TEST(one_of_several_that_wait_gets_it)
{
	pthread_t t[3];

	change_mask(SIG_BLOCK, SIGUSR1, 0);
	for (int i = 0; i < 3; i++)
		t[i] = start(waits_for, (void *)SIGUSR1);
	sleep_ms(5);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(kill(getpid(), SIGUSR1), 0);
		while (is_pending(SIGUSR1))
			sleep_ms(1);
	}
	for (int i = 0; i < 3; i++)
		CHECK_EQ(join(t[i]), SIGUSR1);
}

TEST(sigwait_gets_what_is_sent_to_the_thread)
{
	pthread_t t;

	change_mask(SIG_BLOCK, SIGUSR1, 0);
	t = start(waits_for, (void *)SIGUSR1);
	sleep_ms(5);
	CHECK_EQ(pthread_kill(t, SIGUSR1), 0);
	CHECK_EQ(join(t), SIGUSR1);
}

TEST(sigtimedwait_gives_up)
{
	sigset_t set = set_of(SIGUSR1, 0);
	struct timespec short_time = {0, 5000000}, none = {0, 0},
			bad = {0, 2000000000};

	change_mask(SIG_BLOCK, SIGUSR1, 0);
	CHECK_ERR(sigtimedwait(&set, NULL, &none), EAGAIN);
	CHECK_ERR(sigtimedwait(&set, NULL, &short_time), EAGAIN);
	CHECK_ERR(sigtimedwait(&set, NULL, &bad), EINVAL);
}

TEST(sigwaitinfo_tells_the_value)
{
	sigset_t set = set_of(SIGRTMIN, 0);
	union sigval value = {.sival_int = 99};
	siginfo_t info;

	change_mask(SIG_BLOCK, SIGRTMIN, 0);
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN, value), 0);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN);
	CHECK_EQ(info.si_value.sival_int, 99);
	CHECK_EQ(info.si_code, SI_QUEUE);
	value.sival_int = 98;
	CHECK_EQ(pthread_sigqueue(pthread_self(), SIGRTMIN, value), 0);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN);
	CHECK_EQ(info.si_value.sival_int, 98);
}

TEST(sigwaitinfo_is_interrupted_by_a_handler)
{
	pthread_t self = pthread_self(), t;
	sigset_t set = set_of(SIGUSR2, 0);

	install(SIGUSR1, on_signal, SA_RESTART);
	change_mask(SIG_BLOCK, SIGUSR2, 0);
	t = start(signal_later, &self);
	CHECK_ERR(sigwaitinfo(&set, NULL), EINTR);
	CHECK_EQ(handled, 1);
	join(t);
}

static void *waits_for_ever(void *sig)
{
	return waits_for(sig);
}

TEST(sigwait_can_be_cancelled)
{
	pthread_t t;

	change_mask(SIG_BLOCK, SIGUSR1, 0);
	t = start(waits_for_ever, (void *)SIGUSR1);
	sleep_ms(5);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK(join(t) == PTHREAD_CANCELED);
}

TEST(pause_and_sigsuspend_can_be_cancelled)
{
	pthread_t t = start(pauses, NULL);

	sleep_ms(5);
	CHECK_EQ(pthread_cancel(t), 0);
	CHECK(join(t) == PTHREAD_CANCELED);
}

TEST(a_signalfd_reads_what_is_blocked)
{
	struct signalfd_siginfo info;
	sigset_t set = set_of(SIGUSR1, 0);
	pthread_t t;
	int fd;

	install(SIGUSR1, on_signal, 0);
	change_mask(SIG_BLOCK, SIGUSR1, 0);
	fd = signalfd(-1, &set, 0);
	CHECK(fd >= 0);
	t = start(kill_later, NULL);
	CHECK_EQ(read(fd, &info, sizeof info), sizeof info);
	CHECK_EQ(info.ssi_signo, SIGUSR1);
	CHECK_EQ(handled, 0);
	join(t);
}

/* ---- other -------------------------------------------------------------- */

static void *in_thread(void *fn)
{
	((void (*)(void))fn)();
	return NULL;
}

static void wait_for_child(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(3);
	for (int i = 0; i < 2000 && !handled; i++)
		sleep_ms(1);
	CHECK_EQ(handled_sig, SIGCHLD);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(sigchld_is_handled)
{
	install(SIGCHLD, on_signal, SA_RESTART | SA_NOCLDSTOP);
	wait_for_child();
	handled = 0;
	join(start(in_thread, (void *)wait_for_child));
}

static void check_mask_in_child(void)
{
	CHECK_EQ(is_blocked(SIGUSR1), 1);
	CHECK_EQ(is_pending(SIGUSR1), 0);
	change_mask(SIG_UNBLOCK, SIGUSR1, 0);
	raise(SIGUSR1);
	CHECK_EQ(handled, 1);
}

TEST(a_child_has_the_mask_and_nothing_pending)
{
	install(SIGUSR1, on_signal, 0);
	change_mask(SIG_BLOCK, SIGUSR1, 0);
	raise(SIGUSR1);
	CHECK_EQ(status_of(check_mask_in_child), 0);
}

TEST(sigaltstack_is_remembered)
{
	static char room[65536];
	stack_t mine = {.ss_sp = room, .ss_size = sizeof room}, got;

	CHECK_EQ(sigaltstack(&mine, NULL), 0);
	CHECK_EQ(sigaltstack(NULL, &got), 0);
	CHECK(got.ss_sp == room);
	CHECK_EQ(got.ss_size, sizeof room);
	mine.ss_size = 1;
	CHECK_ERR(sigaltstack(&mine, NULL), ENOMEM);
	mine.ss_flags = SS_DISABLE;
	CHECK_EQ(sigaltstack(&mine, NULL), 0);
	CHECK_EQ(sigaltstack(NULL, &got), 0);
	CHECK_EQ(got.ss_flags, SS_DISABLE);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
TEST(siginterrupt_takes_restart_away)
{
	struct sigaction a;

	CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
	CHECK_EQ(siginterrupt(SIGUSR1, 1), 0);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &a), 0);
	CHECK_EQ(a.sa_flags & SA_RESTART, 0);
	CHECK_EQ(siginterrupt(SIGUSR1, 0), 0);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &a), 0);
	CHECK_EQ(a.sa_flags & SA_RESTART, SA_RESTART);
}
#pragma GCC diagnostic pop

static void *storm(void *unused)
{
	for (int i = 0; i < 500; i++)
		kill(getpid(), i % 2 ? SIGUSR1 : SIGRTMIN);
	return unused;
}

TEST(a_storm_of_signals)
{
	struct itimerval every = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};
	pthread_t t[4];

	install(SIGUSR1, on_signal, SA_RESTART);
	install(SIGRTMIN, on_signal, SA_RESTART);
	install(SIGALRM, on_signal, SA_RESTART);
	CHECK_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
	for (int i = 0; i < 4; i++)
		t[i] = start(storm, NULL);
	for (int i = 0; i < 50; i++)
		sleep_ms(1);
	for (int i = 0; i < 4; i++)
		join(t[i]);
	CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
	CHECK(handled > 100);
}
