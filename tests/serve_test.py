#!/usr/bin/python3
"""Run `ramet serve` as a user does.

usage: tests/serve_test.py COMMAND [NAME...]

COMMAND is ramet as built; NAMEs are tests, all without.  The output is TAP.
TEST_TIMEOUT=n gives n times the time.
"""
import contextlib
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import prometheus
import tap

LIMIT = 60 * float(os.environ.get("TEST_TIMEOUT", 1))  # seconds for one command
RAMET = pathlib.Path(sys.argv[1]).resolve()


def equal(got, want):
    assert got == want, f"{got!r} is not {want!r}"


def matches(pattern, text):
    assert re.search(pattern, text), f"{pattern!r} is not in {text!r}"


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="ramet-serve-") as name:
        here = pathlib.Path(name)
        (here / "a.txt").write_text("hello\n")
        (here / "sub").mkdir()
        (here / "sub/index.html").write_text("<p>index")
        (here / ".secret").write_text("secret")
        yield here


def refused(*args, why, status=2):
    p = subprocess.run([RAMET, "serve", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=LIMIT)
    equal((p.returncode, p.stdout, p.stderr.count("\n")), (status, "", 1))
    assert p.stderr.startswith("ramet serve: "), p.stderr
    matches(why, p.stderr)


class Served:
    def __init__(self, *args):
        self.process = subprocess.Popen([RAMET, "serve", "--json", *args], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert select.select([self.process.stdout], [], [], LIMIT)[0], "it says nothing"
        self.said = json.loads(self.process.stdout.readline() or self.process.communicate()[1])
        self.urls = self.said["urls"]

    def get(self, path="", url=0, **options):
        with urllib.request.urlopen(self.urls[url] + path, timeout=LIMIT, **options) as answer:
            return answer.read().decode()

    def stop(self, number=signal.SIGTERM):
        """Returns (exit status, the last line as JSON, standard error)."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=LIMIT)
        return self.process.returncode, json.loads(out), err


@contextlib.contextmanager
def serve(*args):
    s = Served(*args)
    try:
        yield s
    finally:
        s.process.kill()
        s.process.wait()
        s.process.stdout.close()
        s.process.stderr.close()


ANY = "--listen=http://127.0.0.1:0"


@tap.test
def files_are_served():
    with folder() as here, serve(ANY, str(here)) as s:
        equal(s.get("a.txt"), "hello\n")
        equal(s.get("sub"), "<p>index")
        for path, status in ((".secret", 404), ("none", 404), ("", 403)):
            try:
                s.get(path)
            except urllib.error.HTTPError as e:
                equal((path, e.code), (path, status))
            else:
                raise AssertionError(f"{path} is served")
        equal(s.said["directory"], str(here.resolve()))
        equal(s.said["pid"], s.process.pid)
        equal(s.stop()[0], 0)


@tap.test
def a_port_alone_after_a_colon_is_open_to_all():
    with folder() as here, serve("--listen=:0", str(here)) as s:
        matches(r"^http://\[::\]:\d+/$", s.urls[0])
        port = s.urls[0].rsplit(":", 1)[1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}a.txt", timeout=LIMIT) as answer:
            equal(answer.read(), b"hello\n")


@tap.test
def a_signal_ends_it():
    with folder() as here:
        for number in (signal.SIGTERM, signal.SIGINT):
            with serve(ANY, str(here)) as s:
                s.get("a.txt")
                equal(s.stop(number), (0, {"requests": 1}, ""))


@tap.test
def a_download_is_finished_first():
    with folder() as here:
        with open(here / "big", "wb") as f:
            f.truncate(64 << 20)
        with serve(ANY, str(here)) as s, urllib.request.urlopen(s.urls[0] + "big", timeout=LIMIT) as answer:
            got = len(answer.read(1000))
            s.process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
            equal(s.process.poll(), None)
            got += len(answer.read())
            equal(got, 64 << 20)
            equal(s.process.wait(LIMIT), 0)


@tap.test
def a_second_signal_ends_downloads():
    with folder() as here:
        with open(here / "big", "wb") as f:
            f.truncate(64 << 20)
        with serve(ANY, str(here)) as s, urllib.request.urlopen(s.urls[0] + "big", timeout=LIMIT) as answer:
            answer.read(1000)
            s.process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
            s.process.send_signal(signal.SIGTERM)
            equal(s.process.wait(LIMIT), 0)


@tap.test
def directories_are_listed_if_that_is_asked_for():
    with folder() as here, serve(ANY, "--list", str(here)) as s:
        page = s.get()
        matches('<a href="./sub/">sub/</a>', page)
        assert "secret" not in page, page


@tap.test
def it_listens_on_several_addresses():
    with folder() as here, serve(ANY, ANY, f"--listen=http+unix://{here}/socket", str(here)) as s:
        equal(s.get("a.txt", 0), s.get("a.txt", 1))
        assert s.urls[0] != s.urls[1], s.urls
        with socket.socket(socket.AF_UNIX) as c:
            c.settimeout(LIMIT)
            c.connect(f"{here}/socket")
            c.sendall(b"GET /a.txt HTTP/1.0\r\n\r\n")
            with c.makefile("rb") as answer:
                assert answer.read().endswith(b"\r\n\r\nhello\n")


@tap.test
def short_addresses_will_do():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with folder() as here:
        for address in (f"{port}", f"127.0.0.1:{port}"):
            with serve(f"--listen={address}", str(here)) as s:
                equal(s.urls, [f"http://127.0.0.1:{port}/"])
                equal(s.get("a.txt"), "hello\n")
                s.stop()


@tap.test
def several_loops_serve():
    with folder() as here, serve(ANY, "--loops=3", str(here)) as s:
        equal(s.said["loops"], 3)
        for _ in range(30):
            equal(s.get("a.txt"), "hello\n")
        equal(s.stop(), (0, {"requests": 30}, ""))


@tap.test
def bad_metrics_would_be_found():
    head = "# HELP a b\n# TYPE a {}\n"
    good = head.format("histogram") + 'a_bucket{le="1"} 1\na_bucket{le="+Inf"} 2\na_sum 3\na_count 2\n'
    equal(len(prometheus.check(good)), 3)
    for text in (good[:-1], good.replace("+Inf", "2"), good.replace("count 2", "count 3"),
                 good.replace("} 1", "} 9"), good.replace("a_sum 3\n", ""), "a 1\n", head.format("figure") + "a 1\n",
                 head.format("gauge") + "a 1\na 2\n", head.format("gauge") + "a{b=c} 1\n",
                 head.format("gauge") + 'a{b="\\x"} 1\n', head.format("counter") + "a -1\n",
                 head.format("gauge") + "a 1\n" + head.format("gauge").replace(" a ", " c ") + 'c 1\na{b="c"} 1\n'):
        try:
            prometheus.check(text)
        except AssertionError:
            continue
        raise AssertionError(f"seems good: {text}")


@tap.test
def metrics_are_told():
    with folder() as here, serve(ANY, "--metrics=/m", "--loops=2", str(here)) as s:
        for _ in range(3):
            s.get("a.txt")
        found = prometheus.check(s.get("m"))
        equal(sorted(labels["loop"] for labels, _ in found["ramet_run_queue"]), ["1", "2"])
        assert sum(value for _, value in found["ramet_spawned_total"]) > 4, found
        assert found["ramet_descriptors"][0][1] >= 2, found
        equal(found["ramet_helpers_limit"][1], ({"lane": "file"}, 64))


@tap.test
def tls_is_spoken():
    if not shutil.which("openssl"):
        return "there is no openssl"
    with folder() as here:
        cert, key = here / "cert.pem", here / ".key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-out", cert], check=True, capture_output=True, timeout=LIMIT)
        with serve("--listen=127.0.0.1:0", f"--tls={cert},{key}", str(here)) as s:
            matches("^https://", s.urls[0])
            equal(s.get("a.txt", context=ssl.create_default_context(cafile=cert)), "hello\n")
            equal(s.stop()[0], 0)
        refused(ANY, f"--tls={key},{cert}", str(here), why="cannot be used", status=1)
    return None


@tap.test
def answers_are_logged():
    with folder() as here, serve(ANY, "--log", str(here)) as s:
        s.get("a.txt")
        matches(r'^127\.0\.0\.1 - - \[.*\] "GET /a\.txt HTTP/1\.1" 200 6 ', s.stop()[2])


@tap.test
def people_are_told_where():
    with folder() as here:
        p = subprocess.Popen([RAMET, "serve", ANY, here], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        lines = [p.stdout.readline() for _ in range(2)]
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=LIMIT)
        equal((p.returncode, out, lines[0]), (0, "", f"{here.resolve()} is served at\n"))
        matches(r"^  http://127\.0\.0\.1:\d+/\n$", lines[1])
        matches(r"^ramet serve: stopped by Ctrl-C; .*\nramet serve: 0 requests were answered\n$", err)


@tap.test
def terminals_have_colours_unless_asked_not_to():
    with folder() as here:
        for no_colour in ("", "1"):
            ours, theirs = pty.openpty()
            p = subprocess.Popen([RAMET, "serve", ANY, here], stdin=subprocess.DEVNULL, stdout=theirs,
                                 stderr=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": no_colour})
            os.close(theirs)
            shown = b""
            while b"stops it" not in shown:
                assert select.select([ours], [], [], LIMIT)[0], shown
                shown += os.read(ours, 4096)
            p.terminate()
            equal(p.wait(LIMIT), 0)
            os.close(ours)
            equal(b"\033[1mhttp://" in shown, not no_colour)


@tap.test
def quiet_says_nothing():
    with folder() as here:
        p = subprocess.Popen([RAMET, "serve", "--quiet", f"--listen=http+unix://{here}/s", here],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + LIMIT
        while not (here / "s").exists():
            assert time.monotonic() < end, "it does not listen"
            time.sleep(0.02)
        p.terminate()
        equal((p.communicate(timeout=LIMIT), p.returncode), (("", ""), 0))


@tap.test
def a_port_that_is_taken_is_said():
    with folder() as here, serve(ANY, str(here)) as s:
        taken = s.urls[0].rstrip("/")
        refused("--listen=192.0.2.1:80", str(here), why="no address of this machine", status=1)
        left = here / "left"
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(left))
        refused(f"--listen=http+unix://{left}", str(here), why="has left it behind; remove it", status=1)
        for loops in ("1", "2"):
            refused(f"--listen={taken}", f"--loops={loops}", str(here), why=f"^ramet serve: {taken} is taken: ",
                    status=1)


@tap.test
def mistakes_are_explained():
    with folder() as here:
        at = str(here)
        for args, why in (([], "no directory to serve"), ([at, at], "one directory"),
                          ([f"{at}/none"], "No such file"), ([f"{at}/a.txt"], "is not a directory"),
                          (["--listen=nonsense:x", at], "is no address"), (["--listen=ftp://a:1", at], "is no address"),
                          (["--listen=https://127.0.0.1:0", at], "needs a certificate"),
                          (["--tls=one", at], "is not two files"), (["--loops=x", at], "no number from 0 to 1024"),
                          (["--loops=-1", at], "no number"), (["--metrics=m", at], "is no path"), (["--listen"], "needs a value"),
                          (["--nonsense", at], 'no option --nonsense; "ramet help serve"'), (["-x", at], "no option -x"),
                          (["--log=3", at], "takes no value"),
                          (["--listen=http+unix://" + 120 * "/a", at], "is no path")):
            refused(*args, why=why)


@tap.test
def it_explains_itself():
    text = subprocess.run([RAMET, "serve", "--help"], check=True, capture_output=True, text=True, timeout=LIMIT).stdout
    also = subprocess.run([RAMET, "help", "serve"], check=True, capture_output=True, text=True, timeout=LIMIT).stdout
    equal(text, also)
    for option in ("--listen", "--tls", "--loops", "--list", "--log", "--quiet", "--json", "--metrics"):
        assert option in text, text
    equal([line for line in text.splitlines() if len(line) > 82 or "\t" in line], [])


@tap.test
def it_is_one_file():
    with folder() as here, tempfile.TemporaryDirectory() as elsewhere:
        copy = shutil.copy(RAMET, elsewhere)
        p = subprocess.run([copy, "serve", f"{here}/none"], capture_output=True, text=True, timeout=LIMIT)
        equal(p.returncode, 2)
        matches("No such file", p.stderr)


if __name__ == "__main__":
    sys.exit(tap.run(sys.argv[2:]))
