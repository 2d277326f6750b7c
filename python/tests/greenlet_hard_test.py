"""Greenlets when things go wrong, and beside everything else that the interpreter does."""
import asyncio
import cProfile
import collections
import ctypes
import functools
import gc
import json
import os
import pickle
import re
import resource
import subprocess
import sys
import threading
import time
import weakref

from lib.tap import equal, main, raises, test
from ramet import _core
from ramet._greenlet import GreenletExit, getcurrent, greenlet


def back(*args):
    return getcurrent().parent.switch(*args)


def in_greenlet(function):
    """Run the test in a greenlet, whose stack is smaller than the main one's."""
    @functools.wraps(function)
    def run():
        greenlet(function).switch()

    return test(run)


def run_program(text, status=0):
    """What a program prints; it ends by itself with that status."""
    p = subprocess.run([sys.executable, "-X", "faulthandler", "-c", text], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=50)
    assert p.returncode == status, f"status {p.returncode}\n{p.stdout}"
    return p.stdout


HEAD = """
import gc, os, sys, threading, time
from ramet import _core
from ramet._greenlet import greenlet, getcurrent, GreenletExit
def wait(what):
    try:
        getcurrent().parent.switch()
    finally:
        print("finally", what, flush=True)
"""

# ---- ends -----------------------------------------------------------------------


@test
def the_end_of_the_interpreter_just_stops_them():
    equal(run_program(HEAD + "g = greenlet(wait); g.switch('x')\nh = greenlet(_core.sleep, _core.get_hub())\n"
                      "h.parent = _core.get_hub()\nprint('end')"), "end\n")


@test
def the_end_of_the_interpreter_comes_from_any_of_them():
    run_program(HEAD + "greenlet(sys.exit).switch(3)", 3)
    run_program(HEAD + "greenlet(lambda: os._exit(4)).switch()", 4)


@test
def the_end_of_the_interpreter_leaves_sleeping_threads_alone():
    equal(run_program(HEAD + """
def body():
    def sleep():
        _core.sleep(100)
    g = greenlet(sleep); g.parent = _core.get_hub(); _core.throw_at = g
    _core.sleep(100)
for _ in range(3):
    threading.Thread(target=body, daemon=True).start()
time.sleep(0.1)
_core.sleep(0.1)
print("end")
"""), "end\n")


@test
def the_end_of_a_thread_ends_its_greenlets():
    gone = []

    class Value:
        def __del__(self):
            gone.append(threading.get_ident())

    kept = []

    def suspend():
        value = Value()  # noqa: F841
        try:
            back()
        finally:
            gone.append("finally")

    def body():
        _core.get_hub()
        kept.append(greenlet(suspend))
        kept[0].switch()
        gone.append(threading.get_ident())

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    equal(gone, [gone[0], "finally", gone[0]])
    assert kept[0].dead and not kept[0]
    kept.clear()
    gc.collect()


@test
def waits_do_not_keep_a_thread_that_ends():
    def stubborn():
        try:
            back()
        except GreenletExit:
            pass
        while True:
            try:
                _core.sleep(50)
            except GreenletExit:
                refused.append(1)

    def body():
        kept.append(greenlet(stubborn))
        kept[0].switch()

    kept, refused = [], []
    start = time.monotonic()
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert time.monotonic() - start < 40
    equal((refused, kept[0].dead), ([1], True))


@test
def threads_come_and_go_without_growth():
    def body():
        for _ in range(5):
            g = greenlet(back)
            g.switch()
            mine.append(g)
        _core.sleep(0.0001)

    def turn(n):
        for _ in range(n):
            mine.clear()
            thread = threading.Thread(target=body)
            thread.start()
            thread.join()
        return resident()

    mine = []
    first = turn(20)
    assert turn(100) - first < 4 << 20


