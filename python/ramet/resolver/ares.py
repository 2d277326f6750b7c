"""The name of gevent's resolver that speaks DNS itself, as libramet's does."""
import warnings

from ramet import resolver

__all__ = ["Resolver"]


class Resolver(resolver.Resolver):
    """libramet's resolver; it is configured by resolv.conf and not by arguments."""

    def __init__(self, hub=None, use_environ=True, **kwargs):
        super().__init__(hub)
        if kwargs:
            warnings.warn(f"Not used here: {', '.join(kwargs)}", RuntimeWarning, stacklevel=2)
