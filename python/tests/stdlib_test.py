"""CPython's own tests, with all patched before their modules are imported.

Each judge is a module of them, in an interpreter of its own.  What cannot hold is listed in stdlib/JUDGE.txt, a test in
a line, with its reason: "fails" is run, and may fail; "skip" is not; "long" is if TEST_LONG is set.

usage: stdlib_test.py [OPTIONS] [JUDGE or TEST...]    TEST is test_x.Class.method, or a pattern as the shell's
"""
import argparse
import fnmatch
import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

HERE = pathlib.Path(__file__).resolve().parent
REPORT = HERE.parent.parent / "docs" / "python-judges.md"
AT_ONCE = 3  # they mostly wait


@dataclass
class Judge:
    name: str
    limit: int = 60  # seconds
    long: str = ""  # why it runs only with TEST_LONG=1
    modules: list = None  # of package test, by default the one of that name
    resources: list = field(default_factory=list)  # of test.support: what a test needs beside a quiet machine
    only: list = field(default_factory=list)  # patterns of tests, if not all are meant
    children: bool = False  # programs that its tests write are run patched, too
    inside: bool = False  # it runs in a greenlet that is not the main one, and unpatched: switches harm nobody


# In the order in which they start: what takes long first.
JUDGES = [
    *(Judge(f"test_asyncio.test_{name}", 120) for name in (
        "subprocess", "ssl", "events", "tasks", "sendfile", "sock_lowlevel", "streams", "taskgroups", "sslproto",
        "base_events", "buffered_proto", "context", "futures", "futures2", "locks", "pep492", "proactor_events",
        "protocols", "queues", "runners", "selector_events", "server", "threads", "timeouts", "transports",
        "unix_events", "waitfor")),
    Judge("test_socket", 120),
    Judge("test_ssl", 120),
    Judge("test_selectors"),
    Judge("test_context"),
    Judge("test_ftplib"),
    Judge("test_httplib"),
    Judge("test_httpservers"),
    Judge("test_imaplib"),
    Judge("test_poplib"),
    Judge("test_select"),
    Judge("test_smtplib"),
    Judge("test_socketserver", resources=["network"]),
    Judge("test_telnetlib"),
    Judge("test_urllib2_localnet"),
    Judge("test_wsgiref"),
    # Threads, signals, processes.
    Judge("test_processpool", 600, long="more than three minutes", modules=["test_concurrent_futures"],
          only=["*.ProcessPool*"]),
    Judge("test_io", 120, long="40 seconds"),
    Judge("test_subprocess", 120),
    Judge("test_threading", 120, children=True),
    Judge("test_signal", 120, children=True),
    Judge("test_concurrent_futures", 120, long="40 seconds", only=["*.ThreadPool*", "*.Future*"]),
    Judge("test_queue"),
    Judge("test_sched"),
    Judge("test_thread"),
    Judge("test_threadedtempfile"),
    Judge("test_threading_local"),
    Judge("test_threadsignals"),
    Judge("test_contextlib_async"),
    # What the interpreter keeps of whoever runs.
    Judge("test_contextvars", inside=True, modules=["test_context"]),
    Judge("test_coroutines", inside=True),
    Judge("test_exceptions", inside=True),
    Judge("test_faulthandler", long="20 seconds", inside=True),
    Judge("test_gc", inside=True),
    Judge("test_generators", inside=True),
    Judge("test_sys_setprofile", inside=True),
    Judge("test_sys_settrace", inside=True),
    Judge("test_traceback", inside=True),
    Judge("test_weakref", inside=True),
]


@dataclass
class Listed:
    """A line of a list of exclusions."""
    pattern: str
    kind: str
    reason: str


@dataclass
class Outcome:
    """What became of a judge's tests."""
    seconds: float = 0
    trouble: str = ""  # why the run itself is no good
    found: list = field(default_factory=list)
    started: list = field(default_factory=list)
    running: str = ""
    skipped: dict = field(default_factory=dict)  # by themselves: why
    failed: dict = field(default_factory=dict)  # why

    def heed(self, event, name="", text=""):
        if event == "found":
            self.found.append(name)
        elif event == "start":
            self.started.append(name)
            self.running = name
        elif event == "stop":
            self.running = ""
        elif event == "skip":
            self.skipped[name] = text
        elif event == "fail":
            self.failed[name] = self.failed.get(name, "") + text
        elif event == "end":
            self.trouble = ""

    def ran(self):
        return [name for name in self.started if name not in self.skipped]


