"""Names of gevent's private modules that its tests import."""
import gc

from ramet._core import greenlet

__all__ = ['get_reachable_greenlets']


def get_reachable_greenlets():
    """All greenlets that the collector knows."""
    return [g for g in gc.get_objects() if isinstance(g, greenlet)]
