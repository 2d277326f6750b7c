#!/usr/bin/python3
"""Each tool that looks at programs, at one that knows nothing of it: threads under `ramet run`, and greenlets of Python.

usage: tests/seen_test.py COMMAND FOLDER [NAME...]

COMMAND is ramet as built, FOLDER holds the programs of tests/stacks; NAMEs are tests, all without.  The output is TAP.
TEST_TIMEOUT=n gives n times the time.  PYTHON is another Python than /usr/bin/python3.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import looking
import tap
from looking import LIMIT, equal, has_lines, matches

RAMET = pathlib.Path(sys.argv[1]).resolve()
FOLDER = pathlib.Path(sys.argv[2]).resolve()
HERE = pathlib.Path(__file__).resolve().parent
SCRIPT = HERE.parent / "tools/gdb/ramet.py"
GREENLETS = HERE / "stacks/greenlets.py"
LACKS, PYTHON, PACKAGE = looking.python(RAMET)


def ramet(*args):
    return subprocess.run([RAMET, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT,
                          check=True).stdout


def greenlets(*args, env=(), **options):
    return looking.running(PYTHON, GREENLETS, *args, env=os.environ | PACKAGE | dict(env), **options)


def threads(*args, env=(), **options):
    return looking.running(RAMET, "run", FOLDER / "threads", *args, env=os.environ | dict(env), **options)


def of_python(function):
    """A test that needs Python's ramet."""
    def run():
        return LACKS or function()
    run.__name__ = function.__name__
    return tap.test(run)


# Code has had its class in its name since 3.11; functions always have.
NEWER = PYTHON and subprocess.run([PYTHON, "-c", "import sys; print(sys.version_info >= (3, 11))"], capture_output=True,
                                  text=True).stdout == "True\n"
BELOW = "Key.__lt__" if NEWER else "__lt__"


def asked(p, errors, pattern):
    """What comes on standard error until there is such a text in it."""
    end, text = time.monotonic() + LIMIT, ""
    while not re.search(pattern, text):
        assert time.monotonic() < end and p.poll() is None, (p.poll(), text)
        text = pathlib.Path(errors).read_text()
        time.sleep(0.02)
    return text


@contextlib.contextmanager
def file_for_errors():
    with tempfile.NamedTemporaryFile(prefix="ramet-seen-") as f:
        yield f


# ---- outside -----------------------------------------------------------------

@of_python
def stacks_of_greenlets():
    with greenlets() as p:
        out = ramet("stacks", p.pid)
        seen = json.loads(ramet("stacks", "--json", p.pid))
    named = {r["name"]: r for r in seen["ramets"]}
    assert {"main", "hub", "sorts", "stays", "Worker.run", "consumer"} <= set(named), set(named)
    equal(named["sorts"]["spawned_at"], {"language": "python", "function": "start", "file": str(GREENLETS), "line": 54})
    # Not where the pool called spawn.
    equal(named["Worker.run"]["spawned_at"]["line"], 58)
    if "no_stack" in named["sorts"]:
        return named["sorts"]["no_stack"]
    where = [(f["function"], f["line"], f.get("times", 1)) for f in seen["stacks"][named["sorts"]["stack"]]["frames"]
             if "language" in f]
    equal(where, [("leaf", 20, 1), ("leaf", 18, 3), (BELOW, 25, 1), ("sorts", 37, 1)])
    has_lines(rf'^ramet \d+ "stays" waiting for an event, for .*, spawned by ramet 1 at start at {GREENLETS}:57$', out)
    has_lines(rf"^  3 ramets at\n(    .*\n)+    stays at {GREENLETS}:41\n", out)
    has_lines(rf"^    wörk at {GREENLETS}:45$", out)


@of_python
def who_computes_in_python_is_seen():
    with greenlets("busy") as p:
        out = ramet("stacks", p.pid)
    has_lines(rf'^ramet 1 "main" running, \d+ switch(es)?\n    computes at {GREENLETS}:\d+\n    <module> at {GREENLETS}:66$', out)


