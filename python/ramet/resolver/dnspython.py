"""The name of gevent's resolver on the package dnspython, which is not needed here."""
from ramet import resolver

__all__ = ["Resolver"]


class Resolver(resolver.Resolver):
    """libramet's resolver."""
