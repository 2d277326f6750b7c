"""The event loop's constants, and the watchers that are made of others."""
import os
import sys
import traceback
from time import time

from ramet import _core
from ramet import _flags
from ramet._core import async_, callback, check, fork, idle, io, loop, prepare, signal, timer, watcher
from ramet._flags import *  # noqa: F401, F403

__all__ = ['loop', 'callback', 'watcher', 'get_version', 'get_header_version', 'supported_backends',
           'recommended_backends', 'embeddable_backends', 'time']

READ = 1
WRITE = 2
READWRITE = READ | WRITE
NONE = 0
UNDEF = -1
TIMER = 0x100
PERIODIC = 0x200
SIGNAL = 0x400
CHILD = 0x800
STAT = 0x1000
IDLE = 0x2000
PREPARE = 0x4000
CHECK = 0x8000
FORK = 0x20000
ASYNC = 0x80000
MINPRI = -2
MAXPRI = 2
EVENTS = type('_EVENTSType', (), {'__repr__': lambda self: 'gevent.core.EVENTS'})()


def get_version():
    """What stands where libev does."""
    return 'ramet'


get_header_version = get_version


def supported_backends():
    """Ways to wait for descriptors."""
    return ['epoll', 'uring']


recommended_backends = embeddable_backends = supported_backends


_flags_to_int, _flags_to_list, _check_flags = _flags.flags_to_int, _flags.flags_to_list, _flags.check_flags


def _events_to_str(events):
    """The names of io's events."""
    return '|'.join(name for bit, name in ((READ, 'READ'), (WRITE, 'WRITE')) if events & bit)


class child(watcher):
    """Calls its callback when a child process has ended, having reaped it."""

    def __init__(self, hub_loop, pid, trace=0, ref=True):
        if not hub_loop.default:
            raise TypeError('child watchers are only available on the default loop')
        super().__init__(hub_loop, ref)
        self._pid = pid
        self.rpid = self.rstatus = 0
        self._inner = self._pidfd = None

    @property
    def pid(self):
        return self._pid

    def start(self, function, *args):
        if not callable(function):
            raise TypeError(f'Expected callable, not {function!r}')
        self.callback, self.args = function, args
        if self._inner is None:
            self._inner = self._watch()
            self._inner.start(self._on_event)

    def _watch(self):
        if self._pid:
            try:
                self._pidfd = os.pidfd_open(self._pid)
                return self.loop.io(self._pidfd, READ, ref=self.ref)
            except (OSError, AttributeError):
                pass
        return self.loop.timer(0, 0.05, ref=self.ref)

    @property
    def active(self):
        return self._inner is not None

    def _on_event(self):
        try:
            pid, status = os.waitpid(self._pid or -1, os.WNOHANG)
        except ChildProcessError:
            pid, status = self._pid, 0
        if not pid:
            return
        self.rpid, self.rstatus = pid, status
        function, args = self.callback, self.args
        if self._pid:
            self.stop()
        if function is not None:
            function(*args)

    def stop(self):
        inner, self._inner = self._inner, None
        fd, self._pidfd = self._pidfd, None
        if inner is not None:
            inner.close()
        if fd is not None:
            os.close(fd)
        super().stop()

    close = stop


class stat(watcher):
    """Calls its callback when what a path names has changed."""
    DEFAULT_INTERVAL = 5.0
    MIN_INTERVAL = 0.1

    def __init__(self, hub_loop, path, interval=0.0, ref=True, priority=None):
        super().__init__(hub_loop, ref, priority)
        self.path = os.fspath(path)
        self._paths = os.fsencode(self.path)
        self.interval = interval
        self.prev = self.attr = None
        self._inner = None

    def _look(self):
        try:
            return os.stat(self.path)
        except OSError:
            return None

    def start(self, function, *args):
        if not callable(function):
            raise TypeError(f'Expected callable, not {function!r}')
        self.callback, self.args = function, args
        if self._inner is None:
            self.attr = self._look()
            every = max(self.interval, self.MIN_INTERVAL) if self.interval else self.DEFAULT_INTERVAL
            self.interval = every
            self._inner = self.loop.timer(every, every, ref=self.ref)
            self._inner.start(self._on_time)

    @property
    def active(self):
        return self._inner is not None

    def _on_time(self):
        now = self._look()
        if _key(now) == _key(self.attr):
            return
        self.prev, self.attr = self.attr, now
        self.callback(*self.args)

    def stop(self):
        inner, self._inner = self._inner, None
        if inner is not None:
            inner.close()
        super().stop()

    close = stop


def _key(attr):
    return attr and (attr.st_mode, attr.st_ino, attr.st_dev, attr.st_nlink, attr.st_uid, attr.st_gid, attr.st_size,
                     attr.st_mtime_ns, attr.st_ctime_ns)


