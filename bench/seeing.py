"""What it costs to be seen inside: by the recorder, the watchdog, and tools outside.  docs/bench.md says how each is
measured."""
import contextlib
import shutil
import statistics
import subprocess
import sys
import time

import harness
from harness import BUILD, CPUS, ROOT, child, read_line
from results import Goal

RAMET = BUILD / "tools" / "ramet" / "ramet"
GDB = ROOT / "tools" / "gdb" / "ramet.py"
MANY = 10000  # ramets
GDB_RAMETS = 1000
WORKS = {"yield": "a yield", "channel": "a channel's round trip", "mutex": "a mutex handed over"}
WATCHED = {"yield": (100, "100 that yield"), "echo": (50, "50 pairs that send 64 bytes"),
           "sleep": (20, "20 loops of 10 sleepers"), "idle": (5, "5 s with nothing to do")}
TOOLS = {"": ("stacks",), "-json": ("stacks", "--json"), "-top": ("top", "--once")}
GDB_COMMANDS = {"-gdb": "info ramets", "-gdb-bt": "ramet apply all bt"}

# title and rows: what is measured, its parameter, what it is called
TABLES = {
    "trace": ("Recorder: CPU ns per event", [
        *(("trace", work, f"on, {words}") for work, words in WORKS.items()),
        *(("trace-off", work, f"off, {words}") for work, words in WORKS.items())]),
    "watchdog": ("Watchdog: CPU time with it, more than without, % of a processor", [
        *(("watchdog", work, words) for work, (_, words) in WATCHED.items()),
        *(("watchdog-thread", work, f"its thread alone, {words}") for work, (_, words) in WATCHED.items() if work != "idle")]),
    "stacks": ("Looked at from outside", [
        *(("stacks" + ending, str(count), f"ramet {' '.join(words)}, {count:,} ramets, s")
          for count in (MANY, 10 * MANY) for ending, words in TOOLS.items()),
        ("stacks-gap", str(MANY), "seen by these, longest between two turns, ms"),
        ("stacks-gap-alone", str(MANY), "seen by nobody, ms"),
        ("stacks-gap-more", str(MANY), "so much longer, ms"),
        ("stacks-rate", str(MANY), "turns, of those when seen by nobody"),
        *(("stacks" + ending, str(GDB_RAMETS), f"gdb, {command}, {GDB_RAMETS:,} ramets, s")
          for ending, command in GDB_COMMANDS.items())]),
}
GOALS = [
    *(Goal("trace", work, 15) for work in WORKS),
    *(Goal("trace-off", work, 1) for work in WORKS),
    *(Goal(bench, work, 0.5) for work in WATCHED for bench in ("watchdog", "watchdog-thread")),
    *(Goal("stacks" + ending, str(MANY), 1) for ending in TOOLS),
    Goal("stacks-gap-more", str(MANY), 10),
    Goal("stacks-rate", str(MANY), 0.95, at_least=True),
]


def program(name):
    return BUILD / "bench" / name


def figures(name, item, param, rounds):
    """What a program of ours says: {what: (value, unit, note)}."""
    lines = [line.split("\t") for line in harness.output([program(name), item, param, rounds], CPUS[0]).splitlines()]
    return {bench: (float(value), unit, note) for bench, _, _, value, unit, note in lines}


# ---- the recorder -----------------------------------------------------------

def least_of(runs, what):
    """Other load only adds."""
    return min(run[what][0] for run in runs)


def measure_trace(quick, results, progress):
    for work in WORKS:
        runs = {"trace-ramet": [], "trace-bare": []}
        for i in range(3 if quick else 12):
            progress.show(f"trace: {WORKS[work]}")
            for name in sorted(runs, reverse=i % 2):
                runs[name].append(figures(name, work, 0, 3))
        hooked, bare = runs["trace-ramet"], least_of(runs["trace-bare"], work)
        off, on, events = (least_of(hooked, work + ending) for ending in ("", "-on", "-events"))
        results.add("trace", "ramet", work, (on - off) / events, "ns",
                    f"{events:.2f} events each: {on:.1f} ns instead of {off:.1f}")
        results.add("trace-off", "ramet", work, (off - bare) / events, "ns",
                    f"{off:.1f} ns, {bare:.1f} without hooks and probes")