def listed(judge):
    """The judge's list of exclusions: the parts of a package have theirs in one file."""
    package, _, part = judge.name.partition(".")
    path = HERE / "stdlib" / f"{package}.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [Listed(*line.split(None, 2)) for line in lines
            if line and not line.startswith("#") and (not part or line.startswith(judge.name + "."))]


def matching(names, pattern):
    return [name for name in names if fnmatch.fnmatchcase(name, pattern)]


# ---- one judge ------------------------------------------------------------------------------------------------------

def wait(process, limit):
    """Its exit status, also after it had to be killed, with all that it has started."""
    try:
        return process.wait(limit), ""
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # faulthandler shows where it is
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        pass
    return None, f"no end after {limit} s"


running = set()  # processes, each the leader of a group


def end(process):
    """Kill it, and all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def end_all(_number, _frame):
    """Whoever ends this ends what it runs."""
    for process in list(running):
        end(process)
    os._exit(1)


def environment(work):
    """The watchdog writes to descriptor 2, whatever that is: a judge that moves descriptors about reads it."""
    return {**os.environ, "TMPDIR": str(work), "RAMET_WATCHDOG": "0"}


def run_in(folder, judge, settings):
    outcome = Outcome(trouble="it ended in the middle")
    log, output = folder / "log", folder / "output"
    limit = judge.limit * int(os.environ.get("TEST_TIMEOUT", "1"))
    work = folder / "work"
    work.mkdir()
    start = time.monotonic()
    with open(output, "w") as file:
        process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", HERE / "stdlib" / "judge.py", log, json.dumps(settings)], cwd=work,
            stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment(work),
            start_new_session=True)
        running.add(process)
        status, late = wait(process, limit)
        end(process)
        running.discard(process)
        process.wait()
    outcome.seconds = time.monotonic() - start
    for line in log.read_text().splitlines() if log.exists() else []:
        outcome.heed(*json.loads(line))
    if status != 0:
        outcome.trouble = late or outcome.trouble or f"exit status {status}"
    if outcome.trouble:
        outcome.trouble += f", while {outcome.running or 'no test'} ran\n" + output.read_text(errors="replace")[-6000:]
    return outcome


def takes_its_time(args):
    return args.all or os.environ.get("TEST_LONG")


def settings_of(judge, args):
    kinds = ["skip"] if takes_its_time(args) else ["skip", "long"]
    return {"modules": judge.modules or [judge.name], "resources": judge.resources,
            "skip": [] if args.only else [line.pattern for line in listed(judge) if line.kind in kinds],
            "only": args.only or judge.only, "unpatched": args.unpatched or judge.inside,
            "inside": args.inside or judge.inside, "children": judge.children and not args.unpatched}


def reason_to_skip(judge, args):
    if args.only or not judge.long or takes_its_time(args):
        return ""
    return f"{judge.long}: runs with TEST_LONG=1"


def run(judge, args):
    """What became of it; a reason if it did not run."""
    skip = reason_to_skip(judge, args)
    if skip:
        return skip
    with tempfile.TemporaryDirectory(prefix="judge", ignore_cleanup_errors=True) as folder:
        return run_in(pathlib.Path(folder), judge, settings_of(judge, args))


# ---- verdicts -------------------------------------------------------------------------------------------------------

def unexpected(judge, outcome, args):
    """Failures that no line allows."""
    allowed = [] if args.only else [line.pattern for line in listed(judge) if line.kind == "fails"]
    return {name: why for name, why in outcome.failed.items()
            if not any(fnmatch.fnmatchcase(name, pattern) for pattern in allowed)}


def dishonest(judge, outcome):
    """What the list says, but is not so."""
    for line in listed(judge):
        names = matching(outcome.found + list(outcome.failed), line.pattern)
        if not names:
            yield f"{line.pattern} is listed, but there is no such test"
        elif line.kind == "fails" and matching(outcome.ran(), line.pattern) and \
                not matching(outcome.failed, line.pattern):
            yield f"{line.pattern} is listed, but passes"


def excluded(judge, outcome):
    """How many tests are not run, or may fail."""
    ran = set(outcome.started)
    return len({name for line in listed(judge) for name in matching(outcome.found, line.pattern)
                if line.kind == "fails" or name not in ran})


def numbers(judge, outcome):
    return (f"{len(outcome.ran())} ran, {excluded(judge, outcome)} excluded, {len(outcome.skipped)} skipped by "
            f"themselves ({outcome.seconds:.0f} s)")


def show(number, judge, outcome, args):
    """Print the verdict: whether all is well."""
    if isinstance(outcome, str):
        print(f"ok {number} - {judge.name} # SKIP {outcome}", flush=True)
        return True
    bad = unexpected(judge, outcome, args)
    good = not bad and not outcome.trouble
    print(f"{'ok' if good else 'not ok'} {number} - {judge.name}: {numbers(judge, outcome)}", flush=True)
    for text in [] if args.only else dishonest(judge, outcome):
        print(f"# {text}", flush=True)
    for name, why in bad.items():
        print(f"{name}\n{why}", file=sys.stderr, flush=True)
    if outcome.trouble:
        print(f"{judge.name}: {outcome.trouble}", file=sys.stderr, flush=True)
    return good


# ---- the page -------------------------------------------------------------------------------------------------------

INTRODUCTION = """# CPython's own tests, patched