def _making(kind):
    def make(self, *args, **kwargs):
        if self.destroyed:
            raise ValueError('operation on destroyed loop')
        return kind(self, *args, **kwargs)
    make.__name__ = kind.__name__
    make.__doc__ = f"A new watcher of that kind, to be started: {kind.__doc__ or kind.__name__}"
    return make


def _closing_fd(self, fd):
    """fd is about to be closed: watchers of it are told.  False: nobody has to wait for that."""
    return False


def _init(self, flags=None, default=None, ptr=0):
    """Another object for the loop of the calling thread: `flags` is for libev, and has no effect if it is valid."""
    _flags.check_flags(_flags.flags_to_int(flags))
    self._default = default is not False


def _destroy(self):
    """This object is no good any more; the loop is the thread's, and ends with it."""
    self.destroyed, self._default = True, False


def _nothing(self, *_args):
    """Nothing."""


def _run(self, nowait=False, once=False):
    """Let the loop turn until nothing is left to wait for; with `once` until something has happened; with `nowait`
    once only."""
    hub = _core.get_hub()
    if _core.getcurrent() is hub:
        raise RuntimeError("the loop runs already: this is its hub")
    if nowait:
        _core.sleep(0)
    elif once:
        with self.check() as turned:
            hub.wait(turned)
    else:
        hub.join()


def _handle_error(self, context, type, value, tb):
    """What the hub does with it."""
    _core.get_hub().handle_error(context, type, value, tb)


def _loop_repr(self):
    return f"<loop at 0x{id(self):x} {self._format()}>"


def _format(self):
    default = ' default' if self.default else ''
    return f"{self.backend}{default} pending={self.pendingcnt} ref={self.activecnt}"


def _place(g):
    """Where it waits, in the program's own words."""
    package, frame = os.path.dirname(__file__) + os.sep, g.gr_frame
    while frame is not None and frame.f_code.co_filename.startswith(package):
        frame = frame.f_back
    return f", at {frame.f_code.co_name} ({frame.f_code.co_filename}:{frame.f_lineno})" if frame is not None else ''


def _in_circle(g):
    """Whether whom it waits for waits, in the end, for it."""
    other = _core.waits_for_whom(g)
    for _ in range(100):
        if other is None or other is g:
            return other is g
        other = _core.waits_for_whom(other)
    return False


def _short(g):
    return f"<{type(g).__name__} at 0x{id(g):x}>"


def _wait(g):
    what, whom = _core.waits_for(g), _core.waits_for_whom(g)
    if whom is not None:
        what = f"{what}, held by {_short(whom)}" if what == 'a lock' else f"the end of {_short(whom)}"
    return f"{g!r} waits for {what}{_place(g)}"


def _debug(self):
    """Who waits, and for what: at most a hundred lines, first of those that wait for each other."""
    import gc
    waiting = [g for g in gc.get_objects() if isinstance(g, _core.greenlet) and _core.waits_for(g)]
    if len(waiting) <= 1000:
        waiting.sort(key=_in_circle, reverse=True)  # which looks at all for each
    return [_wait(g) for g in waiting[:100]]


def _install_loop():
    for kind in (_core.io, _core.timer, _core.signal, _core.idle, _core.prepare, _core.check, _core.fork, _core.async_,
                 child, stat):
        setattr(loop, kind.__name__, _making(kind))
    loop.async_.__name__ = 'async_'
    setattr(loop, 'async', loop.async_)
    loop.__init__, loop.destroy, loop.destroyed, loop._default = _init, _destroy, False, True
    loop.closing_fd, loop.reinit, loop.run, loop.break_ = _closing_fd, loop._tell_fork, _run, _nothing
    loop.handle_error, loop.__repr__, loop._format, loop.debug = _handle_error, _loop_repr, _format, _debug
    loop.MAXPRI, loop.MINPRI, loop.approx_timer_resolution = MAXPRI, MINPRI, 0.00001
    loop.backend, loop.backend_int, loop.error_handler = 'epoll', 4, None
    loop.default = property(_is_default)
    loop.ptr = property(lambda self: 0 if self.destroyed else id(self))
    loop.WatcherType = watcher
    loop.fileno = _fileno


def _fileno(self):
    """None: the loop has no descriptor that others could wait for."""
    return None


def _is_default(self):
    import threading
    return self._default and threading.current_thread() is threading.main_thread()


def _watcher_repr(self):
    words = [f"<{type(self).__name__} at 0x{id(self):x}"]
    if hasattr(self, 'fd'):
        words.append(f"fd={self.fd} events={self.events_str}")
    words += [word for word in ('active', 'pending') if getattr(self, word)]
    if self.callback is not None:
        words.append(f"callback={self.callback!r} args={self.args!r}")
    return ' '.join(words) + '>'


watcher.__repr__ = _watcher_repr
_install_loop()
