"""Names of gevent's private modules that its tests import: this one is about versions and platforms."""
import io
import os
import sys
import time

PYPY, CPYTHON, WIN, LINUX, OSX, PURE_PYTHON = False, True, False, True, False, False
PY2, PY3 = False, True
PY39, PY311, PY312, PY313 = (sys.version_info >= (3, n) for n in (9, 11, 12, 13))
text_type, native_path_types, string_types = str, (str, bytes), (str,)
thread_mod_name, NativeStrIO = '_thread', io.StringIO
perf_counter, get_clock_info = time.perf_counter, time.get_clock_info
_fspath = fspath = os.fspath


def reraise(kind, value, tb=None):
    """Raise it with that traceback."""
    raise value.with_traceback(tb)


def get_this_psutil_process():
    """This process as psutil sees it; None without psutil."""
    try:
        from psutil import Process
    except ImportError:
        return None
    return Process()
