#!/usr/bin/python3
"""Run every example as a user does and check what it prints.

usage: tests/examples_test.py FOLDER [NAME...]

FOLDER holds the examples as built; NAMEs are tests, all without.  The output is
TAP.  TEST_TIMEOUT=n gives n times the time.
"""
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import pty
import re
import select
import socket
import subprocess
import sys
import threading
import time
import traceback

SLOW = float(os.environ.get("TEST_TIMEOUT", 1))
LIMIT = 20 * SLOW  # seconds for anything that is waited for
FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/gcc/examples").resolve()
PAGES = ["--pages", "300", "--at-once", "100"]
DEMO = ["--demo", *PAGES, "--deadline", "3" if SLOW == 1 else "10"]
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def equal(got, want):
    assert got == want, f"{got!r} is not {want!r}"


def run(name, *args, **options):
    """Returns (exit status, standard output, standard error)."""
    p = subprocess.run([FOLDER / name, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=LIMIT, **options)
    return p.returncode, p.stdout, p.stderr


@contextlib.contextmanager
def server(name):
    """Run an example that prints its port first; gives the port."""
    p = subprocess.Popen([FOLDER / name, "tcp://127.0.0.1:0"], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, text=True)
    try:
        assert select.select([p.stdout], [], [], LIMIT)[0], f"{name} does not say its port"
        yield int(re.fullmatch(r"port (\d+)\n", p.stdout.readline())[1])
        equal(p.poll(), None)
    finally:
        p.kill()
        p.wait()
        p.stdout.close()


class Client:
    """A connection that sends and expects lines."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT)
        self.file = self.socket.makefile("rw", newline="\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def say(self, line):
        self.file.write(line + "\n")
        self.file.flush()

    def line(self):
        return self.file.readline().rstrip("\n")


@contextlib.contextmanager
def answering(reply):
    """A server that sends each client `reply` and closes; None: it never does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    kept.append(client)
                    if reply is not None:
                        client.recv(65536) if reply.startswith(b"HTTP") else None
                        client.sendall(reply)
                        client.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(LIMIT)
            for client in kept:
                client.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"x" * 1234
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Length", len(body))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def web():
    """A web server of the standard library; gives its port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as s:
        thread = threading.Thread(target=s.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield s.server_port
        finally:
            s.shutdown()
            thread.join(LIMIT)


# ---- the small ones ------------------------------------------------------------


@test
def jobs_get_what_comes_in_time():
    start = time.monotonic()
    status, out, err = run("jobs")
    took = time.monotonic() - start
    equal((status, err), (0, ""))
    results = [line.split(None, 1)[1].strip() for line in out.splitlines()]
    equal(results, ["13 bytes  Success"] * 2 + ["0 bytes  Operation canceled"])
    assert 1.9 < took < 2.5 + 2 * SLOW, f"took {took} s"


@test
def jobs_fail_one_by_one():
    with answering(b"x" * 100_000) as port:
        gone = free_port()
        status, out, _ = run("jobs", f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{gone}", "nonsense")
    equal(status, 0)
    equal([line.split(None, 1)[1] for line in out.splitlines()],
          ["100000 bytes  Success", "0 bytes  Connection refused", "0 bytes  Invalid argument"])


@test
def echo_serves_two_clients_at_once():
    with server("echo") as port, Client(port) as a, Client(port) as b:
        for i in range(3):
            a.say(f"a{i}")
            b.say(f"b{i}")
            equal((b.line(), a.line()), (f"b{i}", f"a{i}"))


@test
def echo_says_why_it_cannot_listen():
    status, out, err = run("echo", "nonsense")
    equal((status, out, err), (1, "", "echo: cannot listen: Invalid argument\n"))


@test
def ping_never_notices_that_pong_fails():
    status, out, err = run("supervised")
    failed = "        (pong has failed; here is a fresh one)\n"
    want = "".join((failed if n % 4 == 1 and n > 1 else "") + f"ping {n:2}  pong {n + 1:2}\n"
                   for n in range(1, 16, 2))
    equal((status, err), (0, ""))
    equal(out, want)


@test
def chat_passes_lines_to_all_others():
    with server("chat") as port, Client(port) as ann, Client(port) as bob, Client(port) as eve:
        ann.say("ann")
        time.sleep(0.1 * SLOW)
        bob.say("bob")
        equal(ann.line(), "bob is here")
        eve.say("eve")
        equal(ann.line(), "eve is here")
        equal(bob.line(), "eve is here")
        bob.say("hello")
        equal(ann.line(), "bob says: hello")
        equal(eve.line(), "bob says: hello")
        ann.say("hello bob")
        equal(bob.line(), "ann says: hello bob")
        equal(eve.line(), "ann says: hello bob")
        eve.socket.shutdown(socket.SHUT_WR)
        equal(ann.line(), "eve has left")
        equal(bob.line(), "eve has left")


@test
def chat_is_not_held_up_by_a_slow_reader():
    with server("chat") as port, Client(port) as ann, Client(port) as bob, Client(port) as slow:
        bob.say("bob")
        slow.say("slow")
        equal(bob.line(), "slow is here")
        ann.say("ann")
        equal(bob.line(), "ann is here")
        for _ in range(200):  # 40 MB are more than socket buffers hold
            ann.file.write(("x" * 150 + "\n") * 1000)
        ann.file.flush()
        for i in range(int(LIMIT / 0.1)):
            ann.say(f"end {i}")
            if any_line(bob, "ann says: end"):
                return
        raise AssertionError("nothing comes any more")


def any_line(client, start):
    """Whether a line that starts so comes within a tenth of a second of silence."""
    while select.select([client.socket], [], [], 0.1)[0]:
        if client.line().startswith(start):
            return True
    return False


@test
def sieve_finds_the_first_primes():
    equal(run("sieve", "10"), (0, "2\n3\n5\n7\n11\n13\n17\n19\n23\n29\n", ""))
    equal(run("sieve")[1].split()[-1], "97")
    equal(run("sieve", "0"), (0, "", ""))


@test
def sieve_chains_a_thousand_filters():
    equal(run("sieve", "300" if SLOW > 1 else "1000")[1].split()[-1], "1987" if SLOW > 1 else "7919")


@test
def resolve_prints_an_address_for_each_name():
    status, out, err = run("resolve", "localhost", "127.0.0.2", "::1")
    equal((status, err), (0, ""))
    names, addresses = zip(*(line.split() for line in out.splitlines()))
    equal(names, ("localhost", "127.0.0.2", "::1"))
    assert addresses[0] in ("127.0.0.1", "::1"), addresses
    equal(addresses[1:], ("127.0.0.2", "::1"))


# ---- crawl ---------------------------------------------------------------------


def group_alive(group):
    """Whether a process of this group, zombies apart, still runs."""
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                return True
    return False


def gone_soon(group):
    end = time.monotonic() + LIMIT
    while group_alive(group):
        assert time.monotonic() < end, "a process is left over"
        time.sleep(0.02)


@test
def crawl_demo_ends_with_a_table():
    status, out, err = run("crawl", *DEMO)
    equal((status, err), (0, ""))
    assert "\033" not in out, out
    equal(out.splitlines()[1], f"  300 pages, 100 at a time, one deadline of {DEMO[-1]} s")
    rows = dict(re.findall(r"^  (\w[\w ]*?)  +(\S+(?: s| MiB)?)\b", out, re.M))
    equal([rows[k] for k in ("fetched", "timed out", "failed")], ["299", "1", "0"])
    assert abs(float(rows["time"].split()[0]) - float(DEMO[-1])) < 0.5 * SLOW, out
    equal(rows["green threads"], "102")
    assert 3 < float(rows["system calls"]) < 30, out


@test
def crawl_needs_one_os_thread():
    if b"__tsan_init" in (FOLDER / "crawl").read_bytes():
        return "ThreadSanitizer adds a thread"
    status, out, _ = run("crawl", *DEMO, "--json")
    result = json.loads(out)
    equal(status, 0)
    equal([result[k] for k in ("pages", "fetched", "timed_out", "failed", "os_threads", "green_threads")],
          [300, 299, 1, 0, 1, 102])
    assert result["one_by_one_seconds"] > 10 * result["last_page_seconds"] / SLOW, out


@test
def crawl_fetches_urls():
    with web() as port:
        status, out, err = run("crawl", f"http://127.0.0.1:{port}", f"http://localhost:{port}/")
    equal((status, err), (0, ""))
    equal([re.sub(r"[\d.]+ s", "N s", " ".join(line.split())) for line in out.splitlines()],
          [f"200 1,234 bytes N s http://127.0.0.1:{port}", f"200 1,234 bytes N s http://localhost:{port}/",
           "2 fetched, 0 timed out, 0 failed in N s"])


@test
def crawl_says_which_url_failed_and_why():
    gone = free_port()
    with web() as port, answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort") as cut:
        urls = [f"http://127.0.0.1:{port}/none", f"http://127.0.0.1:{gone}/", f"http://127.0.0.1:{cut}/"]
        status, out, _ = run("crawl", *urls)
    equal(status, 1)
    for line, why in zip(out.splitlines(), ["(refused)", "(Connection refused)", "(cut short)"]):
        assert line.endswith(why), out
    equal([line[:3] for line in out.splitlines()[:3]], ["404", "  -", "200"])


@test
def crawl_gives_up_at_the_deadline():
    with answering(None) as silent, web() as port:
        start = time.monotonic()
        status, out, _ = run("crawl", "--deadline", "0.5", "--json", f"http://127.0.0.1:{silent}/",
                             f"http://127.0.0.1:{port}/")
        took = time.monotonic() - start
    equal(status, 1)
    assert 0.4 < took < 1 + SLOW, f"took {took} s"
    equal([u["state"] for u in json.loads(out)["urls"]], ["timed out", "fetched"])


@test
def crawl_refuses_wrong_arguments():
    for args in ([], ["--nonsense"], ["--demo", "--pages", "0"], ["--demo", "--pages", "1.5"],
                 ["--demo", "--pages", "x"], ["--demo", "--at-once", "-1"], ["--demo", "--deadline", "0"],
                 ["--demo", "http://127.0.0.1/"], ["--pages", "3", "http://127.0.0.1/"],
                 ["ftp://127.0.0.1/"], ["http://"], ["http://[::1/"], ["http://a:b/"], ["--pages"]):
        status, out, err = run("crawl", *args)
        equal((args, status, out), (args, 2, ""))
        assert "crawl" in err, err


@test
def crawl_explains_itself():
    status, out, err = run("crawl", "--help")
    equal((status, err), (0, ""))
    for option in ("--demo", "--pages", "--at-once", "--deadline", "--json"):
        assert option in out, out


@test
def crawl_says_when_descriptors_are_short():
    p = subprocess.run(["sh", "-c", 'ulimit -n 60 && exec "$0" "$@"', FOLDER / "crawl", *DEMO],
                       capture_output=True, text=True, timeout=LIMIT)
    equal((p.returncode, p.stdout), (1, ""))
    assert "124 file descriptors" in p.stderr and "is 60" in p.stderr, p.stderr


def on_terminal(*args, **env):
    """Run crawl with a terminal as standard error; returns what it shows."""
    ours, theirs = pty.openpty()
    p = subprocess.Popen([FOLDER / "crawl", *args], stdout=subprocess.PIPE, stderr=theirs,
                         env={**os.environ, "LC_ALL": "C.UTF-8", **env})
    os.close(theirs)
    shown, end = b"", time.monotonic() + LIMIT
    try:
        while time.monotonic() < end and select.select([ours], [], [], LIMIT)[0]:
            shown += os.read(ours, 65536)
    except OSError:  # EIO: the other end is closed
        pass
    finally:
        os.close(ours)
        p.kill()
        out, _ = p.communicate()
    assert b"\033" not in out, out
    return shown.decode()


@test
def crawl_shows_progress_on_a_terminal():
    shown = on_terminal(*DEMO, NO_COLOR="")
    assert re.search(r"\u2501.*\d+ of 300 pages, \d+ on their way", shown), shown
    assert "\033[32m" in shown
    assert shown.endswith("\r\033[K"), shown[-100:]


@test
def crawl_uses_no_colour_if_asked():
    shown = on_terminal(*DEMO, NO_COLOR="1")
    assert "300 pages" in shown
    equal(set(re.findall(r"\033\[[\d;]*[A-Za-z]", shown)), {"\033[K"})


@test
def crawl_leaves_no_server_behind():
    for kill in (False, True):
        p = subprocess.Popen([FOLDER / "crawl", "--demo", "--pages", "300", "--deadline", "0.7"],
                             stdout=subprocess.PIPE, start_new_session=True)
        if kill:
            time.sleep(0.2)
            equal(p.poll(), None)
            p.kill()
        out, _ = p.communicate(timeout=LIMIT)
        assert kill or b"300 pages" in out, out
        gone_soon(p.pid)


@test
def origin_keeps_connections():
    with server("origin") as port:
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
        sizes = []
        for path, status in (("/page/1", 200), ("/nothing", 404), ("/page/2", 200), ("/page/1", 200)):
            c.request("GET", path)
            answer = c.getresponse()
            equal(answer.status, status)
            sizes.append(len(answer.read()))
        assert sizes[0] == sizes[3] != sizes[2] and sizes[1] == 0, sizes
        c.close()


def main():
    chosen = [t for t in TESTS if not sys.argv[2:] or t.__name__ in sys.argv[2:]]
    failed = 0
    print(f"1..{len(chosen)}")
    for number, function in enumerate(chosen, 1):
        skipped = None
        try:
            skipped = function()
            verdict = "ok"
        except Exception:
            traceback.print_exc()
            verdict = "not ok"
            failed += 1
        print(f"{verdict} {number} - {function.__name__}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
