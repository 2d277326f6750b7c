from typing import Any
import selectors

__implements__: list[str]
__imports__: list[str]

class GeventSelector(selectors.EpollSelector):
    def select(self, timeout: float | None = ...) -> Any: ...

DefaultSelector = GeventSelector

# The rest is that of the standard library.
def __getattr__(name: str) -> Any: ...
