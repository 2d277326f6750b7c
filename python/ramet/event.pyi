from ramet._core import AsyncResult as AsyncResult
from ramet._core import Event as Event
