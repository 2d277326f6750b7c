"""The standard library's module signal.

The handler of SIGCHLD runs in a greenlet of its own, and may block; to ignore that signal changes nothing for who waits
for children.
"""
import signal as _stdlib

from ramet._core import GreenletExit, greenlet
from ramet._hub_local import get_hub
from ramet._util import copy_globals

__implements__ = ['signal', 'getsignal', 'set_wakeup_fd']
__all__ = list(__implements__)
__extensions__ = []

_signal, _getsignal, _set_wakeup_fd = _stdlib.signal, _stdlib.getsignal, _stdlib.set_wakeup_fd
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
        hub.handle_error(None, type(e), e, e.__traceback__)


def set_wakeup_fd(fd, *, warn_on_full_buffer=True):
    """Write the number of every signal to a descriptor as well, -1: to none.  Returns the one before."""
    return _set_wakeup_fd(fd, warn_on_full_buffer=warn_on_full_buffer)


__imports__ = copy_globals(_stdlib, globals(), names_to_ignore=__implements__, dunder_names_to_keep=())
