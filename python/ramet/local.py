"""Objects whose attributes are each greenlet's own."""
from ramet._core import all_local_dicts_for_greenlet, local

__all__ = ["local"]
