from typing import Any, Callable, Iterable

from ramet._core import Greenlet as Greenlet
from ramet._core import GreenletExit as GreenletExit
from ramet._core import Timeout as Timeout
from ramet._core import getcurrent as getcurrent
from ramet._core import greenlet
from ramet._core import greenlet as RawGreenlet
from ramet.hub import get_hub as get_hub
from ramet.hub import iwait as iwait
from ramet.hub import kill as kill
from ramet.hub import wait as wait

class SpawnedLink:
    def __init__(self, callback: Callable[..., object]) -> None: ...
    def __call__(self, source: Any) -> Any: ...
    def __eq__(self, other: Any) -> bool: ...
    def __getattr__(self, item: Any) -> Any: ...
    callback: Any

class SuccessSpawnedLink(SpawnedLink):
    def __call__(self, source: Any) -> Any: ...

class FailureSpawnedLink(SpawnedLink):
    def __call__(self, source: Any) -> Any: ...

def joinall(greenlets: Iterable[Any], timeout: float | None = ..., raise_error: bool = ..., count: int | None = ...) -> list[Any]: ...
def killall(greenlets: Iterable[Any], exception: Any = ..., block: bool = ..., timeout: float | None = ...) -> None: ...
