"""Sockets whose calls block only the greenlet: the standard library's module of this name."""
import io
import os
import socket as _stdlib
import sys

from ramet import _core
from ramet._core import wait_read, wait_readwrite, wait_write

__implements__ = [
    "create_connection",
    "socket",
    "SocketType",
    "fromfd",
    "socketpair",
]

__dns__ = [
    "getaddrinfo",
    "gethostbyname",
    "gethostbyname_ex",
    "gethostbyaddr",
    "getnameinfo",
    "getfqdn",
]

__implements__ += __dns__

__extensions__ = ["cancel_wait", "wait_read", "wait_write", "wait_readwrite"]

_POLLIN, _POLLOUT = 1, 4
_GLOBAL_DEFAULT_TIMEOUT = _stdlib._GLOBAL_DEFAULT_TIMEOUT

# Written in Python there, and so blocking through the names of their own module.
__imports_with_names_of_ours__ = ["create_server", "has_dualstack_ipv6", "send_fds", "recv_fds"]

# Everything else is what it is there: constants, exceptions, conversions of numbers and addresses.
__imports__ = [name for name in _stdlib.__all__ + ["_GLOBAL_DEFAULT_TIMEOUT", "SocketIO", "SOCK_CLOEXEC", "gaierror"]
               if name not in __implements__ + __imports_with_names_of_ours__ and hasattr(_stdlib, name)]
__imports__ = list(dict.fromkeys(__imports__))
for _name in __imports__:
    globals()[_name] = getattr(_stdlib, _name)
del _name

__all__ = __implements__ + __extensions__ + __imports__ + __imports_with_names_of_ours__ + ["close"]
__all__ = [name for name in dict.fromkeys(__all__) if not name.startswith("_")]

error = OSError
AddressFamily = _stdlib.AddressFamily
SocketKind = _stdlib.SocketKind
_intenum_converter = _stdlib._intenum_converter

cancel_wait_ex = OSError(9, "File descriptor was closed in another greenlet")


class socket(_core.Socket):
    """socket(family=AF_INET, type=SOCK_STREAM, proto=0, fileno=None)

    The standard library's class, and an instance of it: whatever would block the OS thread blocks only the
    greenlet that calls it.  Several may wait to receive, and several to send; they go in the order in which
    they came.  Who waits for a socket that another closes gets OSError (EBADF).
    """
    __slots__ = ()

    @property
    def _sock(self):
        return self

    @property
    def _read_event(self):
        """A new watcher of what comes."""
        return _core.get_hub().loop.io(self.fileno(), 1, ref=self.ref)

    @property
    def _write_event(self):
        """A new watcher of room for what is sent."""
        return _core.get_hub().loop.io(self.fileno(), 2, ref=self.ref)

    def dup(self):
        """Another socket object for a duplicate of the descriptor."""
        fd = _stdlib.dup(self.fileno())
        try:
            new = self.__class__(self.family, self.type, self.proto, fileno=fd)
        except BaseException:
            os.close(fd)
            raise
        new.settimeout(self.gettimeout())
        return new

    def sendfile(self, file, offset=0, count=None):
        """Send a file, open for reading bytes, until its end or for count bytes.  How many were sent."""
        return super().sendfile(file, offset, count)

    def _sendfile_use_sendfile(self, file, offset=0, count=None):
        self._check_sendfile_params(file, offset, count)
        try:
            number = file.fileno()
            size = os.fstat(number).st_size
        except (AttributeError, io.UnsupportedOperation, OSError) as e:
            raise _stdlib._GiveupOnSendfile(e)
        if not size:
            return 0
        if self.timeout == 0.0:
            raise ValueError("non-blocking sockets are not supported")
        self._never_block()
        return self._send_parts(file, number, offset, min(count or size, 2 ** 30), count)

    def _send_parts(self, file, number, offset, most, count):
        sent, until = 0, self._until()
        try:
            while count is None or sent < count:
                part = most if count is None else min(count - sent, most)
                try:
                    n = os.sendfile(self.fileno(), number, offset, part)
                except BlockingIOError:
                    self._wait(_POLLOUT, until)
                    continue
                except OSError as e:
                    if not sent:  # it is no file that sendfile takes
                        raise _stdlib._GiveupOnSendfile(e)
                    raise
                if not n:
                    break
                offset += n
                sent += n
            return sent
        finally:
            if sent and hasattr(file, "seek"):
                file.seek(offset)


SocketType = socket
_core.set_socket_class(socket)


def cancel_wait(watcher, error=cancel_wait_ex):
    """Raise the error in whoever waits by a watcher of the event loop."""
    from ramet.hub import get_hub
    get_hub().cancel_wait(watcher, error)


