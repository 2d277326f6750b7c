#!/usr/bin/python3
"""Record programs, as users do: RAMET_TRACE, ramet_trace_start, `ramet trace`; and read what is written.

usage: tests/trace_test.py COMMAND FOLDER [NAME...]

COMMAND is ramet as built, FOLDER holds the programs of tests/trace; NAMEs are tests, all without.  The
output is TAP.  TEST_TIMEOUT=n gives n times the time.
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
from looking import LIMIT, equal, matches, running

RAMET = pathlib.Path(sys.argv[1]).resolve()
FOLDER = pathlib.Path(sys.argv[2]).resolve()
LIBRARY = RAMET.parents[2] / "src" / "libramet.so"


def run(*command, status=0, **options):
    """Returns (standard output, standard error)."""
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": LIMIT, "text": True} | options
    options["env"] = os.environ | options.get("env", {})
    p = subprocess.run([str(word) for word in command], **options)
    assert p.returncode == status, (p.returncode, p.stdout, p.stderr)
    return p.stdout, p.stderr


@contextlib.contextmanager
def a_file():
    with tempfile.TemporaryDirectory() as folder:
        yield pathlib.Path(folder) / "trace.json"


# ---- what is written ---------------------------------------------------------

PHASES = {"M": {"name", "args"}, "B": {"name", "args"}, "E": {"args"}, "C": {"name", "args"}, "i": {"name", "args", "s"},
          "b": {"name", "cat", "id"}, "e": {"name", "cat", "id"}}


def check_row(row):
    """It has what the format asks for, and nothing else."""
    want = {"ph", "pid", "tid", "ts"} | PHASES[row["ph"]]
    equal(set(row), want)
    assert isinstance(row["pid"], int) and isinstance(row["tid"], int) and row["ts"] >= 0, row
    assert row.get("name") != "", row


def check_track(rows):
    """Time does not go back; each run has a name and ends before the next one begins; ramets are counted."""
    last, runs, waits = 0, None, 0
    for row in rows:
        assert row["ts"] >= last, (row, last)
        last = row["ts"]
        if row["ph"] == "B":
            assert runs is None, row
            assert row["args"]["ramet"] > 0, row
            runs = row["name"]
        elif row["ph"] == "E":
            assert runs, row
            runs = None
            assert row["args"]["then"] in ("wait", "yield", "end", "lost"), row
        elif row["ph"] in "be":
            waits += 1 if row["ph"] == "b" else -1
            assert waits in (0, 1), row
        elif row["ph"] == "C":
            assert row["args"]["ramets"] >= 0, row
    assert runs is None, runs


def read(path):
    """The rows of a file that is as it must be, without those of its names."""
    seen = json.loads(pathlib.Path(path).read_text())
    equal(set(seen), {"displayTimeUnit", "otherData", "traceEvents"})
    tracks, named = {}, set()
    for row in seen["traceEvents"]:
        check_row(row)
        if row["ph"] == "M":
            named.add((row["name"], row["tid"]))
        else:
            tracks.setdefault(row["tid"], []).append(row)
    assert tracks, "nothing was recorded"
    for tid, rows in tracks.items():
        assert ("thread_name", tid) in named, tid
        check_track(rows)
    return [row for rows in tracks.values() for row in rows]


def names(rows):
    return {row["name"] for row in rows if row["ph"] == "B"}


def waited(rows):
    return {row["args"]["waited"] for row in rows if row["ph"] == "B" and "waited" in row["args"]}


WORKERS = {"main", "produces", "consumes", "locker", "computes", "sleeps", "echoes", "talks"}


def check_works(rows):
    assert WORKERS <= names(rows), names(rows)
    assert {"join", "mutex", "sleep", "offload", "read"} <= waited(rows), waited(rows)
    instants = {row["name"] for row in rows if row["ph"] == "i"}
    assert {"spawn locker", "spawn talks", "timer of sleeps", "offload for sleeps", "watch"} <= instants, instants
    # Who is woken by a ramet says by whom.
    ids = {row["args"]["ramet"]: row["name"] for row in rows if row["ph"] == "B"}
    wakers = {(row["name"], ids.get(row["args"].get("woken_by"))) for row in rows if row["ph"] == "B"}
    assert ("locker", "locker") in wakers and ("consumes", "produces") in wakers, wakers
    assert ("main", "talks") in wakers or ("main", "sleeps") in wakers, wakers
    spawned = [row for row in rows if row.get("name") == "spawn talks"]
    matches("^(work|main)$", spawned[0]["args"]["at"])
    equal(spawned[0]["args"]["by"], 1)


# ---- from inside -------------------------------------------------------------

@tap.test
def a_program_records_itself():
    for kernel in ("epoll", "uring", "sim"):
        with a_file() as path:
            run(FOLDER / "works", path, env={"RAMET_KERNEL": kernel})
            check_works(read(path))


@tap.test
def the_environment_has_it_recorded():
    for kernel in ("epoll", "uring", "sim"):
        with a_file() as path:
            equal(run(FOLDER / "works", env={"RAMET_KERNEL": kernel, "RAMET_TRACE": str(path)}), ("", ""))
            check_works(read(path))


@tap.test
def simulated_time_is_what_is_recorded():
    with a_file() as path:
        run(FOLDER / "works", path, env={"RAMET_KERNEL": "sim", "RAMET_SEED": "7"})
        first = read(path)
        slept = next(row for row in first if row["ph"] == "B" and row["args"].get("waited") == "sleep")
        assert 20000 <= slept["args"]["waited_us"] < 21000, slept
        run(FOLDER / "works", path, env={"RAMET_KERNEL": "sim", "RAMET_SEED": "7"})
        again = read(path)
        order = [[(row["ph"], row.get("name")) for row in rows if row["ph"] in "BE"] for rows in (first, again)]
        equal(order[0], order[1])


@tap.test
def what_cannot_be_written_is_said_and_the_program_goes_on():
    out, err = run(FOLDER / "works", env={"RAMET_TRACE": "/nowhere/trace.json"})
    equal(out, "")
    equal(err, "ramet: RAMET_TRACE: /nowhere/trace.json cannot be written: No such file or directory\n")
    with a_file() as path:
        _, err = run(FOLDER / "works", path / "below", status=1)
        matches("No such file or directory\n$", err)


@tap.test
def a_full_disk_is_said():
    if not os.path.exists("/dev/full"):
        return "there is no /dev/full"
    _, err = run(FOLDER / "works", env={"RAMET_TRACE": "/dev/full"})
    equal(err, "ramet: RAMET_TRACE: /dev/full cannot be written: No space left on device\n")


@tap.test
def a_threaded_program_is_recorded():
    with a_file() as path:
        run(RAMET, "run", FOLDER / "dozers", env={"RAMET_TRACE": str(path)})
        rows = read(path)
        assert {"main", "dozes"} <= names(rows), names(rows)
        assert {"sleep", "lot"} <= waited(rows), waited(rows)


PROGRAM = """
import ramet
from ramet.event import Event

