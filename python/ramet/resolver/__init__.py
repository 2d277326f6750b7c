"""Who looks names of hosts up for a hub: its attribute `resolver`.

All of gevent's names are here, and mean the resolver of libramet, which asks as libc is told to (nsswitch.conf, hosts,
resolv.conf) but waits for a thousand answers at once; except "block", which is libc, and blocks the OS thread.
"""
import _socket as socket

from ramet import _core

__all__ = ["AbstractResolver"]


class AbstractResolver:
    """The calls of the module socket, with their arguments and errors."""

    def __init__(self, hub=None):
        self.hub = hub

    def close(self):
        """It is not needed any more."""

    def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):
        """[(family, type, proto, canonname, sockaddr)...]"""
        raise NotImplementedError

    def getnameinfo(self, sockaddr, flags):
        """(host, service)"""
        raise NotImplementedError

    def gethostbyname(self, hostname, family=2):
        """An address, as text."""
        return self.gethostbyname_ex(hostname, family)[-1][0]

    def gethostbyname_ex(self, hostname, family=2):
        """(name, aliases, addresses)"""
        raise NotImplementedError

    def gethostbyaddr(self, ip_address):
        """(name, aliases, addresses)"""
        raise NotImplementedError


class Resolver(AbstractResolver):
    """libramet's.  A name that is not found is no reason for a hub to report a greenlet."""

    def __init__(self, hub=None):
        super().__init__(hub)
        if hub is not None and not issubclass(socket.gaierror, hub.NOT_ERROR):
            hub.NOT_ERROR += (socket.gaierror, socket.herror)

    getaddrinfo = staticmethod(_core.getaddrinfo)
    getnameinfo = staticmethod(_core.getnameinfo)
    gethostbyaddr = staticmethod(_core.gethostbyaddr)

    def gethostbyname(self, hostname, family=2):
        """An address, as text."""
        return _core.gethostbyname(hostname)

    def gethostbyname_ex(self, hostname, family=2):
        """(name, aliases, addresses)"""
        return _core.gethostbyname_ex(hostname)

    def __repr__(self):
        return f"<{type(self).__module__}.{type(self).__name__} at {id(self):#x}>"
