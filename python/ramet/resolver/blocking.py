"""libc's resolver as it is: it blocks the OS thread."""
import _socket

from ramet import resolver

__all__ = ["Resolver"]


class Resolver(resolver.AbstractResolver):
    """libc's resolver."""

    getaddrinfo = staticmethod(_socket.getaddrinfo)
    getnameinfo = staticmethod(_socket.getnameinfo)
    gethostbyaddr = staticmethod(_socket.gethostbyaddr)

    def gethostbyname(self, hostname, family=2):
        """An address, as text."""
        return _socket.gethostbyname(hostname)

    def gethostbyname_ex(self, hostname, family=2):
        """(name, aliases, addresses)"""
        return _socket.gethostbyname_ex(hostname)
