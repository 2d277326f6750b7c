"""What tests of other people's libraries have in common."""
import contextlib
import gc
import importlib
import os
import subprocess
import sys
import time

import ramet
from lib.tap import Skip, equal

LIMIT = 50  # seconds, for what takes a moment


def need(name):
    """The module, or a skip."""
    try:
        return importlib.import_module(name)
    except ImportError as e:
        raise Skip(f"there is no {name}: {e}") from None


def until(condition, *args):
    """Wait until it is true; what it gave."""
    end = time.monotonic() + LIMIT
    while True:
        value = condition(*args)
        if value:
            return value
        assert time.monotonic() < end, f"{condition.__name__} did not come true"
        ramet.sleep(0.01)


def get_all(greenlets):
    return [g.get(timeout=LIMIT) for g in greenlets]


def descriptors():
    return sorted(os.listdir("/proc/self/fd"))


def alive():
    """Greenlets that have been started and not ended, but for this one."""
    return [g for g in gc.get_objects() if isinstance(g, ramet.Greenlet) and g.started and g is not ramet.getcurrent()]


@contextlib.contextmanager
def nothing_left():
    """No greenlet and no descriptor stays behind; those of the hub are there before."""
    ramet.sleep(0.001)
    gc.collect()
    before = len(descriptors()), len(alive())
    yield
    gc.collect()
    ramet.sleep(0.01)
    now = len(descriptors()), len(alive())
    assert now[0] <= before[0] and now[1] <= before[1], f"descriptors and greenlets: {now}, {before} before"


def run(script, *args, **env):
    """What a program of its own prints; it must end well and write nothing to its standard error."""
    p = subprocess.run([sys.executable, "-c", script, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, timeout=LIMIT, env=dict(os.environ, **env))
    equal((p.returncode, p.stderr), (0, ""))
    return p.stdout
