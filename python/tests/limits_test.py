"""The end of what there is: recursion, stack and memory; forks, tracers and the real packages beside ours."""
import cProfile
import functools
import importlib.util
import json
import multiprocessing
import os
import pickle
import re
import resource
import subprocess
import sys
import threading

import ramet
from lib.green import spawn
from lib.tap import Skip, equal, main, raises, test
from ramet import event, queue, socket
from ramet._greenlet import getcurrent, greenlet

# ---- recursion ---------------------------------------------------------------------------


def plain():
    return plain()


def sort(_=None):
    return sorted([1, 2], key=sort)


def smallest(_=None):
    return min([1, 2], key=smallest)


def fold(*_):
    return functools.reduce(fold, [1, 2])


def mapped(_=None):
    return list(map(mapped, [1]))


def substitute(_=None):
    return re.sub("a", substitute, "aaa")


class Repr:
    def __repr__(self):
        return repr([self])


class Format:
    def __format__(self, spec):
        return f"{self}"


class Attribute:
    def __getattr__(self, name):
        return getattr(self, name)


class Item:
    def __getitem__(self, i):
        return self[i]


class Compare:
    def __eq__(self, other):
        return [self] == [other]

    __hash__ = None


class Hash:
    def __hash__(self):
        return hash((self,))


class Iterate:
    def __iter__(self):
        return iter(list(self))


class Reduce:
    def __reduce__(self):
        return Reduce, (Reduce(),)


class Call:
    pass


Call.__call__ = Call()


class Default(json.JSONEncoder):
    def default(self, o):
        return {"x": [o]}


def nested(kind, n):
    x = kind()
    for _ in range(n):
        x = {"k": x} if kind is dict else kind([x])
    return x


DEEP = {
    "plain": plain, "sorted": sort, "min": smallest, "reduce": fold, "map": mapped, "re.sub": substitute,
    "repr": lambda: repr(Repr()), "format": lambda: f"{Format()}", "getattr": lambda: Attribute().x,
    "getitem": lambda: Item()[0], "eq": lambda: Compare() == Compare(), "hash": lambda: hash(Hash()),
    "iter": lambda: list(Iterate()), "pickle": lambda: pickle.dumps(Reduce()), "call": lambda: Call()(),
    "json": lambda: json.dumps(object(), cls=Default, check_circular=False),
    "repr of lists": lambda: repr(nested(list, 300_000)), "repr of tuples": lambda: repr(nested(tuple, 300_000)),
    "repr of dicts": lambda: repr(nested(dict, 300_000)), "pickle of lists": lambda: pickle.dumps(nested(list, 300_000)),
    "json of lists": lambda: json.dumps(nested(list, 300_000)), "json loads": lambda: json.loads("[" * 300_000),
    "isinstance": lambda: isinstance(1, nested(tuple, 300_000)), "eq of lists":
        lambda: nested(list, 300_000) == nested(list, 300_000),
}


def each_is_bounded(limit, names=None):
    """In an interpreter of its own: a crash is what must not be."""
    code = f"""
import sys
sys.argv = ["x"]
import lib.tap
lib.tap.main = lambda: None
import limits_test as t
sys.setrecursionlimit({limit})
def one(name):
    try:
        t.DEEP[name]()
    except RecursionError:
        return
    except MemoryError:
        return
    print("no error", name)
for name in {names or list(DEEP)!r}:
    print(name, flush=True)
    for run in (lambda: t.greenlet(one).switch(name), lambda: t.ramet.spawn(one, name).get()):
        run()
t.equal(t.ramet.spawn(int, 5).get(), 5)
print("end")
"""
    p = subprocess.run([sys.executable, "-X", "faulthandler", "-c", code], stdin=subprocess.DEVNULL, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=55,
                       env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)})
    assert p.returncode == 0 and p.stdout.endswith("end\n") and "no error" not in p.stdout, (p.returncode,
                                                                                            p.stdout[-3000:])


@test
def recursion_of_any_kind_is_bounded():
    each_is_bounded(1000)


@test
def recursion_is_bounded_by_a_higher_limit():
    each_is_bounded(20_000)


@test
def recursion_is_bounded_by_a_very_high_limit():
    if "libasan" in os.environ.get("LD_PRELOAD", ""):
        raise Skip("frames of a sanitizer are too large for 100,000 of them")
    each_is_bounded(100_000, None if os.environ.get("TEST_LONG") else ["plain", "sorted", "repr", "re.sub", "json loads"])


# ---- memory ------------------------------------------------------------------------------


@test
def no_memory_for_stacks_is_an_error_of_each_kind_of_start():
    """Afterwards all that was started goes on."""
    if "libasan" in os.environ.get("LD_PRELOAD", ""):
        raise Skip("a sanitizer needs all addresses")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    e, kept = event.Event(), []
    starts = [lambda: ramet.spawn(e.wait), lambda: ramet.spawn_raw(e.wait), lambda: greenlet(lambda: 0).switch() or
              ramet.spawn(e.wait)]
    for start in starts:
        ramet.sleep(0)
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (100 << 20), hard))
        try:
            for _ in range(100_000):
                kept.append(start())
                ramet.sleep(0)
            raise AssertionError("there is no limit")
        except MemoryError:
            pass
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        equal(ramet.spawn(int, 5).get(), 5)
    e.set()
    for g in kept:
        if hasattr(g, "get"):
            equal(g.get(timeout=20), True)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


