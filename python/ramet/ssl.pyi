from typing import Any
import ssl

from ramet.socket import create_connection as create_connection
from ramet.socket import socket as socket
import ramet.socket

__implements__: list[str]
__imports__: list[str]

class _Wrapped(ssl.SSLSocket, ramet.socket.socket):
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def send(self, data: Any, flags: int = ...) -> int: ...  # type: ignore[override]

class SSLSocket(_Wrapped):
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

def wrap_socket(sock: Any, keyfile: Any = ..., certfile: Any = ..., server_side: bool = ..., cert_reqs: int = ..., ssl_version: int = ..., ca_certs: Any = ..., do_handshake_on_connect: bool = ..., suppress_ragged_eofs: bool = ..., ciphers: Any = ...) -> Any: ...
def get_server_certificate(addr: Any, ssl_version: int = ..., ca_certs: Any = ..., timeout: float | None = ...) -> Any: ...

# The rest is that of the standard library.
def __getattr__(name: str) -> Any: ...
