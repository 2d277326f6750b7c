"""TLS sockets whose calls block only the greenlet: the standard library's module of this name.

SSLContext is the standard library's, and never replaced: a context wraps each socket in what it is to be, so one
that was made before this module was imported serves as well.
"""
import ssl as _stdlib
import warnings
import weakref

from ramet import socket as _net

__implements__ = ["SSLContext", "SSLSocket", "wrap_socket", "get_server_certificate"]

__imports__ = [name for name in _stdlib.__dict__
               if not (name.startswith("__") or name in __implements__ or name in ("socket", "create_connection"))]
for _name in __imports__:
    globals()[_name] = getattr(_stdlib, _name)
del _name

__all__ = __implements__ + ["create_connection"] + [name for name in __imports__ if not name.startswith("_")]

SSLContext = _stdlib.SSLContext
create_connection, socket = _net.create_connection, _net.socket

_POLLIN, _POLLOUT = 1, 4


class _Connection:
    """What a socket's TLS is done by: the interpreter's own object, which does not wait, and is called again."""
    __slots__ = ("_object", "_socket", "__weakref__")

    def __init__(self, object, socket):
        super().__setattr__("_object", object)
        super().__setattr__("_socket", weakref.ref(socket))

    def __getattr__(self, name):
        return getattr(self._object, name)

    def __setattr__(self, name, value):
        setattr(self._object, name, value)

    def _again(self, events, until, what):
        sock = self._socket()
        if sock is None or sock.timeout == 0.0:
            raise
        if until is None:
            until = sock._until()
        try:
            sock._wait(events, until)
        except _net.timeout:
            raise _net.timeout(f"The {what} operation timed out") from None
        return until

    def _call(self, what, function, *args):
        events, until = 0, None
        while True:
            try:
                result = function(*args)
                break
            except _stdlib.SSLWantReadError:
                events = _POLLIN
                until = self._again(events, until, what)
            except _stdlib.SSLWantWriteError:
                events = _POLLOUT
                until = self._again(events, until, what)
        if events:
            self._pass(events)
        return result

    def _pass(self, events):
        """There may be more than was asked for, and others who wait for it."""
        sock = self._socket()
        if sock is not None:
            sock._pass(events)

    def read(self, *args):
        return self._call("read", self._object.read, *args)

    def write(self, data):
        return self._call("write", self._object.write, data)

    def do_handshake(self):
        return self._call("handshake", self._object.do_handshake)

    def shutdown(self):
        return self._call("read", self._object.shutdown)


class _Wrapped(_stdlib.SSLSocket, _net.socket):
    """All that is left to do once the connection waits by itself: who inherits from whom."""

    def __init__(self, *args, **kwargs):
        _net.socket.__init__(self, *args, **kwargs)

    @property
    def _sslobj(self):
        return self._connection

    @_sslobj.setter
    def _sslobj(self, object):
        if object is not None and not isinstance(object, _Connection):
            self._own()
            object = _Connection(object, self)
        self._connection = object


class SSLSocket(_Wrapped):
    """A socket with TLS on top, and an instance of the standard library's class: SSLContext.wrap_socket makes it."""

    def __init__(self, *args, **kwargs):
        raise TypeError(f"{self.__class__.__name__} does not have a public constructor. "
                        f"Instances are returned by SSLContext.wrap_socket().")

    @classmethod
    def _create(cls, sock, *args, **kwargs):
        # A context does not know whose sockets it wraps.
        if cls is SSLSocket and not isinstance(sock, _net.socket) and _stdlib.SSLSocket is not SSLSocket:
            return _stdlib.SSLSocket._create(sock, *args, **kwargs)
        return super()._create(sock, *args, **kwargs)


# Not replaced, but told of what to wrap our sockets in.
_stdlib.SSLContext.sslsocket_class = SSLSocket


def wrap_socket(sock, keyfile=None, certfile=None, server_side=False, cert_reqs=_stdlib.CERT_NONE,
                ssl_version=_stdlib.PROTOCOL_TLS, ca_certs=None, do_handshake_on_connect=True,
                suppress_ragged_eofs=True, ciphers=None):
    """Wrap a socket with a context made for it: SSLContext.wrap_socket is what to use today."""
    warnings.warn("ssl.wrap_socket() is deprecated, use SSLContext.wrap_socket()", DeprecationWarning, stacklevel=2)
    if server_side and not certfile:
        raise ValueError("certfile must be specified for server-side operations")
    if keyfile and not certfile:
        raise ValueError("certfile must be specified")
    context = SSLContext(ssl_version)
    context.verify_mode = cert_reqs
    if ca_certs:
        context.load_verify_locations(ca_certs)
    if certfile:
        context.load_cert_chain(certfile, keyfile)
    if ciphers:
        context.set_ciphers(ciphers)
    return SSLSocket._create(sock=_ours(sock), server_side=server_side,
                             do_handshake_on_connect=do_handshake_on_connect,
                             suppress_ragged_eofs=suppress_ragged_eofs, context=context)


def _ours(sock):
    """The socket, or one of ours that has its descriptor now."""
    if isinstance(sock, _net.socket):
        return sock
    timeout = sock.gettimeout()
    new = _net.socket(sock.family, sock.type, sock.proto, sock.detach())
    new.settimeout(timeout)
    return new


def get_server_certificate(addr, ssl_version=_stdlib.PROTOCOL_TLS_CLIENT, ca_certs=None,
                           timeout=_net._GLOBAL_DEFAULT_TIMEOUT):
    """The certificate of the server at (host, port), in PEM; checked if certificates to check it by are given."""
    context = _stdlib._create_stdlib_context(
        ssl_version, cert_reqs=_stdlib.CERT_NONE if ca_certs is None else _stdlib.CERT_REQUIRED, cafile=ca_certs)
    with _net.create_connection(addr, timeout=timeout) as sock:
        with context.wrap_socket(sock, server_hostname=addr[0]) as tls:
            certificate = tls.getpeercert(True)
    return _stdlib.DER_cert_to_PEM_cert(certificate)
