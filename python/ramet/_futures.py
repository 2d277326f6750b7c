"""Futures of concurrent.futures whose outcome greenlets can wait for, as a ThreadPoolExecutor returns them."""
import concurrent.futures
from _thread import RLock as _NativeRLock

from ramet._core import Event


class _Condition:
    """A condition whose lock is held for moments only, and at which greenlets wait."""

    def __init__(self):
        self._lock = _NativeRLock()
        self._waiting = []

    def __enter__(self):
        return self._lock.__enter__()

    def __exit__(self, *args):
        self._lock.__exit__(*args)

    acquire = property(lambda self: self._lock.acquire)
    release = property(lambda self: self._lock.release)

    def wait(self, timeout=None):
        event = Event()
        self._waiting.append(event)
        self._lock.release()
        try:
            return event.wait(timeout)
        finally:
            self._lock.acquire()
            if event in self._waiting:
                self._waiting.remove(event)

    def notify_all(self):
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            event.set()


class Future(concurrent.futures.Future):
    """Its outcome is there as soon as the worker has it; its callbacks are called in the hub of its caller.

    It can be waited for by gevent.wait too.
    """

    def __init__(self):
        super().__init__()
        self._condition = _Condition()
        self._ended = Event()
        self._links = {}

    def call(self, fn, args, kwargs):
        """In the worker."""
        if not self.set_running_or_notify_cancel():
            self._ended.set()
            return
        try:
            self._finish(fn(*args, **kwargs), None)
        except BaseException as e:
            self._finish(None, e)

    def _finish(self, value, error):
        with self._condition:
            self._result, self._exception = value, error
            self._state = concurrent.futures._base.FINISHED
            for waiter in self._waiters:
                (waiter.add_result if error is None else waiter.add_exception)(self)
            self._condition.notify_all()
        self._ended.set()

    def settle(self, result):
        """In the hub."""
        if result.exception is not None:  # of the pool itself
            self._finish(None, result.exception)
        if not self.cancelled():  # which has called them
            self._invoke_callbacks()

    def cancel(self):
        """Do not call it, if that can still be said."""
        cancelled = super().cancel()
        if cancelled:
            self._ended.set()
        return cancelled

    # ---- for gevent.wait

    ready = concurrent.futures.Future.done

    def rawlink(self, callback):
        """Call callback(self) when it is done."""
        self._links[callback] = link = lambda _event: callback(self)
        self._ended.rawlink(link)

    def unlink(self, callback):
        """Do not."""
        link = self._links.pop(callback, None)
        if link is not None:
            self._ended.unlink(link)