def wait(io, timeout=None, timeout_exc=None):
    """Block until a watcher of the event loop has fired; raise timeout_exc after that many seconds."""
    from ramet.hub import get_hub
    from ramet.timeout import Timeout
    if timeout is None:
        return get_hub().wait(io)
    with Timeout(timeout, timeout_exc or _stdlib.timeout("timed out")):
        return get_hub().wait(io)


def fromfd(fd, family, type, proto=0):
    """A socket for a duplicate of a descriptor."""
    return socket(family, type, proto, _stdlib.dup(fd))


def socketpair(family=None, type=_stdlib.SOCK_STREAM, proto=0):
    """Two sockets that are connected to each other."""
    if family is None:
        family = _stdlib.AF_UNIX
    numbers = list(_core.socketpair(family, type, proto))
    pair = []
    try:
        while numbers:
            pair.append(socket(family, type, proto, numbers[0]))
            del numbers[0]
    except BaseException:
        for fd in numbers:
            os.close(fd)
        raise
    return tuple(pair)


def close(fd):
    """Close a socket's descriptor."""
    return _stdlib.close(fd)


def _class():
    """Ours; once the module socket is patched the one that it has, which programs replace: by a proxy's, say."""
    return _stdlib.socket if _stdlib.create_connection is create_connection else socket


def _connect_to(result, timeout, source_address):
    family, kind, proto, _, address = result
    sock = _class()(family, kind, proto)
    try:
        if timeout is not _GLOBAL_DEFAULT_TIMEOUT:
            sock.settimeout(timeout)
        if source_address:
            sock.bind(source_address)
        sock.connect(address)
        return sock
    except BaseException:
        sock.close()
        raise


def create_connection(address, timeout=_GLOBAL_DEFAULT_TIMEOUT, source_address=None, *, all_errors=False):
    """A stream socket connected to (host, port): its addresses are tried one after the other.

    If none can be reached the last error is raised, or all of them as an ExceptionGroup.
    """
    host, port = address
    errors = []
    for result in getaddrinfo(host, port, 0, _stdlib.SOCK_STREAM):
        try:
            return _connect_to(result, timeout, source_address)
        except OSError as e:
            errors.append(e)
    if not errors:
        raise OSError("getaddrinfo returns an empty list")
    try:
        if all_errors and sys.version_info >= (3, 11):
            raise ExceptionGroup("create_connection failed", errors)  # noqa: F821
        raise errors[-1]
    finally:
        errors.clear()  # they refer to this frame


def _with_our_names(function):
    """A copy of a function of the standard library that finds our sockets by the names it uses."""
    copy = type(function)(function.__code__, globals(), function.__name__, function.__defaults__,
                          function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__doc__ = function.__doc__
    return copy


# What those copies use besides.
import array  # noqa: E402
import errno  # noqa: E402, F401
EBADF, EAGAIN, EWOULDBLOCK = errno.EBADF, errno.EAGAIN, errno.EWOULDBLOCK
_socket = _stdlib._socket
for _name in __imports_with_names_of_ours__:
    if hasattr(_stdlib, _name):
        globals()[_name] = _with_our_names(getattr(_stdlib, _name))
del _name


# ---- names of hosts ----

def _resolver():
    """The hub's, if it has one."""
    return getattr(_core.get_hub(), "resolver", _core)


def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    """Addresses of a host and a service: a list of (family, type, proto, canonname, sockaddr)."""
    found = _resolver().getaddrinfo(host, port, family, type, proto, flags)
    return [(_intenum_converter(family, AddressFamily), _intenum_converter(kind, SocketKind), *rest)
            for family, kind, *rest in found]


def gethostbyname(hostname):
    """The IPv4 address of a host, as text."""
    return _resolver().gethostbyname(hostname)


def gethostbyname_ex(hostname):
    """(name, aliases, IPv4 addresses) of a host."""
    return _resolver().gethostbyname_ex(hostname)


def gethostbyaddr(ip_address):
    """(name, aliases, addresses) of the host that has an address."""
    return _resolver().gethostbyaddr(ip_address)


def getnameinfo(sockaddr, flags):
    """(host, service) of an address."""
    return _resolver().getnameinfo(sockaddr, flags)


def getfqdn(name=""):
    """The full name of a host, by default of this one: the first of its names that has a dot in it."""
    name = name.strip()
    if not name or name in ("0.0.0.0", "::"):
        name = _stdlib.gethostname()
    try:
        hostname, aliases, _ = gethostbyaddr(name)
    except OSError:
        return name
    return next((n for n in [hostname, *aliases] if "." in n), hostname)
