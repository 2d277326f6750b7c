"""Below Python's names: the interpreter's and C libraries' own calls of libc, replaced in their import tables.

So it does not matter what was imported before, or under which name: a call that would block the OS thread parks the
greenlet, if whoever makes it has released the GIL.
"""
import gc
import sys

from ramet import _core
from ramet.monkey._state import queue_warning

#: The interpreter itself, and modules of the standard library that are shared objects where they are not built in.
INTERPRETER = ['', 'libpython3*'] + [f'{name}.*' for name in (
    '_asyncio', '_ctypes', '_io', '_multiprocessing', '_posixsubprocess', '_queue', '_socket', '_sqlite3', '_ssl',
    'fcntl', 'mmap', 'select', 'termios', 'time')]

#: Libraries that are known to wait, and the modules that lead to them.  Wheels rename those they bring along.
DRIVERS = [f'{name}[-.]*' for name in (
    'libcrypto', 'libcurl', 'libcurl-gnutls', 'libfbclient', 'libgnutls', 'libhiredis', 'libldap', 'libmariadb',
    'libmemcached', 'libmysqlclient', 'libodbc', 'libpq', 'librabbitmq', 'librdkafka', 'libsqlite3', 'libssh2',
    'libsybdb', 'libzmq')] + [f'{name}.*' for name in (
        '_ctypes', '_mysql', '_mysql_connector', '_psycopg', '_pylibmc', '_ldap', 'pq', 'pycurl', 'pyodbc',
        '_cffi_backend')]

__all__ = ['refused', 'patch_library', 'flush', 'want', 'together']

#: What Python's own locks are to the interpreter, and those of C to C libraries.  The interpreter's mutexes and
#: conditions are the GIL: they are never replaced.
LOCKS_OF_INTERPRETER = {'sem'}
LOCKS_OF_DRIVERS = {'sem', 'lock'}

_wanted = set()   # groups, since the last flush
_has = set()      # groups that the patterns have
_depth = 0
_refused = None   # why the engine does not work here


def refused():
    """Why calls of libc cannot be replaced here; None if they can, or nobody has tried."""
    return _refused


def patch_library(pattern, groups='io,sem,lock'):
    """Make a C library's calls of libc cooperative: those of the groups, separated by commas.

    pattern is the name of its file, without directories: "libpq" is any version of libpq.so, "libpq*" is a pattern as
    the shell's, "" the interpreter.  It need not be loaded yet.  The groups are socket, select, dns, time, os, file,
    signal, stdio, lock and sem; io is the first six.  Never patch lock in the interpreter: it is the GIL.

    Returns how many entries were changed.  Raises ValueError for what names nothing, OSError where it cannot be done.
    """
    functions = _early_functions() if _matches_ctypes(pattern) else []
    changed = _core.patch_library(pattern, groups)
    _renew(functions)
    return changed


def _matches_ctypes(pattern):
    from fnmatch import fnmatchcase
    return '_ctypes' in pattern or fnmatchcase('_ctypes.so', pattern)


# ---- ctypes: functions that were looked up before ---------------------------------------------------------------------

def _address(function):
    from ctypes import addressof, c_void_p
    return c_void_p.from_address(addressof(function))


def _look_up(ctypes, name):
    try:
        return _address(ctypes.CDLL(None)[name]).value
    except (AttributeError, TypeError):
        return None


def _early_functions():
    """Functions of libc that ctypes has looked up: (function, its name, its address)."""
    ctypes = sys.modules.get('ctypes')
    if ctypes is None:
        return []
    found = []
    for function in gc.get_objects():
        if isinstance(function, ctypes._CFuncPtr) and not isinstance(function, ctypes._SimpleCData):
            name = getattr(function, '__name__', None)
            at = _address(function).value
            if isinstance(name, str) and at and at == _look_up(ctypes, name):
                found.append((function, name, at))
    return found


def _renew(functions):
    """Let them lead to what a new look finds."""
    for function, name, at in functions:
        now = _look_up(sys.modules['ctypes'], name)
        if now and now != at:
            _address(function).value = now


# ---- groups, for the interpreter and all drivers -----------------------------------------------------------------------

def _groups_of(pattern):
    locks = LOCKS_OF_INTERPRETER if pattern in INTERPRETER and pattern not in DRIVERS else LOCKS_OF_DRIVERS
    return (_wanted - LOCKS_OF_DRIVERS) | (_wanted & locks)


def _flush():
    functions = _early_functions()
    for pattern in dict.fromkeys(INTERPRETER + DRIVERS):
        groups = _groups_of(pattern)
        if groups:
            _core.patch_library(pattern, ','.join(sorted(groups)))
    _renew(functions)
    _has.update(_wanted)
    if 'lock' in _has:
        _core.own_native_rlocks()


def flush(warnings=None):
    """Replace what was wanted."""
    global _refused
    _core.share_native_files()
    _wanted.difference_update(_has)
    if not _wanted or _refused:
        _wanted.clear()
        return
    try:
        _flush()
    except OSError as e:
        _refused = str(e)
        queue_warning(f"Only Python's own names can be patched here: {_refused}.  Names that were imported before, and "
                      "C libraries, block all greenlets", warnings)
    _wanted.clear()


def want(*groups, warnings=None):
    """Replace functions of these groups: at once, or when the outermost `together` ends."""
    _wanted.update(groups)
    if not _depth:
        flush(warnings)


class together:
    """Several wants are one change."""

    def __init__(self, warnings):
        self.warnings = warnings

    def __enter__(self):
        global _depth
        _depth += 1

    def __exit__(self, *_error):
        global _depth
        _depth -= 1
        if not _depth:
            flush(self.warnings)
