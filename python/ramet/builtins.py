"""The standard library's module builtins: nothing of it has to be replaced."""
import builtins as _stdlib

from ramet._util import copy_globals

__implements__ = []
__target__ = 'builtins'
__all__ = []
__imports__ = copy_globals(_stdlib, globals())
