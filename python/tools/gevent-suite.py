#!/usr/bin/env python3
"""Run gevent's or greenlet's own test files against the package, and say what came of each.

DIRECTORY is src/gevent of a checkout of gevent, which holds `tests` and `testing`, or greenlet/tests as it is
installed; neither is part of this project.  Each file runs in an interpreter of its own, by `python -m ramet`: its
`import gevent` gives us, and gevent.tests and gevent.testing come from DIRECTORY.  With --real the same is done with
the real ones, to compare.
"""
import argparse
import concurrent.futures
import fnmatch
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REASONS = os.path.join(HERE, "gevent-suite.reasons")
#: What the words in the file of reasons stand for, in the order of the document.
GROUPS = {"design": "Differs by design", "private": "About gevent's insides", "missing": "Missing",
          "bug": "Bugs", "host": "The machine"}


class Outcome:
    """What came of one file."""

    def __init__(self, name, output, status, seconds):
        self.name, self.output, self.status, self.seconds = name, output, status, seconds
        summary = re.search(r"^Ran (\d+) tests? in", output, re.M)
        self.finished = summary is not None
        words = dict(re.findall(r"(\w+(?: \w+)?)=(\d+)", (re.findall(r"^(?:OK|FAILED) \((.*)\)$", output, re.M) or [""])[-1]))
        self.failing = self._failing()
        self.skipped = int(words.get("skipped", 0)) if summary else len(re.findall(r"\.\.\. skipped ", output))
        self.ran = int(summary.group(1)) if summary else len(re.findall(r"\.\.\. (?:ok|FAIL|ERROR|skipped)", output))
        if not summary:
            self._without_summary()
        self.passed = max(0, self.ran - self.skipped - len(self.failing))

    def _failing(self):
        """The tests that failed, each once however many of its parts did."""
        found = re.findall(r"^(?:FAIL|ERROR|UNEXPECTED SUCCESS): (\S+)(?: \((\S+?)\))?", self.output, re.M)
        names = []
        for test, where in found:
            owner = where.replace("__main__.", "")
            name = owner if owner.endswith("." + test) else ".".join(filter(None, [owner, test]))
            if name not in names:
                names.append(name)
        return names

    def _without_summary(self):
        """A script without unittest is one test; one with it that did not come to its end has failed as a whole."""
        if self.status == 0:
            self.skipped = int(bool(re.search(r"^Skipped|skipTest|SkipTest", self.output, re.M)))
            self.ran = self.ran or 1
            return
        self.ran += 1
        self.failing.append({None: "no end"}.get(self.status, f"exit status {self.status}"))

    def row(self):
        return {"ran": self.ran, "passed": self.passed, "failed": len(self.failing), "skipped": self.skipped,
                "failing": self.failing, "seconds": round(self.seconds, 1)}


def link_all(source, target, but=()):
    for entry in os.listdir(source):
        path = os.path.join(target, entry)
        if entry != "__pycache__" and entry not in but and not os.path.lexists(path):
            os.symlink(os.path.join(source, entry), path)


def is_greenlets(directory):
    return not os.path.isdir(os.path.join(directory, "testing"))


def overlay(root, package, directory, private):
    """A package made of the one under test and of gevent's tests; beside it the examples, where the tests look.
    Returns the folder of the tests."""
    name = os.path.basename(package)
    target = os.path.join(root, name)
    os.mkdir(target)
    link_all(package, target, but=("tests", "testing"))
    if is_greenlets(directory):
        os.symlink(directory, os.path.join(root, "tests"))
        return os.path.join(root, "tests")
    for part in ("tests", "testing"):
        os.symlink(os.path.join(directory, part), os.path.join(target, part))
    if private:
        link_all(private, target)
    examples = os.path.join(directory, "..", "..", "examples")
    if os.path.isdir(examples):
        os.symlink(os.path.abspath(examples), os.path.join(root, "examples"))
        open(os.path.join(root, "setup.py"), "w", encoding="utf-8").close()
    return os.path.join(target, "tests")


def environment(root, package, real):
    """What the children get; the extension does not find its library from where it is linked to."""
    built = os.path.join(package, "..", "..", "src")
    libraries = os.pathsep.join(filter(None, [os.path.abspath(built), os.environ.get("LD_LIBRARY_PATH")]))
    env = dict(os.environ, GEVENTTEST_USE_RESOURCES="-network", PYTHONFAULTHANDLER="1", PYTHONDONTWRITEBYTECODE="1",
               PYTHONUNBUFFERED="1", PYTHONDEVMODE="", GEVENTTEST_QUIET="0")
    if os.path.isdir(built) and not real:
        env["LD_LIBRARY_PATH"] = libraries
    paths = [root] + ([] if real else [os.path.join(root, "ramet", "shim")])
    env["PYTHONPATH"] = os.pathsep.join(paths)
    return env


def run(command, env, cwd, limit):
    """Output, exit status (None: stopped at the limit) and seconds.  What it leaves behind is ended too."""
    start = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        out.seek(0)
        return out.read().decode(errors="replace"), status, time.monotonic() - start


def run_file(name, args, env, tests):
    command = [args.python] + ([] if args.real else ["-m", "ramet"])
    if is_greenlets(args.directory):
        command, cwd = command + ["-m", "unittest", f"tests.{name}"], os.path.dirname(tests)
    else:
        command, cwd = command + ["-m", f"gevent.tests.{name}"], tests
    output, status, seconds = run(command, env, cwd, args.limit)
    if args.logs:
        with open(os.path.join(args.logs, name + ".log"), "w", encoding="utf-8") as log:
            log.write(output)
    return Outcome(name, output, status, seconds)


