"""debugpy, which editors debug Python with: it stops in greenlets, shows what is local there, and steps."""
import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading

import ramet
from lib.dap import Client
from lib.tap import Skip, equal, main, test

PROGRAM = """
import sys
import ramet

if "patched" in sys.argv:
    from ramet import monkey
    monkey.patch_all()
if "attach" in sys.argv:
    import debugpy
    print(debugpy.listen(("127.0.0.1", 0))[1], flush=True)
    debugpy.wait_for_client()

def tick():
    while True:
        ramet.sleep(0.001)

def first(x):
    a = x + 1
    ramet.sleep(0.01)
    b = a * 2  # first stop
    return b

def second(y):
    c = y - 1  # second stop
    ramet.sleep(0.005)
    return c

ticker = ramet.spawn(tick)
gs = [ramet.spawn(first, 40), ramet.spawn(second, 7)]
ramet.joinall(gs)
ticker.kill()
print("values", [g.value for g in gs], flush=True)
"""
LIMIT = 50  # seconds
STOPS = {"first": ["a", "x"], "second": ["y"]}  # the locals at each
AFTER = {"first": ["a", "b", "x"], "second": ["c", "y"]}


def line_of(text):
    return next(n for n, line in enumerate(PROGRAM.splitlines(), 1) if text in line)


def environment(**more):
    """To stop is no news for the monitor."""
    return dict(os.environ, RAMET_WATCHDOG="0", PYDEVD_DISABLE_FILE_VALIDATION="1", **more)


@contextlib.contextmanager
def process(command, **options):
    """Killed when it takes too long, or when it is not needed any more."""
    p = subprocess.Popen(command, **options)
    guard = threading.Timer(LIMIT, p.kill)
    guard.start()
    try:
        yield p
    finally:
        guard.cancel()
        p.kill()
        p.wait()
        for stream in (p.stdin, p.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()


@contextlib.contextmanager
def program_file():
    if importlib.util.find_spec("debugpy") is None:
        raise Skip("debugpy is not installed")
    if "libasan" in os.environ.get("LD_PRELOAD", ""):
        raise Skip("debugpy's own library for tracing is not to be run under a sanitizer")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program.py")
        with open(path, "w") as f:
            f.write(PROGRAM)
        yield path


def two_stops(client):
    """In each greenlet: where, what is local; and one step further."""
    left = dict(STOPS)
    while left:
        thread, stack, local = client.stop()
        function, line = stack[0]
        equal(line, line_of(f"# {function} stop"))
        equal(sorted(local), left.pop(function))
        client.go("next", thread)
        thread, stack, local = client.stop()
        equal(stack[0], (function, line + 1))
        equal(sorted(local), AFTER[function])
        client.go("continue", thread)


def launched(args, gevent, **more):
    """Run by debugpy, as an editor does."""
    with program_file() as path, process([sys.executable, "-m", "debugpy.adapter"], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, env=environment()) as p:
        client = Client(p.stdout, p.stdin)
        client.begin("launch", path, [line_of("# first stop"), line_of("# second stop")], program=path, args=args,
                     console="internalConsole", redirectOutput=True, gevent=gevent, env=environment(**more))
        two_stops(client)
        client.event("terminated")
        assert "values [82, 6]\n" in client.output, client.output


@test
def a_program_that_it_launches():
    launched([], False)


@test
def a_patched_program_with_its_support_of_gevent():
    shim = os.path.join(os.path.dirname(ramet.__file__), "shim")
    launched(["patched"], True, PYTHONPATH=os.pathsep.join([shim, os.environ.get("PYTHONPATH", "")]))


@test
def a_program_that_it_is_attached_to():
    import socket
    with program_file() as path, process([sys.executable, path, "attach"], stdout=subprocess.PIPE,
                                         env=environment()) as p:
        with socket.create_connection(("127.0.0.1", int(p.stdout.readline())), timeout=LIMIT) as s:
            with s.makefile("rb") as reader, s.makefile("wb") as writer:
                client = Client(reader, writer)
                client.begin("attach", path, [line_of("# first stop"), line_of("# second stop")], justMyCode=False)
                two_stops(client)
                equal(p.stdout.readline(), b"values [82, 6]\n")


main()
