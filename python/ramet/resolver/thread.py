"""gevent's default: there it is libc on a thread pool."""
from ramet import resolver

__all__ = ["Resolver"]


class Resolver(resolver.Resolver):
    """libramet's resolver."""