def names_of(tests, wanted):
    names = sorted(f[:-3] for f in os.listdir(tests) if f.startswith("test_") and f.endswith(".py"))
    return [n for n in names if not wanted or any(fnmatch.fnmatch(n, w) or n == "test__" + w for w in wanted)]


def run_all(args):
    package = os.path.abspath(args.package)
    with tempfile.TemporaryDirectory() as root:
        tests = overlay(root, package, os.path.abspath(args.directory),
                        None if args.real else os.path.join(HERE, "gevent_private"))
        env, results = environment(root, package, args.real), {}
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            jobs = [pool.submit(run_file, name, args, env, tests) for name in names_of(tests, args.names)]
            for job in concurrent.futures.as_completed(jobs):
                outcome = job.result()
                results[outcome.name] = outcome.row()
                tell(outcome)
    return dict(sorted(results.items()))


def tell(outcome):
    print(f"{outcome.name}: ran {outcome.ran}, passed {outcome.passed}, failed {len(outcome.failing)}, "
          f"skipped {outcome.skipped}, {outcome.seconds:.1f} s", flush=True)
    for name in outcome.failing:
        print("    " + name, flush=True)


def read_reasons():
    """(pattern of FILE:TEST, group, why) for each line of the file of reasons."""
    if not os.path.exists(REASONS):
        return []
    with open(REASONS, encoding="utf-8") as lines:
        rows = [line.split(None, 2) for line in lines if line.strip() and not line.startswith("#")]
    return [(pattern, group, why.strip()) for pattern, group, why in rows]


def reason_for(test, reasons):
    for pattern, group, why in reasons:
        if fnmatch.fnmatchcase(test, pattern):
            return group, why
    return "bug", "not looked into"


def by_reason(results):
    """{group: {why: [tests]}} of all that failed."""
    reasons, groups = read_reasons(), {}
    for name, row in results.items():
        for test in row["failing"]:
            group, why = reason_for(f"{name}:{test}", reasons)
            test = re.sub(r"^(ramet|tests)\.(testing\.testcase|test_\w+)\.", "", test)
            groups.setdefault(group, {}).setdefault(why, []).append(f"{name[5:].lstrip('_')}: {test}")
    return groups


def table(results, real):
    head = "| file | ran | passed | failed | skipped |" + (" the real one: passed, failed |" if real else "")
    rows = [head, re.sub(r"[^|]+", " --- ", head)]
    for name, row in results.items():
        cells = [name] + [str(row[k]) for k in ("ran", "passed", "failed", "skipped")]
        if real:
            cells.append(f"{real[name]['passed']}, {real[name]['failed']}" if name in real else "")
        rows.append("| " + " | ".join(cells) + " |")
    total = [str(sum(row[k] for row in results.values())) for k in ("ran", "passed", "failed", "skipped")]
    if real:
        total.append(", ".join(str(sum(row[k] for row in real.values())) for k in ("passed", "failed")))
    return rows + [f"| **{len(results)} files** | " + " | ".join(total) + " |"]


def reasons_text(results):
    groups, lines = by_reason(results), []
    for group, title in GROUPS.items():
        if group not in groups:
            continue
        lines += ["", f"### {title} ({sum(map(len, groups[group].values()))})", ""]
        for why, tests in sorted(groups[group].items()):
            lines.append(f"- {why}: {', '.join(f'`{t}`' for t in tests)}.")
    return lines


def write_table(path, suite, results, real):
    """Replace what stands between the suite's marks in the document."""
    begin, end = f"<!-- {suite} -->", f"<!-- end of {suite} -->"
    with open(path, encoding="utf-8") as f:
        before, _, rest = f.read().partition(begin)
    lines = [begin] + table(results, real) + reasons_text(results) + ["", end]
    with open(path, "w", encoding="utf-8") as f:
        f.write(before + "\n".join(lines) + rest.partition(end)[2])


def load(path):
    if not path:
        return None
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", help="src/gevent of a checkout, or greenlet/tests")
    parser.add_argument("names", nargs="*", help="files to run, such as event or test__pool*; default: all")
    parser.add_argument("--package", required=True, help="the package under test: build/dev/python/ramet")
    parser.add_argument("--python", default=sys.executable, help="the interpreter")
    parser.add_argument("--real", action="store_true", help="the package is gevent itself")
    parser.add_argument("--limit", type=float, default=100, help="seconds that a file may take")
    parser.add_argument("--jobs", type=int, default=2, help="files at once")
    parser.add_argument("--logs", metavar="FOLDER", help="keep the output of each file there")
    parser.add_argument("--json", metavar="FILE", help="write the results there")
    parser.add_argument("--results", metavar="FILE", help="run nothing: take what --json has written")
    parser.add_argument("--compare", metavar="FILE", help="the results of --real, for a column of their own")
    parser.add_argument("--table", metavar="FILE", help="replace the table in that document")
    return parser.parse_args()


def main():
    args = options()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # not ignored, as it would be under nohup
    if args.logs:
        os.makedirs(args.logs, exist_ok=True)
    results = load(args.results) or run_all(args)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(results, f, indent=1)
    if args.table:
        suite = "greenlet" if is_greenlets(args.directory) else "gevent"
        write_table(args.table, suite, results, load(args.compare))
    total = {k: sum(row[k] for row in results.values()) for k in ("ran", "passed", "failed", "skipped")}
    print(f"{len(results)} files: " + ", ".join(f"{k} {v}" for k, v in total.items()))


main()
