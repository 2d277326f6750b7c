"""Groups of greenlets: together they are waited for, killed, and limited in number."""
from queue import Full
from time import monotonic

from ramet._core import Event, Greenlet, GreenletExit, Semaphore, getcurrent
from ramet._imap import IMap, IMapUnordered
from ramet.lock import DummySemaphore

__all__ = ["Group", "Pool", "PoolFull"]


class GroupMappingMixin:
    """apply and map in their variants, on a spawn() whose result has get() and rawlink()."""

    def spawn(self, func, *args, **kwargs):
        """Begin func(*args, **kwargs) elsewhere: returns what its outcome can be had from."""
        raise NotImplementedError

    def _apply_immediately(self):
        """Whether the caller is one whose place apply would wait for."""
        raise NotImplementedError

    def _apply_async_use_greenlet(self):
        """Whether spawn could block, so that apply_async needs somebody who may."""
        raise NotImplementedError

    def _apply_async_cb_spawn(self, callback, result):
        """Call callback(result)."""
        raise NotImplementedError

    def apply(self, func, args=None, kwds=None):
        """The result of func(*args, **kwds), called by spawn(); by the caller if it belongs to the group."""
        args, kwds = args or (), kwds or {}
        if self._apply_immediately():
            return func(*args, **kwds)
        return self.spawn(func, *args, **kwds).get()

    def apply_cb(self, func, args=None, kwds=None, callback=None):
        """apply(), and then callback(result)."""
        result = self.apply(func, args, kwds)
        if callback is not None:
            self._apply_async_cb_spawn(callback, result)
        return result

    def apply_async(self, func, args=None, kwds=None, callback=None):
        """A greenlet that does apply_cb().  Does not block, even if the group is full."""
        args, kwds = args or (), kwds or {}
        if self._apply_async_use_greenlet():
            return Greenlet.spawn(self.apply_cb, func, args, kwds, callback)
        greenlet = self.spawn(func, *args, **kwds)
        if callback is not None:
            greenlet.rawlink(lambda g: g.successful() and self._apply_async_cb_spawn(callback, g.value))
        return greenlet

    def map(self, func, iterable):
        """A list of func(x) for each x, called by spawn(); raises the first error in the list's order."""
        return [task.get() for task in [self.spawn(func, x) for x in iterable]]

    def map_cb(self, func, iterable, callback=None):
        """map(), and then callback(list)."""
        result = self.map(func, iterable)
        if callback is not None:
            callback(result)
        return result

    def map_async(self, func, iterable, callback=None):
        """A greenlet that does map_cb()."""
        return Greenlet.spawn(self.map_cb, func, iterable, callback)

    def imap(self, func, *iterables, maxsize=None, **unknown):
        """An iterator over func(*x) for the iterables' elements side by side, in their order.

        An error is raised in its place; the iteration may go on after it.  At most maxsize results are begun that have
        not been taken, if it is given.
        """
        return self._imap(IMap, func, iterables, maxsize, unknown)

    def imap_unordered(self, func, *iterables, maxsize=None, **unknown):
        """imap() in the order in which the results come."""
        return self._imap(IMapUnordered, func, iterables, maxsize, unknown)

    def _imap(self, kind, func, iterables, maxsize, unknown):
        if unknown:
            raise TypeError("Unsupported keyword arguments")
        mapping = kind(func, zip(*iterables), self.spawn, maxsize)
        mapping.start()
        return mapping


