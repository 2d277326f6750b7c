"""The standard library's module _thread: what is started here is a greenlet."""
import _thread as _stdlib
import os

from ramet._core import Event, Greenlet, GreenletExit, LockType, getcurrent, unraisable_in_thread
from ramet._core import ThreadRLock as RLock
from ramet.local import local as _local

__implements__ = ['allocate_lock', 'get_ident', 'exit', 'LockType', 'stack_size', 'start_new_thread', '_local', 'RLock',
                  '_count']
__target__ = '_thread'
__imports__ = ['error', 'TIMEOUT_MAX', 'interrupt_main', 'get_native_id']
__extra__ = ['allocate', 'exit_thread', 'start_new']

error, TIMEOUT_MAX, interrupt_main = _stdlib.error, _stdlib.TIMEOUT_MAX, _stdlib.interrupt_main
get_native_id = _stdlib.get_native_id
_get_ident, _stack_size, _native_count = _stdlib.get_ident, _stdlib.stack_size, _stdlib._count

allocate_lock = allocate = LockType

__all__ = [name for name in __implements__ + __imports__ + __extra__ if not name.startswith('_')]


def get_ident(gr=None):
    """A number that no other greenlet has: of the calling one, or of gr."""
    return id(getcurrent() if gr is None else gr)


_running = 0  # of those that were started here


def _call(function, args, kwargs):
    try:
        function(*args, **kwargs)
    except SystemExit:
        pass  # it ends this thread only
    except Exception as e:
        unraisable_in_thread(e, function)


def _ended(_greenlet):
    global _running
    _running -= 1


def _count():
    """How many threads run that were started by start_new_thread."""
    return _native_count() + _running


def _name(function):
    """What tools call its greenlet: as module threading does, or after the function."""
    name = getattr(getattr(function, '__self__', None), '_name', None)
    return name if isinstance(name, str) else getattr(function, '__qualname__', type(function).__name__)


def _start(function, args, kwargs):
    if not callable(function):
        raise TypeError("first arg must be callable")
    if not isinstance(args, tuple):
        raise TypeError("2nd arg must be a tuple")
    global _running
    greenlet = Greenlet.spawn(_call, function, args, kwargs or {})
    greenlet.name = _name(function)
    greenlet.rawlink(_ended)
    _running += 1
    return greenlet


def start_new_thread(function, args=(), kwargs=None):
    """Call function(*args, **kwargs) in a new greenlet: returns its number."""
    if kwargs is not None and not isinstance(kwargs, dict):
        raise TypeError("optional 3rd arg must be a dictionary")
    return get_ident(_start(function, args, kwargs))


start_new = start_new_thread


def exit():
    """End the calling greenlet."""
    raise GreenletExit


exit_thread = exit


def stack_size(size=None):
    """The size of OS threads' stacks from now on; greenlets' grow as they need."""
    return _stack_size() if size is None else _stack_size(size)


# ---- as of Python 3.13 ----------------------------------------------------------------------------------------------

class _ThreadHandle:
    """What is known of a thread."""

    def __init__(self):
        self.ident = 0
        self._over = Event()
        self._pid = os.getpid()

    def _begin(self, greenlet):
        if self.ident:
            raise RuntimeError("thread already started")
        self.ident = get_ident(greenlet)
        greenlet.rawlink(self._set_done)

    def _set_done(self, _greenlet=None):
        """It has ended."""
        if not self.ident:
            raise RuntimeError("thread not started")
        _to_be_joined.discard(self)
        self._over.set()

    def is_done(self):
        """Whether it has ended; in the child of a fork only the thread that forked has not."""
        return self._over.is_set() or self._pid != os.getpid() and self.ident != get_ident()

    def join(self, timeout=None):
        """Wait until it has ended, for so many seconds; None and -1: however long it takes."""
        if not self.ident:
            raise RuntimeError("thread not started")
        if self.ident == get_ident():
            raise RuntimeError("Cannot join current thread")
        if not self.is_done():
            self._over.wait(None if timeout is None or timeout < 0 else timeout)

    def __repr__(self):
        return f"<_ThreadHandle object: ident={self.ident}>"


_to_be_joined = set()  # handles of those that are no daemons
_awaited = False  # at the interpreter's end, if nothing is patched


def _await_all():
    me = get_ident()
    while True:
        handle = next((h for h in _to_be_joined if h.ident != me), None)
        if handle is None:
            break
        handle.join()
        _to_be_joined.discard(handle)


def _await_at_the_end():
    global _awaited
    if not _awaited:
        import threading

        threading._register_atexit(_await_all)
        _awaited = True


def start_joinable_thread(function, handle=None, daemon=True):
    """Call function() in a new greenlet: returns its handle."""
    handle = _ThreadHandle() if handle is None else handle
    if handle.ident:
        raise RuntimeError("thread already started")
    handle._begin(_start(function, (), None))
    if not daemon:
        _await_at_the_end()
        _to_be_joined.add(handle)
    return handle


def _make_thread_handle(ident):
    """The handle of a thread that runs."""
    handle = _ThreadHandle()
    handle.ident = ident
    return handle


def _shutdown():
    """Wait for the threads that are no daemons."""
    _await_all()
    if hasattr(_stdlib, '_shutdown'):
        _native_shutdown()


_native_shutdown = getattr(_stdlib, '_shutdown', None)

if hasattr(_stdlib, 'start_joinable_thread'):
    __implements__ += ['start_joinable_thread', '_ThreadHandle', '_make_thread_handle', '_shutdown']
    lock = LockType
    __implements__ += ['lock'] if hasattr(_stdlib, 'lock') else []
