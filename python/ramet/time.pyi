from typing import Any

from ramet._core import sleep as sleep

__implements__: list[str]
__imports__: list[str]

# The rest is that of the standard library.
def __getattr__(name: str) -> Any: ...
