from time import time as time
from typing import Any, Callable

from ramet._core import async_ as async_
from ramet._core import callback as callback
from ramet._core import check as check
from ramet._core import fork as fork
from ramet._core import idle as idle
from ramet._core import io as io
from ramet._core import loop as loop
from ramet._core import prepare as prepare
from ramet._core import signal as signal
from ramet._core import timer as timer
from ramet._core import watcher as watcher

BACKEND_SELECT: int
BACKEND_POLL: int
BACKEND_EPOLL: int
BACKEND_KQUEUE: int
BACKEND_DEVPOLL: int
BACKEND_PORT: int
BACKEND_LINUXAIO: int
BACKEND_IOURING: int
NOINOTIFY: int
SIGNALFD: int
NOSIGMASK: int
FORKCHECK: int

READ: int
WRITE: int
READWRITE: int
NONE: int
UNDEF: int
TIMER: int
PERIODIC: int
SIGNAL: int
CHILD: int
STAT: int
IDLE: int
PREPARE: int
CHECK: int
FORK: int
ASYNC: int
MINPRI: int
MAXPRI: int
EVENTS: Any
def get_version() -> str: ...
get_header_version = get_version
def supported_backends() -> list[str]: ...
recommended_backends = supported_backends
embeddable_backends = supported_backends

class child(watcher):
    def __init__(self, hub_loop: Any, pid: int, trace: int = ..., ref: bool = ...) -> None: ...
    @property
    def pid(self) -> int: ...
    def start(self, function: Callable[..., Any], *args: Any) -> None: ...
    @property
    def active(self) -> bool: ...
    def stop(self) -> None: ...
    def close(self) -> None: ...

class stat(watcher):
    DEFAULT_INTERVAL: float
    MIN_INTERVAL: float
    def __init__(self, hub_loop: Any, path: Any, interval: float = ..., ref: bool = ..., priority: int | None = ...) -> None: ...
    def start(self, function: Callable[..., Any], *args: Any) -> None: ...
    @property
    def active(self) -> bool: ...
    def stop(self) -> None: ...
    def close(self) -> None: ...
