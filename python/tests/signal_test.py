"""The module signal: handlers as ever, but for that of SIGCHLD."""
import os
import signal
import time

from lib.tap import equal, main, raises, test

import ramet
from ramet import os as green_os
from ramet import signal as green
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


main()
