"""What tests of greenlets share."""
import _thread
import gc
import sys
import time
import weakref

from ramet import _core
from ramet._core import Greenlet, get_hub, sleep

spawn = Greenlet.spawn


def settle(turns=4):
    """Let everything happen that is ready to."""
    for _ in range(turns):
        sleep(0)


def quietly(function, *args):
    """A greenlet whose error is not reported, but kept."""
    def call():
        try:
            return function(*args)
        except BaseException as e:
            return e
    return spawn(call)


def in_hub(function):
    """What function() returns or raises in the hub: (result, exception)."""
    out = []

    def call(_):
        try:
            out.append((function(), None))
        except BaseException as e:
            out.append((None, e))
    event = _core.Event()
    event.set()
    event.rawlink(call)
    while not out:
        sleep(0)
    return out[0]


def in_thread(function, *args):
    """Call it in an OS thread; .get() has the outcome."""
    result = _core.AsyncResult()

    def call():
        try:
            result.set(function(*args))
        except BaseException as e:
            result.set_exception(e)
    _thread.start_new_thread(call, ())
    return result


class Thing:
    """Something to refer to weakly."""


def census():
    settle()
    for _ in range(3):
        gc.collect()
    return len(gc.get_objects()), sys.getrefcount(None)


def leaves_nothing(function, times=1000, slack=20):
    """Repeated calls leave no objects behind, and as many references to what all use as there were.  The first rounds
    fill what is kept for the next time."""
    for _ in range(4):
        before = census()
        function(times)
        after = census()
        more, nones = after[0] - before[0], after[1] - before[1]
        if more < slack and abs(nones) < slack:
            return
    raise AssertionError(f"{more} objects and {nones} references to None more")


def within(seconds, condition):
    """Whether it comes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        sleep(0.001)
    return True


def refer(thing):
    return weakref.ref(thing)