class Group(GroupMappingMixin):
    """Greenlets until they end: added and begun by spawn() or start()."""

    greenlet_class = Greenlet

    def __init__(self, *args):
        if len(args) > 1:
            raise TypeError(f"Group takes the greenlets to begin with and nothing else: {len(args)} arguments")
        self.greenlets = set()
        self.dying = set()
        self._empty_event = Event()
        self._empty_event.set()
        for greenlet in args[0] if args else ():
            self.add(greenlet)

    def __repr__(self):
        return f"<{type(self).__name__} at 0x{id(self):x} {self.greenlets}>"

    def __len__(self):
        return len(self.greenlets)

    def __contains__(self, item):
        return item in self.greenlets

    def __iter__(self):
        return iter(self.greenlets)

    def add(self, greenlet):
        """Make it a member until it ends."""
        if greenlet not in self.greenlets:
            self._take_in(greenlet)

    def _take_in(self, greenlet):
        rawlink = getattr(greenlet, "rawlink", None)
        if not self.greenlets:
            self._empty_event.clear()
        self.greenlets.add(greenlet)
        if rawlink:  # others stay until they are discarded
            rawlink(self._discard)

    def _discard(self, greenlet):
        self.greenlets.discard(greenlet)
        if self.dying:
            self.dying.discard(greenlet)
        if not self.greenlets:
            self._empty_event.set()

    def discard(self, greenlet):
        """It is no member any more."""
        unlink = getattr(greenlet, "unlink", None)
        if unlink:
            unlink(self._discard)
        self._discard(greenlet)

    def start(self, greenlet):
        """Add a greenlet that has not begun, and start it."""
        self.add(greenlet)
        greenlet.start()

    def spawn(self, *args, **kwargs):
        """Start a member: the arguments are those of its class.  Returns it."""
        greenlet = self.greenlet_class(*args, **kwargs)
        self.start(greenlet)
        return greenlet

    def join(self, timeout=None, raise_error=False):
        """Wait until there is no member: whether that came to pass in time.

        With raise_error an error by which one of the present members ends is raised.
        """
        members = list(self.greenlets) if raise_error else ()
        empty = self._empty_event.wait(timeout=timeout)
        for greenlet in members:
            if getattr(greenlet, "exception", None) is not None:
                raise greenlet.exception
        return empty

    def kill(self, exception=GreenletExit, block=True, timeout=None):
        """Kill the members, those as well that are added meanwhile if it blocks, and wait for their end."""
        limit = None if timeout is None else monotonic() + timeout
        while self.greenlets and (limit is None or monotonic() < limit):
            self._kill_members(exception)
            if not block:
                break
            self._wait_for(next(iter(self.greenlets)), None if limit is None else max(0, limit - monotonic()))

    def _kill_members(self, exception):
        for greenlet in list(self.greenlets):
            if greenlet not in self.dying:
                self.dying.add(greenlet)
                _kill_soon(greenlet, exception)

    def _wait_for(self, greenlet, timeout):
        if hasattr(greenlet, "join"):
            greenlet.join(timeout)
        if greenlet in self.greenlets and getattr(greenlet, "dead", True):
            self._discard(greenlet)  # its link has not been told yet

    def killone(self, greenlet, exception=GreenletExit, block=True, timeout=None):
        """Kill a member; nothing if it is none."""
        if greenlet in self.greenlets and greenlet not in self.dying:
            self.dying.add(greenlet)
            _kill_soon(greenlet, exception)
        if block:
            self._wait_for(greenlet, timeout)

    def full(self):
        """False: there is room for any number."""
        return False

    def wait_available(self, timeout=None):
        """1 at once: there is room."""
        return 1

    def _apply_immediately(self):
        return getcurrent() in self

    def _apply_async_use_greenlet(self):
        return self.full()

    def _apply_async_cb_spawn(self, callback, result):
        Greenlet.spawn(callback, result)


def _kill_soon(greenlet, exception):
    kill = getattr(greenlet, "kill", None)
    if kill:
        kill(exception, block=False)
    else:
        from ramet.hub import kill
        kill(greenlet, exception)


class PoolFull(Full):
    """There is no room in the pool, or was none in time."""


class Pool(Group):
    """A Group of at most size greenlets: whoever adds one more waits.  None is no limit."""

    def __init__(self, size=None, greenlet_class=None):
        if size is not None and size < 0:
            raise ValueError(f"size must not be negative: {size!r}")
        super().__init__()
        self.size = size
        if greenlet_class is not None:
            self.greenlet_class = greenlet_class
        self._semaphore = DummySemaphore() if size is None else Semaphore(size)

    def wait_available(self, timeout=None):
        """Wait until there is room; returns for how many, 0 when the time is over."""
        return self._semaphore.wait(timeout=timeout)

    def full(self):
        """Whether add would wait."""
        return self.free_count() <= 0

    def free_count(self):
        """How many may be added at once; 1 if there is no limit."""
        return 1 if self.size is None else max(0, self.size - len(self))

    def start(self, greenlet, *args, **kwargs):
        """add(), and start it."""
        self.add(greenlet, *args, **kwargs)
        greenlet.start()

    def add(self, greenlet, blocking=True, timeout=None):
        """Make it a member once there is room; raises PoolFull if there is none, or none in time."""
        if greenlet in self.greenlets:
            return
        if not self._semaphore.acquire(blocking, timeout):
            raise PoolFull
        try:
            self._take_in(greenlet)
        except BaseException:
            if greenlet not in self.greenlets:
                self._semaphore.release()
            raise

    def _discard(self, greenlet):
        was = greenlet in self.greenlets
        Group._discard(self, greenlet)
        if was:
            self._semaphore.release()
