"""Faults: the n-th allocation of Python's, or the n-th allocation or system call of the library's, fails.

To be imported before ramet: the extension is replaced by one that has the library inside."""
import ctypes
import importlib.machinery
import importlib.util
import os
import sys

NONE, ERROR, EINTR = range(3)


class Shared(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("only", ctypes.c_uint64), ("errors", ctypes.c_uint64),
                ("eintrs", ctypes.c_uint64)]


def find():
    name = "_core_faulty" + importlib.machinery.EXTENSION_SUFFIXES[0]
    return next(p for p in (os.path.join(d, name) for d in sys.path) if os.path.exists(p))


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "ramet._core":
            return None
        loader = importlib.machinery.ExtensionFileLoader(name, find())
        return importlib.util.spec_from_file_location(name, loader.path, loader=loader)


sys.meta_path.insert(0, Finder)
from ramet import _core  # noqa: E402

library = ctypes.PyDLL(_core.__file__)
library.faulty_memory.argtypes = [ctypes.c_uint64]
library.faulty_memory.restype = None
library.faulty_memory_end.restype = ctypes.c_uint64
shared = Shared()
library.faulty_begin(ctypes.byref(shared))


class Library:
    """Chances of the library's: allocations, and system calls that may fail."""

    def __init__(self, kind=ERROR):
        self.kind = kind

    def begin(self, n):
        shared.errors = shared.eintrs = 0
        shared.only = n
        shared.kind = self.kind

    def end(self):
        """Whether there were so many."""
        shared.kind = NONE
        return (shared.errors if self.kind == ERROR else shared.eintrs) >= shared.only


class Memory:
    """Allocations of the interpreter's and its extensions'."""

    def begin(self, n):
        self.n = n
        library.faulty_memory(n)

    def end(self):
        return library.faulty_memory_end() >= self.n
