"""The module signal: handlers as ever, but for that of SIGCHLD."""
import os
import signal
import threading
import time

from lib.tap import equal, main, raises, test

import ramet
from ramet import os as green_os
from ramet import signal as green
from ramet import thread as green_thread
from ramet import time as green_time


def until(condition):
    limit = time.monotonic() + 20
    while not condition() and time.monotonic() < limit:
        ramet.sleep(0.005)
    assert condition()


@test
def handlers_are_set_and_read():
    handler = lambda *args: None  # noqa: E731
    equal(green.signal(signal.SIGUSR1, handler), signal.SIG_DFL)
    equal((green.getsignal(signal.SIGUSR1), signal.getsignal(signal.SIGUSR1)), (handler, handler))
    for call in (green.getsignal, lambda n: green.signal(n, handler)):
        raises(ValueError, call, 500)
    raises(TypeError, green.signal, signal.SIGCHLD, 5)
    raises(TypeError, green.signal, signal.SIGUSR1, 5)


@test
def a_handler_runs_while_greenlets_wait():
    seen = []
    green.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    until(lambda: seen)
    equal(seen, [signal.SIGALRM])


@test
def a_signal_can_be_sent_to_a_greenlet_as_to_its_thread():
    seen = []
    green.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    me = green_thread.get_ident()
    ramet.spawn(green.pthread_kill, me, signal.SIGUSR1).get()
    until(lambda: len(seen) == 1)
    sleeper = ramet.spawn(ramet.sleep, 20)
    ramet.sleep(0)
    green.pthread_kill(green_thread.get_ident(sleeper), signal.SIGUSR1)
    green.pthread_kill(threading.get_ident(), signal.SIGUSR1)
    until(lambda: len(seen) == 3)
    sleeper.kill()


@test
def the_handler_of_sigchld_may_block():
    seen = []

    def handler(number, frame):
        ramet.sleep(0.01)
        seen.append((number, frame))
    equal(green.getsignal(signal.SIGCHLD), signal.SIG_DFL)
    green.signal(signal.SIGCHLD, handler)
    equal(green.getsignal(signal.SIGCHLD), handler)
    pid = green_os.fork()
    if not pid:
        os._exit(0)
    until(lambda: seen)
    equal(seen, [(signal.SIGCHLD, None)])
    equal(green.signal(signal.SIGCHLD, signal.SIG_DFL), handler)


@test
def to_ignore_sigchld_keeps_children_for_who_waits():
    green.signal(signal.SIGCHLD, signal.SIG_IGN)
    equal(green.getsignal(signal.SIGCHLD), signal.SIG_IGN)
    pid = green_os.fork()
    if not pid:
        os._exit(3)
    equal(green_os.waitpid(pid, 0), (pid, 3 << 8))


@test
def numbers_of_signals_are_written_to_a_descriptor():
    r, w = os.pipe()
    os.set_blocking(w, False)
    green.signal(signal.SIGUSR1, lambda *args: None)
    equal(green.set_wakeup_fd(w), -1)
    os.kill(os.getpid(), signal.SIGUSR1)
    equal(os.read(r, 1)[0], signal.SIGUSR1)
    equal(green.set_wakeup_fd(-1), w)


@test
def sleep_lets_others_run():
    ran = []
    ramet.spawn(ran.append, 1)
    green_time.sleep(0)
    equal(ran, [1])
    assert green_time.monotonic is time.monotonic
    raises(TypeError, green_time.sleep, 'x')


@test
def waiting_for_a_signal_blocks_only_the_greenlet():
    waits = [(green.sigwait, 'n'), (green.sigwaitinfo, 'info'), (lambda s: green.sigtimedwait(s, 20), 'info')]
    for wait, kind in waits:
        waiter = ramet.spawn(wait, [signal.SIGUSR1, signal.SIGRTMIN + 1])
        ramet.sleep(0.01)
        assert not waiter.ready()
        os.kill(os.getpid(), signal.SIGUSR1)
        result = waiter.get(timeout=20)
        equal(result if kind == 'n' else result.si_signo, signal.SIGUSR1)
    waiter = ramet.spawn(green.sigwait, {signal.SIGRTMIN + 1})
    ramet.sleep(0.01)
    os.kill(os.getpid(), signal.SIGRTMIN + 1)
    equal(waiter.get(timeout=20), signal.SIGRTMIN + 1)
    equal(signal.pthread_sigmask(signal.SIG_BLOCK, ()), set())


@test
def several_wait_for_signals_each_for_its_own():
    waiters = [ramet.spawn(green.sigwait, [n, signal.SIGUSR2]) for n in (signal.SIGUSR1, signal.SIGALRM)]
    ramet.sleep(0.01)
    os.kill(os.getpid(), signal.SIGUSR1)
    equal(waiters[0].get(timeout=20), signal.SIGUSR1)
    equal(signal.pthread_sigmask(signal.SIG_BLOCK, ()), {signal.SIGUSR2, signal.SIGALRM})
    waiters[1].kill()
    equal(signal.pthread_sigmask(signal.SIG_BLOCK, ()), set())


@test
def a_signal_that_waits_already_is_taken_at_once():
    before = {signal.SIGUSR1}
    signal.pthread_sigmask(signal.SIG_BLOCK, before)
    os.kill(os.getpid(), signal.SIGUSR1)
    equal(green.sigtimedwait(before, 0).si_signo, signal.SIGUSR1)
    equal(green.sigtimedwait(before, 0), None)
    equal(green.sigtimedwait(before, 0.01), None)
    equal(signal.pthread_sigmask(signal.SIG_BLOCK, ()), before)
    raises(ValueError, green.sigtimedwait, before, -1)
    raises(ValueError, green.sigwait, [5000])


@test
def handlers_run_while_the_main_greenlet_waits_for_another_signal():
    seen = []
    signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    equal(green.sigtimedwait([signal.SIGUSR1], 0.1), None)
    equal(seen, [signal.SIGALRM])


@test
def the_error_of_a_handler_of_sigchld_is_reported_and_no_more():
    import io
    ramet.get_hub().exception_stream = told = io.StringIO()
    green.signal(signal.SIGCHLD, lambda number, frame: 1 / 0)
    pid = os.fork()
    if not pid:
        os._exit(0)
    until(lambda: "ZeroDivisionError" in told.getvalue())
    ramet.sleep(0.01)
    os.waitpid(pid, 0)


main()
