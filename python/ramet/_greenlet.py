"""The package `greenlet`, on Ramet's greenlets: the same names, and the same C API in a capsule.

Other greenlets than these must not run in the process, so programs that import `greenlet` are given this module."""
from ramet._core import (GreenletExit, _C_API, error, get_total_main_greenlets, getcurrent, gettrace, greenlet,
                         settrace)

__all__ = ["__version__", "_C_API", "GreenletExit", "error", "getcurrent", "greenlet", "gettrace", "settrace"]

__path__ = []  # `import greenlet._greenlet` gives this too

#: That of the package whose interface this is.
__version__ = "3.1.1"

CLOCKS_PER_SEC = 1_000_000

# What that package was built with.
GREENLET_USE_CONTEXT_VARS = True
GREENLET_USE_GC = True
GREENLET_USE_STANDARD_THREADING = True
GREENLET_USE_TRACING = True


def enable_optional_cleanup(enabled):
    """Does nothing: greenlets of a thread that ends are always ended with it."""


def get_clocks_used_doing_optional_cleanup():
    """The time that has been spent on optional cleanup: none."""
    return 0


def get_pending_cleanup_count():
    """How many threads have ended and are still to be cleaned up after: none."""
    return 0
