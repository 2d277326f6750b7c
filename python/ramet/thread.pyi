from typing import Any, Callable

from ramet._core import LockType as LockType
from ramet._core import LockType as allocate
from ramet._core import LockType as allocate_lock
from ramet._core import RLock as RLock

__implements__: list[str]
__target__: str
__imports__: list[str]
def get_ident(gr: Any = ...) -> int: ...
def start_new_thread(function: Callable[..., Any], args: Any = ..., kwargs: Any = ...) -> Any: ...
start_new = start_new_thread
def exit() -> Any: ...
exit_thread = exit
def stack_size(size: int | None = ...) -> Any: ...
def start_joinable_thread(function: Callable[..., Any], handle: Any = ..., daemon: bool = ...) -> Any: ...

# The rest is that of the standard library.
def __getattr__(name: str) -> Any: ...
