"""What the tests of unmodified programs share: starting one plain or under `ramet run`, loading it
from outside, and reading from /proc what it is doing meanwhile.

Each test module runs as `NAME.py BUILD` and prints TAP.  TEST_TIMEOUT=n gives n times the time.
"""
import asyncio
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

SLOW = float(os.environ.get("TEST_TIMEOUT", 1))
LIMIT = 60 * SLOW  # seconds for anything that is waited for, however busy the machine
BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/gcc").resolve()
RAMET = BUILD / "tools" / "ramet" / "ramet"
OURS = ("ramet ", "iou-wrk", "iou-sqp")  # threads that are the runtime's or the kernel's
TESTS = []


class Skip(Exception):
    """Raised with the reason."""


def test(function):
    TESTS.append(function)
    return function


def equal(got, want):
    assert got == want, f"{got!r} is not {want!r}"


def needs(*programs):
    """The paths of programs of Debian packages."""
    paths = [shutil.which(p, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") for p in programs]
    for name, path in zip(programs, paths):
        if not path:
            raise Skip(f"{name} is not installed")
    return paths if len(paths) > 1 else paths[0]


def free_port():
    """A port that the kernel chose; somebody else could take it before it is used, so try again then."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(attempt, what="it"):
    end = time.monotonic() + LIMIT
    while not (result := attempt()):
        assert time.monotonic() < end, f"{what} never happens"
        time.sleep(0.02)
    return result


def listening(port):
    def attempt():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
    return attempt


class Program:
    """A program under `ramet run`, or plain, gone at the end of the with block.

    report: what `ramet run --report` said, once it has ended.
    """

    def __init__(self, command, plain=False, options=(), **popen):
        self.folder = tempfile.TemporaryDirectory(prefix="ramet-test-")
        self.report_file = pathlib.Path(self.folder.name) / "report.json"
        self.log = open(pathlib.Path(self.folder.name) / "log", "w+b")
        run = [] if plain else [RAMET, "run", "--json", f"--report={self.report_file}", *options, "--"]
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("stdout", self.log)
        popen.setdefault("stderr", self.log)
        self.process = subprocess.Popen([str(c) for c in [*run, *command]], **popen)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if kind and kind is not Skip:
            print("# the program said:", *self.said().splitlines()[-30:], sep="\n#   ")
        self.log.close()
        self.folder.cleanup()

    def said(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def wait(self):
        return self.process.wait(LIMIT)

    def stop(self, with_signal=signal.SIGTERM):
        """Ask it to end; returns its exit status."""
        self.process.send_signal(with_signal)
        return self.wait()

    def serves(self, port):
        def attempt():
            assert self.process.poll() is None, f"it ended with {self.process.poll()}"
            return listening(port)()
        until(attempt, "an open port")

    def threads(self):
        """Its OS threads but the runtime's own: names by number."""
        return threads_of(self.pid)

    def report(self):
        return json.loads(self.report_file.read_text())


def threads_of(pid):
    names = {}
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the process may have ended
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                names[task.name] = (task / "comm").read_text().strip()
    return {number: name for number, name in names.items() if not name.startswith(OURS)}


def cpu_ms(pid):
    """User and system time of a process so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


class Most:
    """The most OS threads a program has had while the block ran, looked at again and again.

    One counts when it is seen twice: a helper of the runtime gets its name after it has begun.
    """

    def __init__(self, program):
        self.program, self.threads, self.looks = program, 0, 0

    async def __aenter__(self):
        self.task = asyncio.create_task(self.watch())
        return self

    async def watch(self):
        before = {}
        while True:
            now = self.program.threads()
            self.threads = max(self.threads, len(now.keys() & before.keys()))
            self.looks += bool(before)
            before = now
            await asyncio.sleep(0.02)

    async def __aexit__(self, *_):
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        assert self.looks, "nobody looked"


@contextlib.asynccontextmanager
async def backend(seconds, body=b"x" * 1000):
    """An HTTP server that answers after a while: gives its port."""
    async def answer(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(seconds)
            writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def at_once(count, one):
    """Run one(i) count times at once; all must return."""
    return await asyncio.wait_for(asyncio.gather(*(one(i) for i in range(count))), LIMIT)


async def http_get(port, path="/", host="127.0.0.1", ssl=None):
    """Returns (status, body)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=ssl)
    writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def main():
    print(f"1..{len(TESTS)}")
    failed = 0
    for number, function in enumerate(TESTS, 1):
        verdict = "ok"
        skip = ""
        try:
            function()
        except Skip as reason:
            skip = f" # SKIP {reason}"
        except Exception:
            verdict, failed = "not ok", failed + 1
            print("# " + traceback.format_exc().replace("\n", "\n# "))
        print(f"{verdict} {number} - {function.__name__}{skip}", flush=True)
    sys.exit(failed != 0)
