"""Selectors that block only the greenlet: the standard library's module of this name."""
import math
import selectors as _stdlib

from ramet.select import _wait_epoll

__implements__ = ["DefaultSelector"]
__all__ = ["DefaultSelector", "GeventSelector"]

__imports__ = [name for name in _stdlib.__dict__ if not name.startswith("__") and name not in __implements__]
for _name in __imports__:
    globals()[_name] = getattr(_stdlib, _name)
del _name


class GeventSelector(_stdlib.EpollSelector):
    """One on epoll: however many files are registered, to wait costs what is ready."""

    def select(self, timeout=None):
        """Wait until a file is ready, at most so many seconds: a list of (key, events)."""
        seconds = None if timeout is None else max(0, math.ceil(timeout * 1e3) * 1e-3)
        ready = []
        for fd, events in _wait_epoll(self._selector, seconds, max(len(self._fd_to_key), 1)):
            key = self._key_from_fd(fd) if hasattr(self, "_key_from_fd") else self._fd_to_key.get(fd)
            if key:
                ready.append((key, self._meaning(events) & key.events))
        return ready

    @staticmethod
    def _meaning(events):
        return ((_stdlib.EVENT_WRITE if events & ~_stdlib.select.EPOLLIN else 0)
                | (_stdlib.EVENT_READ if events & ~_stdlib.select.EPOLLOUT else 0))


DefaultSelector = GeventSelector
