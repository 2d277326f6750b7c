#!/usr/bin/python3
"""Run programs that were written for gevent, unmodified, by `python3 -m ramet`.

usage: examples/gevent_programs.py [--no-database]

The first is the example of gevent's own introduction, with names that need no network; then come
the snippets of python/tests/contract, and fifty queries at once by psycopg2, which knows nothing of
greenlets, if PostgreSQL is installed.  ramet must be importable: PYTHONPATH=build/demo/python.
"""
import importlib.util
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent / "python" / "tests"
SNIPPETS = TESTS / "contract"
LIMIT = 60  # seconds, for each


def environment():
    """PYTHONPATH may be relative, and the programs run elsewhere."""
    package = importlib.util.find_spec("ramet")
    if not package:
        sys.exit("There is no ramet to import: set PYTHONPATH, to build/demo/python after script/demo has built it.")
    return dict(os.environ, PYTHONPATH=str(pathlib.Path(package.origin).resolve().parents[1]))


def run(path, *arguments):
    """Print what it prints, and how long it took; whether it went well."""
    begin = time.monotonic()
    try:
        p = subprocess.run([sys.executable, "-m", "ramet", path.name, *arguments], cwd=path.parent, env=environment(),
                           timeout=LIMIT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True)
    except subprocess.TimeoutExpired:
        print(f"    no end after {LIMIT} s\n")
        return False
    errors = p.stderr.strip().splitlines()
    for line in [*p.stdout.splitlines(), *(f"(stderr) {line}" for line in errors[-1:])]:
        print(f"    {line}")
    print(f"    {time.monotonic() - begin:.2f} s\n", flush=True)
    if p.returncode:
        print(p.stderr, file=sys.stderr)
    return p.returncode == 0


def what_it_shows(path):
    first = path.read_text().partition("\n")[0]
    return first.removeprefix("# Shows: ").partition("  Expected")[0]


def show_all():
    lookups = HERE / "lookups.py"
    print("Programs for gevent, as they are: python3 -m ramet PROGRAM\n\n  examples/lookups.py")
    print("".join(f"  | {line}\n" for line in lookups.read_text().splitlines()))
    good = run(lookups)
    for path in sorted(SNIPPETS.glob("s?_*.py")):
        print(f"  {path.name}: {what_it_shows(path)}")
        good &= run(path)
    return good


def show_database():
    sys.path.insert(0, str(TESTS))
    from lib import postgres
    from lib.tap import Skip
    print("  examples/fifty_queries.py: psycopg2, in C, without psycogreen: all in flight at once")
    try:
        import psycopg2  # noqa: F401
        with postgres.server() as where:
            return run(HERE / "fifty_queries.py", where)
    except (ImportError, Skip) as e:
        print(f"    left out: {e} (script/bootstrap demo installs what it needs)\n")
        return True


def main():
    good = show_all()
    if "--no-database" not in sys.argv[1:]:
        good &= show_database()
    return 0 if good else 1


sys.exit(main())
