"""Waiting for several objects at once: iwait and wait, and what they are made of."""
from ramet import _core
from ramet._core import Waiter
from ramet._hub_local import get_hub


class linkproxy:
    """A link that passes another object than the one it is linked to."""
    __slots__ = ('callback', 'obj')

    def __init__(self, callback, obj):
        self.callback, self.obj = callback, obj

    def __call__(self, *_args):
        callback, obj = self.callback, self.obj
        self.callback = self.obj = None
        callback(obj)


class MultipleWaiter(Waiter):
    """A Waiter that keeps what comes, for get() one after the other."""

    def __init__(self, hub=None):
        super().__init__(hub)
        self._values = []

    def switch(self, value):
        """Hand over one more."""
        self._values.append(value)
        super().switch(True)

    def get(self):
        """The next one."""
        if not self._values:
            super().get()
        self.clear()
        return self._values.pop(0)


_DONE = object()


class _WaitIterator:
    """What iwait returns."""

    def __init__(self, objects, timeout, count):
        self._objects = list(objects)
        self._left = len(self._objects) if count is None else min(count, len(self._objects))
        self._timeout = timeout
        self._waiter = MultipleWaiter()
        self._linked = []
        self._timer = None
        self._begun = False

    def _begin(self):
        self._begun = True
        for obj in self._objects:
            self._linked.append(obj)
            obj.rawlink(self._waiter.switch)
        if self._timeout is not None:
            self._timer = get_hub().loop.timer(self._timeout, priority=-1)
            self._timer.start(self._waiter.switch, _DONE)

    def __iter__(self):
        return self

    def __next__(self):
        if self._left <= 0:
            self._end()
            raise StopIteration
        self._left -= 1
        try:
            if not self._begun:
                self._begin()
            item = self._waiter.get()
        except BaseException:
            self._end()
            raise
        self._waiter.clear()
        if item is _DONE:
            self._end()
            raise StopIteration
        return item

    next = __next__

    def _end(self):
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.close()
        linked, self._linked, self._left = self._linked, [], 0
        for obj in linked:
            unlink = getattr(obj, 'unlink', None)
            if unlink is not None:
                unlink(self._waiter.switch)

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self._end()


def iwait(objects, timeout=None, count=None):
    """Iterate over the objects as they become ready, all or `count`, for at most `timeout` seconds."""
    if objects is None:
        return iter([get_hub().join(timeout=timeout)])
    return _WaitIterator(objects, timeout, count)


def wait(objects=None, timeout=None, count=None):
    """The objects that have become ready, in that order: all or `count`, for at most `timeout` seconds.  Without
    objects wait until nothing is left to do: True, or False when the time is over."""
    if objects is None:
        return get_hub().join(timeout=timeout)
    objects = list(objects)
    ended = _core.wait_greenlets(objects, timeout, count)
    return list(iwait(objects, timeout, count)) if ended is None else ended
