"""The standard library's module threading: a Thread is a greenlet, whether or not that module is patched.

Once it is, its own classes find what they are made of here, so that threading.Thread is still the class that it was.
"""
import sys
import threading as _stdlib
import warnings
import weakref

from ramet import thread as _thread
from ramet._core import Event as _Event
from ramet._core import GreenletExit, LockType, get_hub, getcurrent
from ramet._rebind import Names
from ramet.local import local
from ramet.thread import RLock as _RLock
from ramet.thread import get_ident
from ramet.thread import start_new_thread as _start_new_thread

__threading__ = _stdlib

__implements__ = ['local', '_allocate_lock', 'Lock', '_DummyThread', 'get_ident', '_CRLock', '_make_invoke_excepthook']

_allocate_lock = Lock = LockType
_CRLock = _RLock
_native_ident, _native_main = _stdlib.get_ident, _stdlib.main_thread

if hasattr(_stdlib, '_start_joinable_thread'):
    from ramet.thread import _make_thread_handle, _ThreadHandle
    from ramet.thread import _shutdown as _thread_shutdown
    from ramet.thread import start_joinable_thread as _start_joinable_thread
    __implements__ += ['_start_joinable_thread', '_ThreadHandle', '_make_thread_handle', '_thread_shutdown']
else:
    __implements__ += ['_start_new_thread', '_set_sentinel']

_sentinels = set()  # of greenlets that cannot be asked to tell of their end


class _Sentinel:
    """What module threading takes for a lock that a thread has until it ends: whoever wants it waits for that."""

    def __init__(self):
        self._held = False
        self._over = _Event()
        self._free = LockType()  # once it is over
        self._given_up = None

    def acquire(self, blocking=True, timeout=-1):
        """The thread's own, which is the first, has it; others wait until it has ended."""
        if not self._held:
            self._held = True
            return True
        try:
            if blocking:
                self._over.wait(None if timeout < 0 else timeout)
            return self._over.is_set() and self._free.acquire(blocking, timeout)
        except BaseException:
            self._given_up = getcurrent()
            raise

    def release(self, _source=None):
        """The thread has ended; or who got the lock after that wants it no more."""
        if self._free.locked():
            self._free.release()
        self._over.set()

    def locked(self):
        """Whether it still runs.  After an exception in acquire() the question is whether that got the lock: no."""
        if self._given_up is getcurrent():
            self._given_up = None
            return False
        return self._held and (not self._over.is_set() or self._free.locked())

    def _at_fork_reinit(self):
        self.__init__()


def _set_sentinel():
    """A lock, to be acquired, that is released when the calling greenlet ends."""
    sentinel, current = _Sentinel(), getcurrent()
    if hasattr(current, 'rawlink'):
        current.rawlink(sentinel.release)
    else:
        def release(ref):
            _sentinels.discard(ref)
            sentinel.release()
        _sentinels.add(weakref.ref(current, release))
    return sentinel


_make_invoke = _stdlib._make_invoke_excepthook


def _make_invoke_excepthook():
    """What calls threading.excepthook.  Ctrl-C that came while a thread ran is the main greenlet's; a kill is no error."""
    invoke = _make_invoke()

    def invoke_excepthook(thread):
        error = sys.exc_info()
        if isinstance(error[1], KeyboardInterrupt):
            get_hub().handle_system_error(*error)
        elif not isinstance(error[1], GreenletExit):
            invoke(thread)
    return invoke_excepthook


class Event(_Event):
    """threading.Event"""

    if sys.version_info >= (3, 10):
        def isSet(self):
            """is_set, which is to be used."""
            warnings.warn('isSet() is deprecated, use is_set() instead', DeprecationWarning, stacklevel=2)
            return self.is_set()

    def __repr__(self):
        return f"<threading.Event at {id(self):#x}: {'set' if self.is_set() else 'unset'}>"

    def _at_fork_reinit(self):
        if not self.is_set():
            self._reset_internal_locks()


def main_native_thread():
    """The Thread of the OS thread that the process began with."""
    return _native_main()


def current_thread():
    """The Thread of the calling greenlet; one that only says that it runs if it was not started as such."""
    found = _stdlib._active.get(get_ident())
    if found is None and getcurrent().parent is None:
        found = _stdlib._active.get(_native_ident())
    return found if found is not None else _DummyThread()


# The methods of the classes there, on what is here.
_ours = {name: globals()[name] for name in __implements__ if name != '_DummyThread'}
_names = Names(_stdlib, Event=Event, current_thread=current_thread, **_ours)

Thread = type('Thread', (_stdlib.Thread,), {'__doc__': "A greenlet that looks like a thread.", '__module__': __name__,
                                            **_names.methods(_stdlib.Thread)})
_names['Thread'] = Thread



def adopt():
    """The Thread that was this OS thread's is the calling greenlet's: that, or None."""
    thread = _stdlib._active.pop(_native_ident(), None)
    if thread is not None:
        thread._ident = get_ident()
        # Since 3.13 fork looks for the identity there, too; but the end of another OS thread is told to its own.
        if hasattr(thread, '_handle') and thread is _native_main():
            thread._handle = _make_thread_handle(thread._ident)
        _stdlib._active[thread._ident] = thread
    return thread


_DummyBase = type('_DummyBase', (Thread,), _names.methods(_stdlib._DummyThread))


class _DummyThread(_DummyBase):
    """Stands for a greenlet that was not started as a Thread, as long as that lives."""

    def __new__(cls):
        thread = adopt() if getcurrent().parent is None else None  # an OS thread that began before the patching
        return super().__new__(cls) if thread is None else thread

    def __init__(self):
        super().__init__()
        current = getcurrent()
        if hasattr(current, 'rawlink'):
            current.rawlink(self._forget)
        else:
            self._greenlet = weakref.ref(current, self._forget)

    def _forget(self, _source):
        active = _stdlib._active
        if active.get(self._ident) is self:
            del active[self._ident]

    def is_alive(self):
        """Whether the greenlet still runs."""
        return _stdlib._active.get(self._ident) is self


_names['_DummyThread'] = _DummyThread
_names['_DeleteDummyThreadOnDel'] = lambda dummy: None  # _forget does it

Timer = type('Timer', (Thread,), {'__doc__': "Calls a function after some time, in a greenlet.", '__module__': __name__,
                                  **_names.methods(_stdlib.Timer)})
_names['Timer'] = Timer
