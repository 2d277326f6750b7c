"""Tests of the Python package: functions that fail by raising, each run in an interpreter of its own."""
import contextlib
import os
import subprocess
import sys
import traceback

LIMIT = 60  # seconds, for one test
WHERE = "TEST_SERVER"  # in the environment
SKIPPED = 77  # exit status; the reason is the last line of the output
TESTS = []

os.environ.setdefault("RAMET_WATCHDOG", "0")  # a machine that is slow is no news; its own tests set it


def for_foreign_programs():
    """The environment without what a sanitizer needs in those that load the module: it takes servers ages."""
    return {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


class Skip(Exception):
    pass


def test(function):
    TESTS.append(function)
    return function


def raises(kind, function, *args, **kwargs):
    """The exception of that kind that the call raises."""
    try:
        result = function(*args, **kwargs)
    except kind as e:
        return e
    raise AssertionError(f"{kind.__name__} was not raised; returned {result!r}")


def equal(a, b):
    assert a == b, f"{a!r} is not {b!r}"


def run_one(name):
    function = next(t for t in TESTS if t.__name__ == name)
    try:
        function()
    except Skip as e:
        print(e)
        return SKIPPED
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def run_apart(name):
    """The verdict on one test, and why."""
    limit = LIMIT * int(os.environ.get("TEST_TIMEOUT", "1"))
    try:
        p = subprocess.run([sys.executable, "-X", "faulthandler", sys.argv[0], name], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit, errors="replace")
    except subprocess.TimeoutExpired as e:
        return "not ok", f"no end after {limit} s\n{e.output or ''}"
    if p.returncode == SKIPPED:
        return "ok", p.stdout.strip().splitlines()[-1]
    return ("not ok" if p.returncode else "ok"), (f"exit status {p.returncode}\n{p.stdout}" if p.returncode else "")


def run_all():
    """Print TAP; whether all went well."""
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, function in enumerate(TESTS, 1):
        verdict, why = run_apart(function.__name__)
        failed += verdict != "ok"
        print(f"{verdict} {number} - {function.__name__}" + (f" # SKIP {why}" if verdict == "ok" and why else ""),
              flush=True)
        if verdict != "ok":
            print(why[-4000:], file=sys.stderr, flush=True)
    return failed == 0


@contextlib.contextmanager
def started(server):
    """A server for all tests, which then find its address by where()."""
    if not server or WHERE in os.environ:
        yield
        return
    with server() as address:
        os.environ[WHERE] = address
        yield


def where():
    """The address of the server that was given to main."""
    return os.environ[WHERE]


def main(server=None):
    """Without arguments run all and print TAP; with a name run that one here.

    server() is a context that gives an address: one serves all tests.
    """
    try:
        with started(server):
            status = run_one(sys.argv[1]) if len(sys.argv) > 1 else not run_all()
    except Skip as e:
        print(f"1..0 # SKIP {e}")
    else:
        sys.exit(status)
