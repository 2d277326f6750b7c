from typing import Any, Callable

from ramet._core import Timeout as Timeout

def with_timeout(seconds: float | None, function: Callable[..., Any], *args: Any, **kwds: Any) -> Any: ...
