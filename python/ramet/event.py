"""Events and results that greenlets wait for; any OS thread may set them."""
from ramet._core import AbstractLinkable, AsyncResult, Event

__all__ = ["Event", "AsyncResult"]
