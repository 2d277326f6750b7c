"""select and poll that block only the greenlet: the standard library's module of this name."""
import math
import select as _stdlib
import time

from ramet import _core

__implements__ = ["select"]
if hasattr(_stdlib, "poll"):
    __implements__.append("poll")

__all__ = ["error"] + __implements__

error = OSError

__imports__ = [name for name in dir(_stdlib) if not name.startswith("_") and name not in __all__]
for _name in __imports__:
    globals()[_name] = getattr(_stdlib, _name)
del _name

# As the kernel's select has it.
_READABLE = _stdlib.POLLIN | _stdlib.POLLRDNORM | _stdlib.POLLRDBAND | _stdlib.POLLHUP | _stdlib.POLLERR
_WRITABLE = _stdlib.POLLOUT | _stdlib.POLLWRNORM | _stdlib.POLLWRBAND | _stdlib.POLLERR
_EXCEPTIONAL = _stdlib.POLLPRI
_ASKED = (_stdlib.POLLIN | _stdlib.POLLRDNORM | _stdlib.POLLRDBAND,
          _stdlib.POLLOUT | _stdlib.POLLWRNORM | _stdlib.POLLWRBAND, _stdlib.POLLPRI)
_MOST = 1024  # descriptors that poll_fds takes


def _number(fileobj):
    if isinstance(fileobj, int):
        fd = fileobj
    else:
        try:
            fd = fileobj.fileno()
        except AttributeError:
            raise TypeError("argument must be an int, or have a fileno() method.") from None
        if not isinstance(fd, int):
            raise TypeError("fileno() returned a non-integer")
    if fd < 0:
        raise ValueError(f"file descriptor cannot be a negative integer ({fd})")
    return fd


def _wait_for_many(pairs, seconds):
    """As poll_fds, for any number of descriptors: wait for an epoll object that has them."""
    poll = _stdlib.poll()
    for fd, events in pairs:
        poll.register(fd, events)
    ready = poll.poll(0)
    if ready or seconds == 0:
        return ready
    with _stdlib.epoll() as ep:
        for fd, events in pairs:
            ep.register(fd, events)
        _core.poll_fds([(ep.fileno(), _stdlib.POLLIN)], seconds)
    return poll.poll(0)


def _poll(pairs, seconds):
    return _core.poll_fds(pairs, seconds) if len(pairs) <= _MOST else _wait_for_many(pairs, seconds)


def _seconds(timeout):
    if timeout is None:
        return None
    if not isinstance(timeout, (int, float)) and not hasattr(timeout, "__float__"):
        raise TypeError("timeout must be a float or None")
    seconds = float(timeout)
    if math.isnan(seconds):
        raise ValueError("Invalid value NaN (not a number)")
    return seconds


def select(rlist, wlist, xlist, timeout=None):
    """select(rlist, wlist, xlist, timeout=None) -> those that can be read, written, have an exceptional state"""
    seconds = _seconds(timeout)
    if seconds is not None and seconds < 0:
        raise ValueError("timeout must be non-negative")
    lists, wanted = [], {}
    for objects, events in zip((rlist, wlist, xlist), _ASKED):
        try:
            numbered = [(_number(o), o) for o in objects]
        except TypeError as e:
            if not hasattr(objects, "__iter__"):
                raise TypeError("arguments 1-3 must be sequences") from None
            raise e
        lists.append(numbered)
        for fd, _ in numbered:
            wanted[fd] = wanted.get(fd, 0) | events
    ready = dict(_poll(list(wanted.items()), seconds))
    if any(events & _stdlib.POLLNVAL for events in ready.values()):
        raise OSError(9, "Bad file descriptor")
    return tuple([o for fd, o in numbered if ready.get(fd, 0) & events]
                 for numbered, events in zip(lists, (_READABLE, _WRITABLE, _EXCEPTIONAL)))


class poll:
    """Descriptors and what is asked of each: as the object of this name in the standard library."""

    def __init__(self):
        self._wanted = {}
        self._busy = False

    def register(self, fd, eventmask=_stdlib.POLLIN | _stdlib.POLLPRI | _stdlib.POLLOUT):
        """Ask for these events of the descriptor from now on."""
        self._wanted[_number(fd)] = self._mask(eventmask)

    def modify(self, fd, eventmask):
        """The same, of one that is registered already."""
        number = _number(fd)
        if number not in self._wanted:
            raise OSError(2, "No such file or directory")
        self._wanted[number] = self._mask(eventmask)

    def unregister(self, fd):
        """Forget the descriptor."""
        del self._wanted[_number(fd)]

    def poll(self, timeout=None):
        """Wait for an event, at most so many milliseconds: a list of (fd, events)."""
        if timeout is not None:
            seconds = _seconds(timeout)
            if abs(seconds) > 2 ** 31 * 1000:
                raise OverflowError("timeout is too large")
            timeout = None if seconds < 0 else math.ceil(seconds) / 1000
            if timeout is not None and timeout > (2 ** 31 - 1) / 1000:
                raise OverflowError("timeout is too large")
        if self._busy and timeout != 0:
            raise RuntimeError("concurrent poll() invocation")
        busy, self._busy = self._busy, True
        try:
            return _poll([(fd, _signed(events)) for fd, events in self._wanted.items()], timeout)
        finally:
            self._busy = busy

    @staticmethod
    def _mask(events):
        if not isinstance(events, int):
            raise TypeError("an integer is required")
        if not 0 <= events <= 0xffff:
            raise OverflowError("unsigned short is out of range") if events > 0 else ValueError("negative events")
        return events


def _signed(events):
    return events - 0x10000 if events > 0x7fff else events


class _Epoll:
    """epoll that blocks only the greenlet; ramet.select.epoll is the standard library's, as gevent's is."""

    def __init__(self, sizehint=-1, flags=0):
        self._epoll = _stdlib.epoll(sizehint, flags)

    def __getattr__(self, name):
        return getattr(self._epoll, name)

    def __enter__(self):
        self._epoll.__enter__()
        return self

    def __exit__(self, *args):
        self._epoll.close()

    def poll(self, timeout=None, maxevents=-1):
        """As epoll's."""
        return _wait_epoll(self._epoll, timeout, maxevents)


def _wait_epoll(epoll, timeout, maxevents):
    """epoll.poll that blocks only the greenlet."""
    until = None if timeout is None or timeout < 0 else time.monotonic() + timeout
    while True:
        ready = epoll.poll(0, maxevents)
        left = None if until is None else until - time.monotonic()
        if ready or (left is not None and left <= 0):
            return ready
        _core.poll_fds([(epoll.fileno(), _stdlib.POLLIN)], left)