# ---- forks -------------------------------------------------------------------------------


def square(n):
    ramet.sleep(0.001)
    return n * n


def work(connection):
    got = []
    ramet.joinall([ramet.spawn(lambda: got.append(connection.recv()))])
    connection.send(got[0] + 1)


@test
def processes_of_multiprocessing_have_loops_of_their_own():
    context = multiprocessing.get_context("fork")
    g = spawn(ramet.sleep, 50)
    ramet.sleep(0)
    with context.Pool(2) as pool:
        equal(pool.map(square, range(10)), [n * n for n in range(10)])
    ours, theirs = context.Pipe()
    p = context.Process(target=work, args=(theirs,))
    p.start()
    ours.send(41)
    equal(ours.recv(), 42)
    p.join(20)
    equal((p.exitcode, g.dead), (0, False))


@test
def any_greenlet_may_fork_and_its_child_end():
    def fork(n):
        """One after the other: in the child all greenlets go on."""
        pid = os.fork()
        if pid == 0:
            status = 99
            try:
                if ramet.spawn(square, n).get() == n * n:
                    q.put(n)
                    status = q.get() + 10
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(ramet.os.waitpid(pid, 0)[1])

    import ramet.os  # noqa: F401
    q = queue.Queue()
    others = [spawn(lambda: ramet.sleep(0.01) or 1) for _ in range(5)]
    equal([spawn(fork, n).get(timeout=50) for n in range(5)], [n + 10 for n in range(5)])
    equal([g.get(timeout=50) for g in others], [1] * 5)


@test
def the_child_of_a_fork_in_a_thread_has_that_thread_s_greenlets():
    def body():
        seen = []
        g = spawn(lambda: (ramet.sleep(0.01), seen.append(1)))
        ramet.sleep(0)
        pid = os.fork()
        if pid == 0:
            g.join(20)
            os._exit(7 if seen else 8)
        status.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        g.join()

    status = []
    mine = spawn(ramet.sleep, 100)
    ramet.sleep(0)
    t = threading.Thread(target=body)
    t.start()
    t.join()
    equal((status, mine.dead), ([7], False))


# ---- tracers -----------------------------------------------------------------------------


@test
def tracers_and_profilers_see_greenlets():
    lines = []

    def tracer(frame, event_, arg):
        if frame.f_code.co_filename == __file__:
            lines.append((event_, frame.f_code.co_name))
        return tracer

    def traced():
        ramet.sleep(0)
        return 1

    sys.settrace(tracer)
    try:
        equal(ramet.spawn(traced).get(), 1)
        equal(greenlet(traced).switch(), 1)
    finally:
        sys.settrace(None)
    equal(lines.count(("call", "traced")), 2)
    equal(lines.count(("return", "traced")), 2)
    profile = cProfile.Profile()
    profile.enable()
    ramet.joinall([ramet.spawn(traced) for _ in range(10)])
    profile.disable()
    counts = {getattr(e.code, "co_name", e.code): e.callcount for e in profile.getstats()}
    equal(counts["traced"], 10)

    def stop(frame, event_, arg):
        raise KeyError("tracer")

    sys.settrace(stop)
    try:
        g = ramet.Greenlet(traced)
        g.start()
    except KeyError:
        pass
    finally:
        sys.settrace(None)
    ramet.spawn(traced).get()


@test
def coverage_counts_the_lines_of_greenlets():
    if not importlib.util.find_spec("coverage"):
        raise Skip("coverage is not installed")
    import tempfile

    import coverage

    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "covered.py"), "w") as f:
            f.write("import ramet\ndef f():\n    ramet.sleep(0)\n    return 1\n\ndef g():\n    return 2\n")
        sys.path.insert(0, folder)
        c = coverage.Coverage(data_file=None, include=[folder + "/*"])
        c.start()
        import covered
        ramet.spawn(covered.f).join()
        c.stop()
        equal(c.analysis(covered.__file__)[2], [7])


# ---- the real packages -------------------------------------------------------------------

BESIDE = [
    ("import greenlet, ramet; print('both')", "both", "greenlet"),
    ("import greenlet, ramet; ramet.install_as_gevent()", "ImportError: ", "greenlet"),
    ("import gevent, ramet; ramet.install_as_gevent()", "ImportError: ", "gevent"),
    ("import ramet; ramet.install_as_gevent(); import gevent, greenlet; print(greenlet.greenlet.__module__, "
     "gevent.sleep is ramet.sleep)", "greenlet True", "greenlet"),
]


@test
def the_real_packages_are_refused_or_ours():
    for text, answer, needs in BESIDE:
        if not importlib.util.find_spec(needs):
            raise Skip(f"{needs} is not installed")
        p = subprocess.run([sys.executable, "-c", text], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                           stderr=subprocess.STDOUT, timeout=50)
        last = p.stdout.strip().splitlines()[-1]
        assert last.startswith(answer), (text, p.stdout)


main()
