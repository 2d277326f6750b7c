"""Time limits: Timeout, raised in the greenlet that started it, and with_timeout."""
from ramet._core import Timeout

__all__ = ['Timeout', 'with_timeout']

_NONE = object()


class _FakeTimer:
    """Stands for the timer of a Timeout that never expires."""
    pending = active = False
    args = seconds = None

    def start(self, *_args, **_kwargs):
        raise AssertionError("non-expiring timer cannot be started")

    def cancel(self):
        return None

    stop = close = cancel

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        return None


_FakeTimer = _FakeTimer()


def _start_new_or_dummy(cls, timeout, exception=None, ref=True):
    """A Timeout that is started; if there is no limit, something that looks like one."""
    return _FakeTimer if timeout is None else cls.start_new(timeout, exception, ref)


Timeout._start_new_or_dummy = classmethod(_start_new_or_dummy)


def with_timeout(seconds, function, *args, **kwds):
    """function(*args, **kwds), but at most for that time: then timeout_value= is returned, or Timeout raised."""
    timeout_value = kwds.pop('timeout_value', _NONE)
    timeout = Timeout.start_new(seconds)
    try:
        return function(*args, **kwds)
    except Timeout as e:
        if e is timeout and timeout_value is not _NONE:
            return timeout_value
        raise
    finally:
        timeout.cancel()
