"""The standard library's module signal.

The handler of SIGCHLD runs in a greenlet of its own, and may block; to ignore that signal changes nothing for who waits
for children.  Whoever sends a signal to a greenlet, by what get_ident() gives, sends it to its OS thread.  sigwait and its
like block only the greenlet.
"""
import signal as _stdlib
import time
from _socket import timeout as timeout_error
from collections import Counter

from ramet._core import GreenletExit, _os_thread_of, close_fd, greenlet, signal_fd, wait_read
from ramet._hub_local import get_hub
from ramet._util import copy_globals

__implements__ = ['signal', 'getsignal', 'set_wakeup_fd', 'pthread_kill', 'sigwait', 'sigwaitinfo', 'sigtimedwait']
__all__ = list(__implements__)
__extensions__ = []

_signal, _getsignal, _set_wakeup_fd = _stdlib.signal, _stdlib.getsignal, _stdlib.set_wakeup_fd
_pthread_kill = _stdlib.pthread_kill
_sigtimedwait, _mask = _stdlib.sigtimedwait, _stdlib.pthread_sigmask
_UNSET = object()
_child_handler = _UNSET


def getsignal(signalnum):
    """The handler that was set for a signal."""
    if signalnum != _stdlib.SIGCHLD:
        return _getsignal(signalnum)
    return _getsignal(signalnum) if _child_handler is _UNSET else _child_handler


def signal(signalnum, handler):
    """Set the handler of a signal: returns the one before."""
    if signalnum != _stdlib.SIGCHLD:
        return _signal(signalnum, handler)
    if handler not in (_stdlib.SIG_IGN, _stdlib.SIG_DFL) and not callable(handler):
        raise TypeError("signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object")
    global _child_handler
    before = getsignal(signalnum)
    # What the system ignores it also takes from whoever waits for it.
    _signal(signalnum, _on_child if callable(handler) else _stdlib.SIG_DFL)
    _child_handler = handler
    return before


def _on_child(signalnum, frame):
    hub = get_hub()
    hub.loop.run_callback(_run_child_handler, hub, signalnum)


def _run_child_handler(hub, signalnum):
    greenlet(_call_child_handler, hub).switch(hub, _child_handler, signalnum)


def _call_child_handler(hub, handler, signalnum):
    try:
        if callable(handler):
            handler(signalnum, None)
    except GreenletExit:
        pass
    except BaseException as e:
        hub.handle_error((handler, signalnum), type(e), e, e.__traceback__)


def set_wakeup_fd(fd, *, warn_on_full_buffer=True):
    """Write the number of every signal to a descriptor as well, -1: to none.  Returns the one before."""
    return _set_wakeup_fd(fd, warn_on_full_buffer=warn_on_full_buffer)


def pthread_kill(thread_id, signalnum):
    """Send a signal to the OS thread that has this identity, or in which the greenlet runs that has it."""
    native = _os_thread_of(thread_id)
    _pthread_kill(thread_id if native is None else native, signalnum)


# ---- waiting for signals --------------------------------------------------------------------------------------------

_awaited = Counter()  # how many greenlets wait for each that was not blocked before


class _Blocked:
    """The signals are blocked meanwhile: nobody else takes them."""

    def __init__(self, signals):
        before = _mask(_stdlib.SIG_BLOCK, signals)
        self._signals = [n for n in signals if n not in before or n in _awaited]

    def __enter__(self):
        _awaited.update(self._signals)

    def __exit__(self, *_error):
        _awaited.subtract(self._signals)
        over = [n for n in self._signals if not _awaited[n]]
        for n in over:
            del _awaited[n]
        _mask(_stdlib.SIG_UNBLOCK, over)


def _wait_readable(fd, end):
    try:
        wait_read(fd, None if end is None else max(end - time.monotonic(), 0))
    except timeout_error:  # TimeoutError since 3.10
        pass


def _wait_for(signals, end):
    fd = signal_fd(signals)
    try:
        while True:
            _wait_readable(fd, end)
            info = _sigtimedwait(signals, 0)
            if info is not None or end is not None and time.monotonic() >= end:
                return info
    finally:
        close_fd(fd)


def sigtimedwait(sigset, timeout):
    """Wait for one of these signals, at most for so many seconds: what is known of it; None: the time is over."""
    signals = set(sigset)
    info = _sigtimedwait(signals, min(timeout, 0))
    if info is not None or timeout <= 0:
        return info
    with _Blocked(signals):
        return _wait_for(signals, time.monotonic() + timeout)


def sigwaitinfo(sigset):
    """Wait for one of these signals: what is known of it."""
    signals = set(sigset)
    info = _sigtimedwait(signals, 0)
    if info is not None:
        return info
    with _Blocked(signals):
        return _wait_for(signals, None)


def sigwait(sigset):
    """Wait for one of these signals: its number."""
    number = sigwaitinfo(sigset).si_signo
    try:
        return _stdlib.Signals(number)
    except ValueError:  # one between SIGRTMIN and SIGRTMAX
        return number


__imports__ = copy_globals(_stdlib, globals(), names_to_ignore=__implements__, dunder_names_to_keep=())
