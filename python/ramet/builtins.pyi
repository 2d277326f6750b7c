from typing import Any

__implements__: list[str]
__target__: str
__imports__: list[str]

# The rest is that of the standard library.
def __getattr__(name: str) -> Any: ...