event = Event()

def waits():
    event.wait()

def sets():
    ramet.sleep(0.01)
    event.set()

if {stay}:
    print("ready", flush=True)
    while True:
        ramet.joinall([ramet.spawn(waits), ramet.spawn(sets)])
        event.clear()
ramet.joinall([ramet.spawn(waits), ramet.spawn(sets)])
"""


@tap.test
def a_python_program_is_recorded():
    why, command, env = looking.python(RAMET)
    if why:
        return why
    with a_file() as path:
        run(command, "-c", PROGRAM.format(stay=False), env=env | {"RAMET_TRACE": str(path)})
        rows = read(path)
        assert len({row["args"]["ramet"] for row in rows if row["ph"] == "B"}) >= 3, rows
        assert "host" in waited(rows), waited(rows)
        assert {"main", "hub", "waits", "sets"} <= names(rows), names(rows)
        what = {row["args"].get("what") for row in rows if row["ph"] == "B" and row["name"] == "waits"}
        assert what <= {None, "its start", "an event"} and "an event" in what, what


# ---- from outside ------------------------------------------------------------

def summary(pid, *options):
    return json.loads(run(RAMET, "trace", "--json", *options, pid)[0])


def check_summary(seen):
    for row in seen["ramets"]:
        assert row["run_ns"] >= 0 and row["ready_ns"] >= 0, row
        for wait in row["waits"]:
            assert wait["ns"] >= 0 and wait["times"] > 0, row
    for loop in seen["loops"]:
        assert sum(step["times"] for step in loop["lag"]) > 0, loop
        assert loop["turns"] > 0 and loop["asleep_ns"] >= 0, loop
    return {row["name"]: row for row in seen["ramets"]}


@tap.test
def a_program_that_runs_is_recorded_from_outside():
    with running(FOLDER / "works", "--stay") as p, a_file() as path:
        seen = summary(p.pid, "--seconds=1", "-o", path)
        by_name = check_summary(seen)
        assert WORKERS <= set(by_name), set(by_name)
        waits = {w["for"] for w in by_name["locker"]["waits"]}
        assert "mutex" in waits, waits
        assert by_name["computes"]["run_ns"] > by_name["talks"]["run_ns"], by_name
        rows = read(path)
        assert WORKERS <= names(rows), names(rows)
        # It is over: nothing is recorded any more, and the program goes on.
        out, _ = run(RAMET, "trace", "--seconds=0.5", p.pid)
        matches(r"^0\.\d+ s of process \d+ \(works\): \d+ events, \d+ lost\n", out)
        matches(r"\nlocker +\d+ +\d+ +\d+\.\d+ +\d+\.\d+  .*mutex \d+\.\d+ ms \(\d+\)", out)
        matches(r"\nloop of thread \d+: \d+ turns, asleep for ", out)
        matches(r"\n  below +\d+\.\d+ ms +\d+  #+\n", out)
        p.stdin.close()
        equal(p.wait(LIMIT), 0)


@tap.test
def threads_that_run_are_recorded_from_outside():
    with running(RAMET, "run", FOLDER / "dozers", "--stay") as p:
        by_name = check_summary(summary(p.pid, "--seconds=0.5"))
        assert {"lot", "sleep"} <= {w["for"] for w in by_name["dozes"]["waits"]}, by_name


@tap.test
def python_that_runs_is_recorded_from_outside():
    why, command, env = looking.python(RAMET)
    if why:
        return why
    with running(command, "-c", PROGRAM.format(stay=True), env=os.environ | env) as p:
        seen = summary(p.pid, "--seconds=0.5")
        by_name = check_summary(seen)
        equal({(w["for"], w["what"]) for w in by_name["waits"]["waits"]}, {("host", "its start"), ("host", "an event")})
        equal({(w["for"], w["what"]) for w in by_name["sets"]["waits"]}, {("host", "its start"), ("host", "its sleep to end")})
        out, _ = run(RAMET, "trace", "--seconds=0.5", p.pid)
        matches(r"\nwaits  .*  .*an event \d+\.\d+ ms \(\d+\)[,\n]", out)


@tap.test
def a_signal_ends_the_recording_well():
    with running(FOLDER / "works", "--stay") as p, a_file() as path:
        t = subprocess.Popen([RAMET, "trace", "--seconds=600", "-o", path, str(p.pid)], stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)
        t.send_signal(signal.SIGINT)
        out, _ = t.communicate(timeout=LIMIT)
        equal(t.returncode, 0)
        matches("\nlocker ", out)
        read(path)


@tap.test
def a_program_that_ends_meanwhile_is_told_of():
    with running(FOLDER / "works", "--stay") as p, a_file() as path:
        t = subprocess.Popen([RAMET, "trace", "--seconds=600", "-o", path, str(p.pid)], stdout=subprocess.PIPE, text=True)
        time.sleep(0.7)
        p.kill()
        out, _ = t.communicate(timeout=LIMIT)
        equal(t.returncode, 0)
        matches(r" events, \d+ lost", out)
        read(path)


@tap.test
def what_cannot_be_recorded_is_refused():
    def refused(*args, why, status=1):
        out, err = run(RAMET, "trace", *args, status=status)
        equal(out, "")
        equal(err.count("\n"), 1)
        matches(r"^ramet trace: ", err)
        matches(why, err)
    refused(why="one process is to be given", status=2)
    refused("x", why='"x" is no process number', status=2)
    refused("--seconds=0", "1", why="no number of seconds", status=2)
    refused("--seconds=1e9", "1", why="no number of seconds", status=2)
    refused("--what", "1", why="there is no option --what", status=2)
    refused(os.getpid(), why="does not use ramet")
    with running(FOLDER / "works", "--stay") as p:
        refused("-o", "/nowhere/x", p.pid, why="^ramet trace: /nowhere/x cannot be written: No such file or directory$")
    matches("^usage: ramet trace ", run(RAMET, "help", "trace")[0])
    equal(run(RAMET, "trace", "--help")[0], run(RAMET, "help", "trace")[0])


# ---- probes ------------------------------------------------------------------

PROBES = {"spawn": 2, "switch": 2, "park": 3, "wake": 1, "exit": 1}


def probes():
    """How many arguments each has; None: there are none."""
    if not shutil.which("readelf"):
        return None
    notes = run("readelf", "-n", LIBRARY)[0]
    found = re.findall(r"Provider: ramet\s+Name: (\w+)\s+Location: .*\s+Arguments: (.*)", notes)
    return {name: len(args.split()) for name, args in found}


@tap.test
def probes_are_in_the_library():
    found = probes()
    if not found:
        return "no readelf, or the library is built without <sys/sdt.h>"
    equal(found, PROBES)


SHOWN = {  # by the one-liners of ramet_trace(3)
    "switches": r"@switches\[\d+\]: \d+",
    "spawns": r"@spawns\[\w+\]: \d+",
    "since": r"@us:\s*\n\[\d+",
    "what": r"@us\[\d+\]:\s*\n\[\d+",
    "born": r"@age_us:\s*\n\[\d+",
}


def bpftrace(p, script):
    return subprocess.run(["bpftrace", "-p", str(p.pid), "-e", script.replace("/usr/lib/libramet.so", str(LIBRARY))],
                          capture_output=True, text=True, timeout=LIMIT)


@tap.test
def bpftrace_shows_what_the_manual_says():
    if not probes() or not shutil.which("bpftrace") or os.geteuid():
        return "no probes, no bpftrace, or not root"
    page = (pathlib.Path(__file__).parent.parent / "docs/man/ramet_trace.3.scd").read_text()
    scripts = re.findall(r"^bpftrace -p PID -e '([^']*)'$", page, re.M)
    with running(FOLDER / "works", "--stay") as p:
        t = bpftrace(p, "usdt:/usr/lib/libramet.so:ramet:switch { exit(); }")
        if t.returncode:
            return "bpftrace cannot trace here: " + (t.stderr.strip().splitlines() or ["it fails"])[-1][:100]
        for script in scripts:
            t = bpftrace(p, script)
            assert t.returncode == 0, t.stderr  # it warns of much
            name = next(name for name in reversed(SHOWN) if f"@{name}" in script)
            matches(SHOWN.pop(name), t.stdout)
    equal(SHOWN, {})


if __name__ == "__main__":
    sys.exit(tap.run(sys.argv[3:]))