Each file of CPython's test-suite below runs after `ramet.monkey.patch_all()`, in an
interpreter of its own, as `python/tests/stdlib_test.py` does in `script/test`. *ran*:
tests that ran to their end, failures that are excluded included; *skipped*: those that
skip themselves, for want of a network, a feature or another system; *excluded*: those
listed below. Everything else passes. *inside*: not patched, but run in a greenlet.

Written by `stdlib_test.py --report` with CPython {version} on {system}.

| file | ran | skipped | excluded | seconds |
|---|--:|--:|--:|--:|
"""

EXCLUDED = """
## Excluded

*fails* is run, and fails; *skip* is not run.
"""


def row(judge, outcome):
    name = judge.name + " (inside)" * judge.inside
    return counts(name, len(outcome.ran()), len(outcome.skipped), excluded(judge, outcome),
                  f"{outcome.seconds:.0f}")


def counts(*cells):
    return f"| {' | '.join(str(cell) for cell in cells)} |\n"


def section(judge):
    """The judge's list of exclusions, as text."""
    lines = "".join(f"- `{line.pattern.removeprefix(judge.name + '.')}` ({line.kind}): {line.reason}\n"
                    for line in listed(judge) if line.kind != "long")
    return f"\n### {judge.name}\n\n{lines}" if lines else ""


def page(outcomes):
    system = f"Linux {os.uname().release.split('-')[0]}, {os.uname().machine}"
    ordered = sorted(outcomes, key=lambda pair: pair[0].name)
    all_counts = counts("all", *(sum(column) for column in zip(*(
        (len(outcome.ran()), len(outcome.skipped), excluded(judge, outcome)) for judge, outcome in outcomes))), "")
    return (INTRODUCTION.format(version=sys.version.split()[0], system=system)
            + "".join(row(judge, outcome) for judge, outcome in ordered) + all_counts + EXCLUDED
            + "".join(section(judge) for judge, _ in ordered))


# ---- all ------------------------------------------------------------------------------------------------------------

def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="JUDGE or TEST")
    parser.add_argument("--all", action="store_true", help="those that take long, too")
    parser.add_argument("--inside", action="store_true", help="in a greenlet that is not the main one")
    parser.add_argument("--unpatched", action="store_true", help="as they are without us")
    parser.add_argument("--report", action="store_true", help=f"write {REPORT.name}; implies --all")
    args = parser.parse_args()
    if args.report and args.names:
        parser.error("the report is of all judges")
    args.all |= args.report
    args.only = [name for name in args.names if "." in name and name not in [j.name for j in JUDGES]]
    return args


def is_chosen(judge, args):
    package = judge.name.partition(".")[0]
    return (not args.names or judge.name in args.names or package in args.names
            or any(only.startswith(judge.name + ".") for only in args.only))


def has_tests():
    try:
        return importlib.util.find_spec("test.test_context") is not None
    except ModuleNotFoundError:
        return False


def main():
    args = arguments()
    if not has_tests():
        print("1..1\nok 1 - judges # SKIP this interpreter has no tests of its own")
        return 0
    judges = [judge for judge in JUDGES if is_chosen(judge, args)]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end_all)
    outcomes, good = [], True
    print(f"1..{len(judges)}", flush=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number, (judge, outcome) in enumerate(zip(judges, pool.map(lambda j: run(j, args), judges)), 1):
            outcomes.append((judge, outcome))
            good = show(number, judge, outcome, args) and good
    if args.report and good:
        REPORT.write_text(page(outcomes))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
