"""Locks of greenlets; greenlets of several OS threads may share them."""
from ramet._core import BoundedSemaphore, RLock, Semaphore

__all__ = ["Semaphore", "BoundedSemaphore", "DummySemaphore", "RLock"]


class DummySemaphore:
    """A Semaphore that has enough for everybody: nobody ever waits."""

    def __init__(self, value=None):
        """value is of no consequence."""

    def __str__(self):
        return f"<{type(self).__name__}>"

    def locked(self):
        """False: acquire would not block."""
        return False

    def ready(self):
        """True: acquire would not block."""
        return True

    def release(self):
        """There is enough without it."""

    def rawlink(self, callback):
        """Nothing changes, so that nobody is told."""

    def unlink(self, callback):
        """Nobody is told."""

    def wait(self, timeout=None):
        """1 at once."""
        return 1

    def acquire(self, blocking=True, timeout=None):
        """True at once."""
        return True

    def __enter__(self):
        pass

    def __exit__(self, kind, value, traceback):
        pass