@test
def threads_run_side_by_side():
    def body(n):
        def count():
            for _ in range(200):
                total[n] += 1
                _core.sleep(0)

        for _ in range(5):
            greenlet(count).switch()

    total = [0] * 4
    threads = [threading.Thread(target=body, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(total, [1000] * 4)


@test
def one_that_another_thread_forgets_ends_in_its_own():
    ended, given, may_go = [], [], threading.Event()

    def suspend():
        try:
            back()
        finally:
            ended.append(threading.get_ident())

    def body():
        given.append(greenlet(suspend))
        given[0].switch()
        gone.append(weakref.ref(given[0]))
        has.set()
        may_go.wait()
        greenlet(int).switch()
        ended.append("own")

    gone, has = [], threading.Event()
    thread = threading.Thread(target=body)
    thread.start()
    has.wait()
    given.clear()
    gc.collect()
    equal(ended, [])
    may_go.set()
    thread.join()
    equal((ended, gone[0]()), ([thread.ident, "own"], None))


@test
def one_that_another_thread_forgets_wakes_its_own():
    ended, given, has = [], [], threading.Event()

    def suspend():
        try:
            back()
        finally:
            ended.append(threading.get_ident())

    def body():
        _core.get_hub()
        given.append(greenlet(suspend))
        given[0].switch()
        has.set()
        _core.sleep(3)

    thread = threading.Thread(target=body)
    thread.start()
    has.wait()
    time.sleep(0.05)
    given.clear()
    for _ in range(200):
        if ended:
            break
        time.sleep(0.01)
    equal(ended, [thread.ident])
    assert thread.is_alive()
    thread.join()


# ---- forgotten ---------------------------------------------------------------------


@test
def a_forgotten_one_may_be_revived():
    saved = []

    def cling():
        try:
            back()
        except GreenletExit:
            saved.append(getcurrent())
            back("alive")
            return "end"

    g = greenlet(cling)
    g.switch()
    del g
    equal(len(saved), 1)
    assert not saved[0].dead
    equal(saved.pop().switch(), "end")


@test
def a_forgotten_one_of_a_class_with_a_finalizer_ends_too():
    seen = []

    class Finalized(greenlet):
        def __del__(self):
            seen.append("del")

    def suspend():
        try:
            back()
        finally:
            seen.append("finally")

    g = Finalized(suspend)
    g.switch()
    del g
    gc.collect()
    equal(seen, ["del", "finally"])


@test
def a_forgotten_cycle_ends():
    ended = []

    def suspend():
        try:
            back()
        finally:
            ended.append(1)

    g = greenlet(suspend)
    g.me = g
    g.switch()
    ref = weakref.ref(g)
    del g
    gc.collect()
    equal((ended, ref()), ([1], None))


@test
def forgetting_one_keeps_what_the_forgetter_was_given():
    def suspend():
        try:
            back()
        finally:
            seen.append("finally")

    def forget():
        box = [greenlet(suspend)]
        box[0].switch()
        seen.append(back("ready"))
        del box[:]
        try:
            raise KeyError("kept")
        except KeyError:
            box.append(greenlet(suspend))
            box[0].switch()
            del box[:]
            seen.append(repr(sys.exc_info()[1]))

    seen = []
    g = greenlet(forget)
    equal(g.switch(), "ready")
    g.switch("given")
    equal(seen, ["given", "finally", "finally", "KeyError('kept')"])


@test
def one_that_forgets_itself_hands_on():
    """Its last reference goes with its own frame, at the switch away."""
    def leave():
        greenlet(lambda: back("x")).switch()
        return "left"

    for _ in range(100):
        equal(greenlet(leave).switch(), "left")


# ---- shortage -----------------------------------------------------------------------


@test
def no_memory_for_a_stack_is_an_error():
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    kept, g = [], None
    resource.setrlimit(resource.RLIMIT_AS, (used + (200 << 20), hard))
    try:
        while True:
            g = greenlet(back)
            kept.append(g)
            g.switch()
    except MemoryError:
        pass
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert len(kept) > 10 and not g and not g.dead
    equal(g.switch(7), 7)  # it can be started later
    kept.clear()


def deep(function):
    """However deep it goes, RecursionError is how it ends."""
    raises(RecursionError, function)


@in_greenlet
def recursion_in_python_and_c_is_bounded():
    def plain():
        plain()

    def sort(_):
        sorted([1, 2], key=sort)

    def fold(*_):
        return functools.reduce(fold, [1, 2])

    def substitute(_):
        return re.sub("a", substitute, "aaa")

    class Repr:
        def __repr__(self):
            return repr(self)

    class Attribute:
        def __getattr__(self, name):
            return getattr(self, name + "x"[:0])

    class Compare:
        def __eq__(self, other):
            return self == other

    class Call:
        pass

    Call.__call__ = Call()
    for f in (plain, lambda: sort(1), fold, lambda: substitute(None), lambda: repr(Repr()),
              lambda: Attribute().x, lambda: Compare() == Compare(), Call()):
        deep(f)


@in_greenlet
def nested_data_are_bounded():
    def nest(kind, n=200_000):
        x = kind()
        for _ in range(n):
            x = kind([x]) if kind is not dict else {"k": x}
        return x

    for kind in (list, tuple, dict):
        x = nest(kind)
        deep(lambda: repr(x))
        deep(lambda: pickle.dumps(x))
        deep(lambda: json.dumps(x))
        deep(lambda: x == nest(kind))
        del x
    deep(lambda: json.loads("[" * 100_000))
    deep(lambda: pickle._dumps(nest(list, 2000)))
    assert re.match(r"(?:a|b)*?c", "ab" * 20_000 + "c")
    raises((RecursionError, MemoryError, SyntaxError), eval, "(" * 5000 + ")" * 5000)
    raises((RecursionError, MemoryError, SyntaxError), compile, "-" * 100_000 + "1", "x", "eval")


@in_greenlet
def chains_of_finalizers_are_no_recursion():
    class Link:
        def __init__(self, next_):
            self.next = next_

        def __del__(self):
            count[0] += 1

    count, chain = [0], None
    for _ in range(50_000):
        chain = Link(chain)
    del chain
    equal(count, [50_000])
    x = None
    for _ in range(200_000):
        x = (x, collections.deque([x]))
    del x


@test
def greenlets_inside_greenlets_do_not_add_up():
    def nest(n):
        return 0 if n == 0 else 1 + greenlet(nest).switch(n - 1)

    equal(nest(3000), 3000)


@test
def a_higher_limit_has_a_higher_stack():
    sys.setrecursionlimit(20_000)

    def down(n):
        return sorted([n], key=lambda n: n and down(n - 1))[0] and n

    if sys.version_info < (3, 12):
        equal(greenlet(down).switch(3000), 3000)
    else:  # whose limit for C is another
        raises(RecursionError, greenlet(down).switch, 19_000)


# ---- isolation ------------------------------------------------------------------------


@test
def exceptions_being_handled_are_its_own():
    def handle():
        try:
            raise KeyError("inner")
        except KeyError:
            back(repr(sys.exc_info()[1]))
            back(repr(sys.exc_info()[1]))
        back(sys.exc_info()[1])

    g = greenlet(handle)
    try:
        raise ValueError("outer")
    except ValueError:
        equal(g.switch(), "KeyError('inner')")
        equal(repr(sys.exc_info()[1]), "ValueError('outer')")
        equal(g.switch(), "KeyError('inner')")
        equal(repr(sys.exc_info()[1]), "ValueError('outer')")
    equal(g.switch(), None)
    equal(sys.exc_info(), (None, None, None))


@test
def calls_across_blocks_of_frames_map_nothing():
    def deep(n):
        return n and deep(n - 1)

    def calls():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for depth in range(60):  # at one of them the next call needs a new block
            for _ in range(100):
                deep(depth)
                deep(depth + 1)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    greenlet(calls).switch()
    faults = greenlet(calls).switch()
    assert faults < 100, faults


@test
def generators_may_be_gone_on_with_by_others():
    def numbers():
        for i in range(4):
            yield back(i)

    it = numbers()
    a = greenlet(lambda: next(it))
    equal(a.switch(), 0)
    raises(ValueError, next, it)  # it runs: in a
    equal(a.switch("x"), "x")
    b = greenlet(lambda: next(it))
    equal((b.switch(), b.switch("y")), (1, "y"))
    del it

    async def agen():
        yield back("in agen")
        await asyncio.sleep(0)
        yield 2

    async def collect():
        return [x async for x in agen()]

    c = greenlet(lambda: asyncio.run(collect()))
    equal(c.switch(), "in agen")
    equal(c.switch(1), [1, 2])


@test
def tracing_and_profiling_go_on_across_switches():
    names = []

    def tracer(frame, event, arg):
        if event == "call":
            names.append(frame.f_code.co_name)
        return tracer

    def traced():
        back()
        callee()

    def callee():
        pass

    g = greenlet(traced)
    sys.settrace(tracer)
    g.switch()
    g.switch()
    sys.settrace(None)
    equal([n for n in names if n in ("traced", "callee")], ["traced", "callee"])
    profile = cProfile.Profile()
    h = greenlet(traced)
    profile.runcall(h.switch)
    h.switch()
    assert any("traced" in str(e.code) for e in profile.getstats())


@test
def who_waits_in_a_trace_function_leaves_the_others_traced():
    seen = []

    def waiting():
        back("in the trace function")

    def trace(frame, event, arg):
        if frame.f_code.co_name == "traced":
            seen.append(event)
        if frame.f_code.co_name == "stopped" and event == "line":
            waiting()
        return trace

    def stopped():
        return 1

    def traced():
        return 2

    def others():
        traced()
        back()
        traced()

    first, other = greenlet(stopped), greenlet(others)
    sys.settrace(trace)
    try:
        equal(first.switch(), "in the trace function")
        traced()
        other.switch()
        equal(first.switch(), 1)
        other.switch()
    finally:
        sys.settrace(None)
    equal(seen, ["call", "line", "return"] * 3)


@test
def a_sleep_in_a_trace_function_stops_the_thread():
    import ramet
    ticks = []

    def tick():
        while True:
            ramet.sleep(0.001)
            ticks.append(1)

    def trace(frame, event, arg):
        before = len(ticks)
        ramet.sleep(0.02)
        seen.append(len(ticks) - before)

    def traced():
        return 2

    seen, ticker = [], ramet.spawn(tick)
    ramet.sleep(0.01)
    sys.settrace(trace)
    traced()
    sys.settrace(None)
    equal(seen, [0])
    before = len(ticks)
    while len(ticks) == before:
        ramet.sleep(0.001)
    ticker.kill()


@test
def locals_are_shared_or_not_as_was_said():
    local = threading.local()
    local.x = 1

    def use():
        before = getattr(local, "x", None)
        local.x = 2
        back(before)
        return local.x

    g = greenlet(use)
    equal((g.switch(), local.x, g.switch()), (1, 2, 2))
    local.x = 1
    _core.own_locals(True)
    g = greenlet(use)
    equal((g.switch(), local.x, g.switch(), local.x), (None, 1, 2, 1))
    gone = []

    class Value:
        def __del__(self):
            gone.append(1)

    def keep():
        local.value = Value()

    greenlet(keep).switch()
    gc.collect()
    equal(gone, [1])


@test
def an_asynchronous_exception_stays_with_who_it_was_for():
    def run():
        ident, kind = ctypes.c_ulong(threading.get_ident()), ctypes.py_object(KeyError)
        try:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, kind)
            for _ in range(1000):
                pass
        except KeyError:
            return "caught"

    equal(greenlet(run).switch(), "caught")


@test
def the_collector_sees_what_is_suspended():
    class Node:
        pass

    def hold():
        node = Node()
        node.me = node
        seen.append(weakref.ref(node))
        back()
        return node.me is node

    seen = []
    g = greenlet(hold)
    g.switch()
    for _ in range(3):
        gc.collect()
    assert seen[0]() is not None
    assert g.switch()
    del g
    gc.collect()
    equal(seen[0](), None)
    assert gc.is_tracked(greenlet(int))


@test
def frames_outlive_their_greenlets():
    def fail():
        secret = 42  # noqa: F841
        raise KeyError("x")

    e = raises(KeyError, greenlet(fail).switch)
    tb = e.__traceback__
    while tb.tb_next:
        tb = tb.tb_next
    equal(tb.tb_frame.f_locals["secret"], 42)
    g = greenlet(lambda: back(sys._getframe()))
    frame = g.switch()
    g.switch()
    del g
    gc.collect()
    equal(frame.f_code.co_name, "<lambda>")


# ---- fork ------------------------------------------------------------------------------


def child_status(function):
    """The exit status of a child that runs the function: 0 if it returns."""
    pid = os.fork()
    if pid == 0:
        try:
            function()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@test
def greenlets_go_on_in_the_child_of_a_fork():
    def count():
        for i in range(3):
            _core.sleep(0.01)
            seen.append(i)
        back_to.switch()

    seen, back_to = [], getcurrent()
    suspended = greenlet(back)
    suspended.switch()
    sleeper = greenlet(count, _core.get_hub())

    def in_child():
        equal(suspended.switch(5), 5)
        assert suspended.dead
        equal(greenlet(lambda: 1).switch(), 1)
        sleeper.switch()
        equal(seen, [0, 1, 2])

    equal(child_status(in_child), 0)
    assert not suspended.dead
    in_child()


@test
def a_greenlet_may_fork():
    main_ = getcurrent()

    def fork():
        equal(child_status(lambda: main_.switch("in the child")), 0)
        return "in the parent"

    g = greenlet(fork)
    what = g.switch()
    if what == "in the child":
        _core.sleep(0.01)
        os._exit(0)
    equal(what, "in the parent")


@test
def greenlets_of_other_threads_are_dead_in_the_child():
    def body():
        made.append(greenlet(back))
        made[0].switch()
        made.append(getcurrent())
        has.set()
        may_end.wait()

    def in_child():
        equal([g.dead for g in made], [True, True])
        raises(Exception, made[0].switch)
        made.clear()
        gc.collect()
        thread = threading.Thread(target=lambda: made.append(greenlet(lambda: 3).switch()))
        thread.start()
        thread.join()
        equal(made, [3])

    made, has, may_end = [], threading.Event(), threading.Event()
    thread = threading.Thread(target=body)
    thread.start()
    has.wait()
    equal(child_status(in_child), 0)
    equal(made[0].dead, False)
    may_end.set()
    thread.join()


# ---- numbers ---------------------------------------------------------------------------


def resident():
    """Bytes; a sanitizer that keeps what was freed tells nothing."""
    if "libasan" in os.environ.get("LD_PRELOAD", ""):
        return 0
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()


@test
def a_million_starts_leave_nothing_behind():
    def body(x):
        return x

    def turn(n):
        for i in range(n):
            greenlet(body).switch(i)
        gc.collect()
        return resident(), sys.getrefcount(body), sys.getrefcount(None), len(gc.get_objects())

    turn(20_000)
    before, after = turn(20_000), turn(300_000 if "TEST_TIMEOUT" in os.environ else 1_000_000)
    assert after[0] - before[0] < 1 << 20, (before, after)
    assert after[1] - before[1] < 10 and abs(after[2] - before[2]) < 50 and after[3] - before[3] < 50, (before, after)


@test
def many_can_be_suspended_at_once():
    gs = [greenlet(back) for _ in range(20_000)]
    for g in gs:
        g.switch()
    gc.collect()
    assert all(gs)
    for g in gs:
        g.switch()
    assert all(g.dead for g in gs)


@test
def one_that_survives_its_killing_has_its_parent_again():
    ended = greenlet(lambda: None)
    seen = []

    def run():
        try:
            back()
        except GreenletExit:
            seen.append((getcurrent(), getcurrent().parent))
            ended.switch()

    g = greenlet(run)
    g.switch()
    g.parent = ended
    del g
    assert seen[0][0].parent is ended and seen[0][1] is getcurrent() and ended.dead


@test
def values_of_an_os_thread_outlive_a_greenlet():
    values, seen = threading.local(), []

    def run():
        values.x = 1
        greenlet(setattr).switch(values, "y", 2)
        seen.append((values.x, values.y))
        seen.append(weakref.ref(getcurrent()))

    t = threading.Thread(target=run)
    t.start()
    t.join(20)
    equal(seen[0], (1, 2))
    gc.collect()
    assert seen[1]() is None  # the thread has been closed


main()