def spoil(pid, word):
    """Overwrite that word of Python's map in a process."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        for start, end in (line.split()[0].split("-") for line in maps if "/_core." in line and line.split()[1][0] == "r"):
            memory.seek(int(start, 16))
            at = memory.read(int(end, 16) - int(start, 16)).find(word + b"\0")
            if at >= 0:
                memory.seek(int(start, 16) + at)
                return memory.write(b"?")
    raise AssertionError(f"{word} is not there")


@of_python
def a_module_of_another_version_is_said():
    with greenlets() as p:
        spoil(p.pid, b"greenlet.top")
        has_lines("^  Python's own functions are not shown: its ramet is of another version than this command$",
                  ramet("stacks", p.pid))


@of_python
def top_of_greenlets():
    with greenlets() as p:
        out = ramet("top", "--once", p.pid)
        tree = ramet("top", "--once", "--tree", p.pid)
    has_lines(r"^ +\d+ stays +waiting +\d+ ms +\d+ +\d+ +1 for an event$", out)
    has_lines(r"^ +1 main .*\n(.*\n)* +\d+   sorts ", tree)


@tap.test
def top_of_threads():
    with threads() as p:
        out = ramet("top", "--once", p.pid)
    has_lines(r"^process \d+ \(threads\): 28 ramets, 1 loop, ", out)
    has_lines(r"^ +\d+ \S+ +waiting .* for mutex 0x\w+, held by ramet \d+$", out)


# ---- gdb ---------------------------------------------------------------------

def gdb(*commands, args):
    line = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", *map(str, args), "-ex", f"source {SCRIPT}"]
    for command in commands:
        line += ["-ex", command]
    return subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=LIMIT, env=os.environ | {"LC_ALL": "C.UTF-8"}).stdout


def number(out, name):
    return re.search(rf"^\*? +(\d+) +{name} ", out, re.M)[1]


def check_gdb(out, sorts, consumer):
    has_lines(r"^  \d+ +stays +waiting for an event$", out)
    has_lines(rf'^ramet {sorts} "sorts" waiting for .*\nis a greenlet, spawned by ramet 1 at start \({GREENLETS}:54\)$', out)
    # Two calls of the interpreter's loop, with sort() between them.
    has_lines(rf"^#\d+ .*_PyEval_EvalFrameDefault .*\n      leaf \({GREENLETS}:20\)\n"
              + (rf"(      leaf \({GREENLETS}:18\)\n){{3}}      {BELOW} \({GREENLETS}:25\)\n(#.*\n)+"
                 rf"#\d+ .*_PyEval_EvalFrameDefault .*\n      sorts \({GREENLETS}:37\)\n" if NEWER else ""), out)
    has_lines(rf"^      wörk \({GREENLETS}:45\)$", out)


@of_python
def gdb_on_greenlets():
    if not shutil.which("gdb"):
        return "there is no gdb"
    with greenlets() as p, tempfile.TemporaryDirectory(prefix="ramet-seen-") as folder:
        out = gdb("info ramets", args=["-p", p.pid])
        if "ptrace" in out:
            return next(line for line in out.splitlines() if "ptrace" in line)
        sorts, consumer = number(out, "sorts"), number(out, "consumer")
        ask = ("info ramets", f"ramet {sorts}", f"ramet {sorts} bt", f"ramet {consumer} bt")
        out = gdb(*ask, f"ramet gcore {folder}/core", "ramet apply all bt", args=["-p", p.pid])
        check_gdb(out, sorts, consumer)
        has_lines(rf"^      <module> \({GREENLETS}:67\)$", out)
        check_gdb(gdb(*ask, args=[PYTHON, f"{folder}/core"]), sorts, consumer)


# ---- the console -------------------------------------------------------------

@of_python
def console_of_greenlets():
    with tempfile.TemporaryDirectory(prefix="ramet-seen-") as folder:
        at = f"{folder}/console"
        with greenlets(env={"RAMET_CONSOLE": at}):
            out = ramet("console", at, "list")
            has_lines(r'^ramet \d+ "stays" waiting for an event, for ', out)
            has_lines(rf'^  ramet \d+ "sorts" .*', ramet("console", at, "tree"))
            seen = json.loads(ramet("console", at, "stacks", "json"))
            sorts = next(r for r in seen["ramets"] if r.get("name") == "sorts")
            equal(sorts["spawned_at"], {"function": "start", "file": str(GREENLETS), "line": 54})
            equal(seen["stacks"][sorts["stack"]]["guest_frames"][0], {"function": "leaf", "file": str(GREENLETS), "line": 20})
            has_lines("^live [1-9]", ramet("console", at, "stats"))


# ---- dumps and the watchdog --------------------------------------------------

@of_python
def dump_of_greenlets():
    with file_for_errors() as f, greenlets(stderr=f) as p:
        p.send_signal(signal.SIGQUIT)
        out = asked(p, f.name, "sorts \\(")
    has_lines(rf'^ramet \d+ "stays" waiting for an event, for .*, spawned by ramet 1 at start \({GREENLETS}:57\), stack ', out)
    has_lines(rf"^    leaf \({GREENLETS}:20\)\n(    leaf .*\n){{3}}    {BELOW} \({GREENLETS}:25\)\n    sorts ", out)


@tap.test
def dump_of_threads():
    with file_for_errors() as f, threads(stderr=f) as p:
        p.send_signal(signal.SIGQUIT)
        out = asked(p, f.name, r" waits_read\+.*\n.*\n")
    has_lines(r"^ramet \d+ waiting for mutex 0x\w+, held by ramet \d+, for .*, spawned by ramet 1 at .* as a pthread, "
              r"to run waits_mutex", out)
    with file_for_errors() as f, threads(env={"RAMET_SIGQUIT": "json"}, stderr=f) as p:
        p.send_signal(signal.SIGQUIT)
        asked(p, f.name, r"\]\}\s*\Z")
        seen = json.loads(pathlib.Path(f.name).read_text())
    equal(len(seen["ramets"]), 28)


@of_python
def watchdog_names_greenlets():
    with file_for_errors() as f, greenlets("busy", env={"RAMET_WATCHDOG": "50"}, stderr=f) as p:
        out = asked(p, f.name, r"<module> \(.*\n")
    has_lines(rf'^ramet: thread \d+ has not turned its loop for \d+ ms: ramet 1 "main", computes\n    computes \({GREENLETS}:\d+\)\n'
              rf"    <module> \({GREENLETS}:66\)$", out)


@tap.test
def watchdog_names_threads():
    with file_for_errors() as f, threads("busy", env={"RAMET_WATCHDOG": "50"}, stderr=f) as p:
        out = asked(p, f.name, r"    computes\+.*\n.*\n")
    has_lines(r"^ramet: thread \d+ has not turned its loop for .* ms: ramet 29, spawned by ramet 1 at .* as a pthread, "
              r"to run computes\+0x0 \(threads\), computes\n    computes\+", out)


# ---- nobody can go on --------------------------------------------------------

@tap.test
def threads_that_are_stuck_are_told():
    """The runtime's own handlers of signals, that of the watchdog among them, are nobody's hope."""
    p = subprocess.run([RAMET, "run", FOLDER / "threads", "deadlock"], capture_output=True, text=True, timeout=LIMIT,
                       env=os.environ | {"RAMET_DEADLOCK": "exit"})
    equal(p.returncode, 86)
    has_lines(r"^ramet: deadlock: nothing can ever wake anyone\n  ramet (\d) waits for mutex 0x\w+, held by ramet (\d), at "
              r"crosswise\+.*\n(    from .*\n)*  ramet \2 waits for mutex 0x\w+, held by ramet \1, at crosswise\+", p.stderr)


@tap.test
def lock_cycles_of_threads_are_told():
    with file_for_errors() as f:
        p = subprocess.Popen([RAMET, "run", FOLDER / "threads", "deadlock"], stderr=f,
                             env=os.environ | {"RAMET_LOCK_CYCLES": "1", "RAMET_DEADLOCK": "silent"})
        try:
            asked(p, f.name, r"ramet: lock cycle: none of these can go on\n  ramet \d waits for mutex (.*\n)*  advice: .*\n")
        finally:
            p.kill()
            p.wait()


def python_shop(*args, env=(), **options):
    return subprocess.Popen([PYTHON, HERE.parent / "examples/shop.py", *args], text=True, env=os.environ | PACKAGE | dict(env),
                            **options)


@of_python
def the_shop_in_python_is_stuck_and_says_so():
    with python_shop("stuck", stderr=subprocess.PIPE) as p:
        err = p.communicate(timeout=LIMIT)[1]
    equal(p.returncode, 1)
    has_lines(r"LoopExit: This operation would block forever$", err)
    equal(len(re.findall(r"for a lock, held by <Greenlet at 0x\w+>, at trade \(\S*/shop.py:14\)'", re.sub(r"\s?'\n\s*'", " ", err))), 2)


@of_python
def lock_cycles_of_greenlets_are_told():
    with python_shop("stuck", stderr=subprocess.PIPE, env={"RAMET_LOCK_CYCLES": "1"}) as p:
        err = p.communicate(timeout=LIMIT)[1]
    has_lines(r'^ramet: lock cycle: none of these can go on\n'
              r'  ramet 4 "trade" waits for lock 0x\w+, held by ramet 3 "trade", at trade \(\S*/shop.py:14\), .*\n(    from .*\n)*'
              r'  ramet 3 "trade" waits for lock 0x\w+, held by ramet 4 "trade", at trade .*\n(    from .*\n)*  advice: lock in', err)


@of_python
def the_shop_in_python_is_slow_and_leaks():
    with file_for_errors() as f, python_shop(stderr=f) as p:
        try:
            out = asked(p, f.name, r"turns its loop again")
            has_lines(r'^ramet: thread \d+ has not .* ramet 1003 "report", spawned by ramet 1 at main \(\S*/shop.py:35\), '
                      r"computes\n(    price .*:19\)\n)?    report \(\S*/shop.py:23\)\n", out)
            out = ramet("stacks", p.pid)
        finally:
            p.kill()
    has_lines(r'^ramet 3 "wait_for_order" waiting for an item of a queue, for .*, spawned by ramet 1 at main at \S*shop.py:34$', out)
    has_lines(r"^  1000 ramets at\n(    .*\n)+    wait_for_order at \S*/shop.py:27$", out)


# ---- metrics -----------------------------------------------------------------

METRICS = """
import ctypes, mmap
class Loop(ctypes.Structure):
    _fields_ = ([(name, ctypes.c_int) for name in ("loop", "thread")]
                + [(name, ctypes.c_uint64) for name in ("starting", "ready", "running", "waiting", "ended", "spawned")])
{start}
lib, memory = ctypes.CDLL({library!r}), ctypes.create_string_buffer(4096)
loops = lib.ramet_get_metrics(memory, None, 0)
seen = Loop.from_buffer(memory)
print("figures", loops, seen.running, seen.waiting, seen.spawned)
"""


@of_python
def metrics_of_greenlets():
    code = METRICS.format(library="libramet.so.0", start="import ramet\nfrom ramet.event import Event\n"
                          "for _ in range(3): ramet.spawn(Event().wait)\nramet.sleep(0.01)")
    out = subprocess.run([PYTHON, "-c", code], env=os.environ | PACKAGE, capture_output=True, text=True, timeout=LIMIT).stdout
    equal(out, "figures 1 1 4 5\n")  # the hub waits, too


@tap.test
def metrics_of_threads():
    code = METRICS.format(library=None, start="import threading, time\nfor _ in range(3):\n"
                          "    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\ntime.sleep(0.1)")
    out = subprocess.run([RAMET, "run", "/usr/bin/python3", "-c", code + "import os, sys\nsys.stdout.flush()\nos._exit(0)"],
                         capture_output=True, text=True, timeout=LIMIT).stdout
    matches(r"^figures 1 1 3 4\n$", out)


# ---- doctor ------------------------------------------------------------------

@of_python
def doctor_finds_the_module():
    with tempfile.TemporaryDirectory(prefix="ramet-seen-") as folder:
        os.symlink(PYTHON, f"{folder}/python3")  # there may be another on PATH
        p = subprocess.run([RAMET, "doctor", "--json"], capture_output=True, text=True, timeout=LIMIT,
                           env=os.environ | PACKAGE | {"PATH": f"{folder}:{os.environ['PATH']}"})
    found = next(c for c in json.loads(p.stdout)["checks"] if c["name"] == "Python module")
    equal(found["level"], "ok")
    matches(rf"^3\.\d+\.\S+ {re.escape(PACKAGE['PYTHONPATH'])}/ramet/__init__.py$", found["value"])


if __name__ == "__main__":
    sys.exit(tap.run(sys.argv[3:]))
