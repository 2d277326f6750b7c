"""The standard library's module time: sleep() blocks only the greenlet."""
import time as _stdlib

from ramet._util import copy_globals
from ramet.hub import sleep

__implements__ = ['sleep']
__all__ = __implements__

__imports__ = copy_globals(_stdlib, globals(), names_to_ignore=__implements__)
