from queue import Empty as Empty
from queue import Full as Full
from typing import Any

from ramet._core import Channel as Channel
from ramet._core import LifoQueue as LifoQueue
from ramet._core import PriorityQueue as PriorityQueue
from ramet._core import Queue as JoinableQueue
from ramet._core import Queue as Queue
from ramet._core import ShutDown as ShutDown
from ramet._core import SimpleQueue as SimpleQueue

__implements__: list[str]
__extensions__: list[str]
__imports__: list[str]
__target__: str

class UnboundQueue(JoinableQueue):
    def __init__(self, maxsize: int | None = ..., items: Any = ...) -> None: ...
