#!/usr/bin/python3
"""Other people's clients talk to the server.

usage: tests/http_test.py SERVER [NAME...]

SERVER is tests/http/server.c as built; NAMEs are tests, all without.  The output is TAP.  A client that is not there
is a test skipped.  TEST_TIMEOUT=n gives n times the time.
"""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import tap

LIMIT = 60 * float(os.environ.get("TEST_TIMEOUT", 1))  # seconds for one command
SERVER = pathlib.Path(sys.argv[1]).resolve()
SOURCES = pathlib.Path(__file__).resolve().parent / "http"


def equal(got, want):
    assert got == want, f"{got!r} is not {want!r}"


class Server:
    def __init__(self, process, log):
        self.process, self.log = process, log
        self.url = f"http://127.0.0.1:{int(process.stdout.readline())}"

    def stop(self):
        """Returns the lines of its log."""
        self.process.send_signal(signal.SIGTERM)
        equal(self.process.wait(timeout=LIMIT), 0)
        self.log.seek(0)
        return self.log.read().splitlines()


@contextlib.contextmanager
def server(*files):
    with tempfile.TemporaryFile("w+") as log, \
            subprocess.Popen([SERVER, *files], stdout=subprocess.PIPE, stderr=log, text=True) as process:
        try:
            yield Server(process, log)
        finally:
            process.kill()


def client(*command, **options):
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": LIMIT} | options
    p = subprocess.run(command, **options)
    assert p.returncode == 0, (p.returncode, p.stdout, p.stderr)
    return p.stdout


def curl(*args, **options):
    return client("curl", "-sS", "--max-time", str(LIMIT), *args, **options)


def needs(name):
    """A test that is skipped where the program is missing."""
    def decorate(function):
        def run():
            return function() if shutil.which(name) else f"no {name}"
        run.__name__ = function.__name__
        return tap.test(run)
    return decorate


@needs("curl")
def curl_keeps_its_connection():
    with server() as s:
        out = curl("-w", "%{num_connects} ", s.url + "/", s.url + "/", s.url + "/")
        equal(out, "hello\n1 hello\n0 hello\n0 ")
        log = s.stop()
        equal(len(log), 3)
        assert re.fullmatch(r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET / HTTP/1\.1" 200 6 '
                            r'\d+\.\d{6}', log[0]), log[0]


@needs("curl")
def curl_uploads_in_chunks_and_by_size():
    body = "0123456789" * 50000
    with server() as s:
        equal(curl("-T", "-", s.url + "/echo", stdin=None, input=body), body)
        equal(curl("--data-binary", "@-", s.url + "/count", stdin=None, input=body), "500000\n")


@needs("curl")
def curl_waits_for_100_continue():
    with server() as s:
        for path, want in ("/count", "500000\n"), ("/refuse", "403 Forbidden\n"):
            equal(curl("-H", "Expect: 100-continue", "--expect100-timeout", "30", "--data-binary", "@-",
                       s.url + path, stdin=None, input="0123456789" * 50000), want)


@needs("curl")
def curl_asks_for_the_head_alone():
    with server() as s:
        head = curl("-I", s.url + "/")
        assert "Content-Length: 6" in head and "hello" not in head, head


@needs("curl")
def curl_speaks_http_1_0():
    with server() as s:
        equal(curl("-0", s.url + "/", s.url + "/"), "hello\nhello\n")
        equal(curl("-0", "-d", "abc", s.url + "/echo"), "abc")


@needs("curl")
def a_stop_lets_a_request_end():
    with server() as s, subprocess.Popen(["curl", "-sS", s.url + "/slow"], stdout=subprocess.PIPE, text=True) as slow:
        time.sleep(0.5)  # it takes a second
        log = s.stop()
        equal(slow.communicate(timeout=LIMIT)[0], "hello\n")
        assert '"GET /slow HTTP/1.1" 200 6' in log[-1], log


@needs("openssl")
def curl_speaks_tls():
    if not shutil.which("curl"):
        return "no curl"
    with tempfile.TemporaryDirectory() as folder:
        cert, key = f"{folder}/cert", f"{folder}/key"
        client("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
               "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert)
        body = "0123456789" * 50000
        with server(cert, key) as s:
            url = s.url.replace("http:", "https:")
            equal(curl("--cacert", cert, "-w", "%{num_connects} ", url + "/", url + "/"), "hello\n1 hello\n0 ")
            equal(curl("--cacert", cert, "-T", "-", url + "/echo", stdin=None, input=body), body)
            equal(len(s.stop()), 3)


@needs("wrk")
def wrk_sees_no_errors():
    with server() as s:
        out = client("wrk", "-t2", "-c40", "-d1s", s.url + "/")
        assert "Requests/sec" in out and "errors" not in out and "Non-2xx" not in out, out


@needs("go")
def go_posts_from_many_goroutines():
    with server() as s, tempfile.TemporaryDirectory() as folder:
        env = os.environ | {"GOCACHE": folder, "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
        equal(client("go", "run", str(SOURCES / "client.go"), s.url, env=env, timeout=3 * LIMIT), "good\n")


@needs("node")
def node_posts_on_kept_connections():
    with server() as s:
        equal(client("node", str(SOURCES / "client.js"), s.url), "good\n")


if __name__ == "__main__":
    sys.exit(tap.run(sys.argv[2:]))
