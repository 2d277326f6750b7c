"""A Redis of a test's own, reached by a socket in a directory of its own."""
import contextlib
import os
import shutil
import subprocess
import tempfile
import time

from lib.tap import Skip

LIMIT = 20


def wait_for(path, server):
    end = time.monotonic() + LIMIT
    while not os.path.exists(path):
        assert server.poll() is None and time.monotonic() < end, "redis-server does not start"
        time.sleep(0.02)


@contextlib.contextmanager
def server():
    """The path of its socket."""
    if not shutil.which("redis-server"):
        raise Skip("there is no redis-server")
    home = tempfile.mkdtemp(prefix="ramet-redis-")
    path = home + "/socket"
    process = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--dir", home, "--save", "",
                                "--appendonly", "no"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        wait_for(path, process)
        yield path
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(home, ignore_errors=True)
