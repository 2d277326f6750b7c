"""Servers of TCP and UDP: StreamServer and DatagramServer."""
import socket as _stdlib

from ramet.baseserver import BaseServer
from ramet.socket import socket

__all__ = ['StreamServer', 'DatagramServer']


def _cooperative(sock):
    """sock, or one of ours for the same listener."""
    if not isinstance(sock, socket):
        sock = socket(sock.family, sock.type, sock.proto, fileno=_stdlib.dup(sock.fileno()))
    sock.setblocking(False)  # two processes may listen with it, and the other be faster
    sock.setblocking(True)
    return sock


class StreamServer(BaseServer):
    """StreamServer(listener, handle=None, backlog=None, spawn='default', **ssl_args)

    Calls handle(socket, address) for each client, and closes the socket when that returns.  With ssl_args
    (ssl_context=, or the arguments of ssl.wrap_socket) it is one of TLS.
    """

    #: How many may wait to be accepted.
    backlog = 128

    #: SO_REUSEADDR of listeners that are made here.
    reuse_addr = 1

    def __init__(self, listener, handle=None, backlog=None, spawn='default', **ssl_args):
        try:
            if ssl_args:
                self._set_ssl(ssl_args)
            else:
                self.ssl_args = None
            if backlog is not None:
                if hasattr(listener, 'accept'):
                    raise TypeError('backlog must be None when a socket instance is passed')
                self.backlog = backlog
            BaseServer.__init__(self, listener, handle=handle, spawn=spawn)
        except BaseException:
            if hasattr(self, '_stop_event'):
                self.close()
            raise

    def _set_ssl(self, ssl_args):
        from ramet import ssl
        ssl_args.setdefault('server_side', True)
        if 'ssl_context' in ssl_args:
            ssl_args = dict(ssl_args)
            self.wrap_socket = ssl_args.pop('ssl_context').wrap_socket
        else:
            self.wrap_socket = ssl.wrap_socket
        self.ssl_args = ssl_args

    @property
    def ssl_enabled(self):
        """Whether it speaks TLS."""
        return self.ssl_args is not None

    def set_listener(self, listener):
        BaseServer.set_listener(self, listener)
        if hasattr(self, 'socket'):
            self.socket = _cooperative(self.socket)

    def init_socket(self):
        if not hasattr(self, 'socket'):
            self.socket = _cooperative(self.get_listener(self.address, self.backlog, self.family))
            self.address = self.socket.getsockname()
        handle = self.handle  # AttributeError: it was closed
        self._handle = self.wrap_socket_and_handle if self.ssl_args else handle

    @classmethod
    def get_listener(cls, address, backlog=None, family=None):
        """A socket that listens there."""
        return _tcp_listener(address, cls.backlog if backlog is None else backlog, cls.reuse_addr, family)

    def do_read(self):
        return self.socket.accept()

    def do_close(self, sock, *args):
        sock.close()

    def wrap_socket_and_handle(self, client_socket, address):
        """The handler of a TLS server."""
        with _closing_socket(self.wrap_socket(client_socket, **self.ssl_args)) as ssl_socket:
            return self.handle(ssl_socket, address)


class DatagramServer(BaseServer):
    """DatagramServer(listener, handle=None, spawn='default'): calls handle(data, address) for each datagram."""

    #: SO_REUSEADDR of sockets that are made here.
    reuse_addr = 1

    def __init__(self, *args, **kwargs):
        BaseServer.__init__(self, *args, **kwargs)
        from ramet.lock import Semaphore
        self._writelock = Semaphore()

    def set_listener(self, listener):
        if hasattr(listener, 'recvfrom') and not hasattr(listener, 'do_handshake'):
            self.family, self.address, self.socket = listener.family, listener.getsockname(), listener
        else:
            BaseServer.set_listener(self, listener)
        if hasattr(self, 'socket'):
            self.socket = _cooperative(self.socket)

    def init_socket(self):
        if not hasattr(self, 'socket'):
            self.socket = self.get_listener(self.address, self.family)
            self.address = self.socket.getsockname()
        self._socket = self.socket
        self._handle = self.handle

    @classmethod
    def get_listener(cls, address, family=None):
        """A socket that is bound there."""
        return _udp_socket(address, reuse_addr=cls.reuse_addr, family=family)

    def do_read(self):
        return self.socket.recvfrom(8192)

    def sendto(self, *args):
        """Answer: sendto(data, address), one after the other."""
        with self._writelock:
            self.socket.sendto(*args)


class _closing_socket:
    """`with` a TLS socket: in the end it is shut down, and closed."""

    def __init__(self, sock):
        self._sock = sock

    def __enter__(self):
        return self._sock

    def __exit__(self, t, v, tb):
        try:
            if t is None:
                self._sock.unwrap()
        except (OSError, ValueError):
            pass  # the peer has no patience for that
        self._sock.close()


def _bound(kind, address, reuse_addr, family):
    if family is None:
        family = _stdlib.AF_INET
    sock = socket(family=family, type=kind)
    if reuse_addr is not None:
        sock.setsockopt(_stdlib.SOL_SOCKET, _stdlib.SO_REUSEADDR, reuse_addr)
    try:
        sock.bind(address)
    except OSError as e:
        sock.close()
        strerror = getattr(e, 'strerror', None)
        if strerror is not None:
            e.strerror = f'{strerror}: {address!r}'
        raise
    return sock


def _tcp_listener(address, backlog=50, reuse_addr=None, family=_stdlib.AF_INET):
    """A TCP socket that is bound, and listens."""
    sock = _bound(_stdlib.SOCK_STREAM, address, reuse_addr, family)
    sock.listen(backlog)
    return sock


def _udp_socket(address, backlog=50, reuse_addr=None, family=_stdlib.AF_INET):
    """A UDP socket that is bound."""
    return _bound(_stdlib.SOCK_DGRAM, address, reuse_addr, family)