# ---- the watchdog -----------------------------------------------------------

def measure_watchdog(quick, results, progress):
    for work, (param, words) in WATCHED.items():
        progress.show(f"watchdog: {words}")
        for bench, row in figures("watchdog-ramet", work, param, 5 if quick else 41).items():
            results.add("watchdog" + bench.removeprefix(work), "ramet", work, *row)


# ---- from outside -----------------------------------------------------------

@contextlib.contextmanager
def watched(count):
    """A process of so many ramets, and a function that says how it fared since it was asked last: the longest time between
    two turns, ms, and turns in a second."""
    with child([program("debug-ramet"), "watched", count, 1], CPUS[0], stdin=subprocess.PIPE) as p:
        read_line(p.stdout)
        asked = time.monotonic()

        def ask():
            nonlocal asked
            p.stdin.write(b"\n")
            longest, turns = map(float, read_line(p.stdout).split())
            since, asked = asked, time.monotonic()
            return longest, turns / (asked - since)
        yield p.pid, ask


def seconds(command):
    start = time.monotonic()
    subprocess.run(harness.words(command), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   preexec_fn=harness.prepare(CPUS[-1]), timeout=harness.TIMEOUT)
    return time.monotonic() - start


def time_tools(count, commands, results, runs):
    for ending, command in commands.items():
        took = sorted(seconds(command) for _ in range(runs))
        results.add("stacks" + ending, "ramet", str(count), statistics.median(took), "s",
                    f"{runs} runs, {took[0]:.3g} to {took[-1]:.3g}")


def compare_turns(pid, ask, results, windows):
    """In turn: a second that nobody looks, and one in which two tools do."""
    alone, seen = [], []
    for _ in range(windows):
        ask()
        time.sleep(1)
        alone.append(ask())
        for words in TOOLS["-json"], TOOLS["-top"]:
            seconds([RAMET, *words, pid])
        time.sleep(0.5)
        seen.append(ask())
    gaps, gaps_alone = ([longest for longest, _ in many] for many in (seen, alone))
    results.add("stacks-gap", "ramet", str(MANY), statistics.median(gaps), "ms", f"{windows} times, up to {max(gaps):.3g}")
    results.add("stacks-gap-alone", "ramet", str(MANY), statistics.median(gaps_alone), "ms",
                f"{windows} times, up to {max(gaps_alone):.3g}")
    more = [g - a for g, a in zip(gaps, gaps_alone)]
    results.add("stacks-gap-more", "ramet", str(MANY), statistics.median(more), "ms", f"{min(more):.3g} to {max(more):.3g}")
    rates = [s[1] / a[1] for s, a in zip(seen, alone)]
    results.add("stacks-rate", "ramet", str(MANY), statistics.median(rates), "of alone", f"{min(rates):.3f} to {max(rates):.3f}")


def measure_stacks(quick, results, progress):
    runs = 3 if quick else 7
    for count in (MANY, 10 * MANY):
        progress.show(f"stacks: {count:,} ramets")
        with watched(count) as (pid, ask):
            tools = {ending: [RAMET, *words, pid] for ending, words in TOOLS.items()}
            time_tools(count, tools, results, runs)
            if count == MANY:
                progress.show("stacks: turns meanwhile")
                compare_turns(pid, ask, results, runs)
    if not shutil.which("gdb"):
        return
    progress.show("stacks: gdb")
    with watched(GDB_RAMETS) as (pid, _):
        time_tools(GDB_RAMETS, {
            ending: ["gdb", "-nx", "-batch", "-p", pid, "-ex", f"source {GDB}", "-ex", command]
            for ending, command in GDB_COMMANDS.items()}, results, runs)


# ---- all --------------------------------------------------------------------

MEASURES = {"trace": measure_trace, "watchdog": measure_watchdog, "stacks": measure_stacks}


def measure(name, quick, results, progress):
    try:
        MEASURES[name](quick, results, progress)
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as e:
        print(f"{name}: {e}", file=sys.stderr)
