from typing import Any

from ramet._core import GreenletExit as GreenletExit
from ramet._core import _C_API as _C_API
from ramet._core import error as error
from ramet._core import getcurrent as getcurrent
from ramet._core import gettrace as gettrace
from ramet._core import greenlet as greenlet
from ramet._core import settrace as settrace

__version__: str
CLOCKS_PER_SEC: int
GREENLET_USE_CONTEXT_VARS: bool
GREENLET_USE_GC: bool
GREENLET_USE_STANDARD_THREADING: bool
GREENLET_USE_TRACING: bool
def enable_optional_cleanup(enabled: Any) -> Any: ...
def get_clocks_used_doing_optional_cleanup() -> Any: ...
def get_pending_cleanup_count() -> Any: ...
