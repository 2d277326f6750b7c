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
import tempfile
import threading
import time

import tap

SLOW = float(os.environ.get("TEST_TIMEOUT", 1))
LIMIT = 60 * SLOW  # seconds for anything that is waited for, however busy the machine
FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/gcc/examples").resolve()
SOURCES = pathlib.Path(__file__).resolve().parent.parent
DEMO = ["--demo", "--pages", "200", "--at-once", "100"]  # all come, the last after half a second
SILENT = ["--demo", "--pages", "300", "--at-once", "100"]  # page 250 does not
NO_DEADLINE = ["--deadline", str(int(LIMIT))]


def equal(got, want):
    assert got == want, f"{got!r} is not {want!r}"


def run(name, *args, **options):
    """Returns (exit status, standard output, standard error)."""
    p = subprocess.run([FOLDER / name, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=LIMIT, **options)
    return p.returncode, p.stdout, p.stderr


def until(attempt):
    """Call attempt until it returns true: what has a time limit of its own is late now and then."""
    end = time.monotonic() + LIMIT
    while not attempt():
        assert time.monotonic() < end, "never happens"
        time.sleep(0.02)


@contextlib.contextmanager
def server(name, *options, address="tcp://127.0.0.1:0"):
    """Run an example that prints its port first; gives the port."""
    p = subprocess.Popen([FOLDER / name, *options, address], stdin=subprocess.DEVNULL,
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
    """A connection that sends and expects lines, to a port or an abstract UNIX address."""

    def __init__(self, to):
        if isinstance(to, int):
            self.socket = socket.create_connection(("127.0.0.1", to), LIMIT)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(LIMIT)
            self.socket.connect("\0" + to)
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

    def lines(self):
        """Those that are there, at least one unless it is the end; past what line() has read ahead."""
        text = more = self.socket.recv(1 << 20)
        while more and not text.endswith(b"\n"):
            more = self.socket.recv(1 << 20)
            text += more
        return text.decode().splitlines()


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


@contextlib.contextmanager
def refusing():
    """A port that is taken, but nobody listens there."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        yield s.getsockname()[1]


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


def jobs(*addresses):
    """Returns {address: what came of its jobs}, in the order of ending."""
    status, out, err = run("jobs", *addresses)
    equal((status, err), (0, ""))
    results = {}
    for line in out.splitlines():
        address, result = line.split(None, 1)
        results.setdefault(address, []).append(result)
    return results


@tap.test
def jobs_get_what_comes_in_time():
    def attempt():
        start = time.monotonic()
        (results,) = jobs().values()
        took = time.monotonic() - start
        assert took >= 2, f"took {took} s"
        assert len(results) == 3 and "0 bytes  Operation canceled" in results, results
        return results == ["13 bytes  Success"] * 2 + ["0 bytes  Operation canceled"]

    until(attempt)


@tap.test
def jobs_fail_one_by_one():
    with answering(b"x" * 100_000) as port, refusing() as gone:
        serves, refuses = f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{gone}"
        want = {serves: ["100000 bytes  Success"], refuses: ["0 bytes  Connection refused"],
                "nonsense": ["0 bytes  Invalid argument"]}
        until(lambda: jobs(serves, refuses, "nonsense") == want)


@tap.test
def shop_is_stuck_and_says_so():
    status, _, err = run("shop", "stuck", env={**os.environ, "RAMET_DEADLOCK": "exit"})
    equal(status, 86)
    assert re.search(r'"buy" waits for mutex 0x\w+, held by ramet 3 "refund", at trade', err), err
    assert re.search(r'"refund" waits for mutex 0x\w+, held by ramet 2 "buy", at trade', err), err


@tap.test
def echo_serves_two_clients_at_once():
    with server("echo") as port, Client(port) as a, Client(port) as b:
        for i in range(3):
            a.say(f"a{i}")
            b.say(f"b{i}")
            equal((b.line(), a.line()), (f"b{i}", f"a{i}"))


@tap.test
def echo_serves_from_several_loops():
    with server("echo", "--loops", "3") as port:
        for i in range(30):
            with Client(port) as client:
                client.say(f"c{i}")
                equal(client.line(), f"c{i}")


@tap.test
def echo_says_why_it_cannot_listen():
    status, out, err = run("echo", "nonsense")
    equal((status, out, err), (1, "", "echo: cannot listen: Invalid argument\n"))


@tap.test
def ping_never_notices_that_pong_fails():
    status, out, err = run("supervised")
    failed = "        (pong has failed; here is a fresh one)\n"
    want = "".join((failed if n % 4 == 1 and n > 1 else "") + f"ping {n:2}  pong {n + 1:2}\n"
                   for n in range(1, 16, 2))
    equal((status, err), (0, ""))
    equal(out, want)


@tap.test
def ping_and_pong_answer_each_other():
    for times in (0, 1, 3, 1000):
        want = "".join(("pong" if n else "start") + "\nping\n" for n in range(times))
        equal(run("pingpong", str(times)), (0, want, ""))


def enter(client, name, *others):
    """Give a chat client its name; who has read that it is here will hear the rest."""
    client.say(name)
    for c in (client, *others):
        equal(c.line(), f"{name} is here")


@tap.test
def chat_passes_lines_to_all():
    with server("chat") as port, Client(port) as ann, Client(port) as bob, Client(port) as eve:
        enter(ann, "ann")
        enter(bob, "bob", ann)
        enter(eve, "eve", ann, bob)
        for speaker, name in ((bob, "bob"), (ann, "ann"), (bob, "bob")):
            speaker.say("hello")
            for c in (ann, bob, eve):
                equal(c.line(), f"{name} says: hello")
        eve.socket.shutdown(socket.SHUT_WR)
        for c in (ann, bob):
            equal(c.line(), "eve has left")
        equal(eve.line(), "")  # the end


@tap.test
def chat_takes_lines_however_they_come():
    with server("chat") as port, Client(port) as ann, Client(port) as bob:
        enter(ann, "ann")
        bob.socket.sendall(b"bob\r\n\r\none\ntw")
        equal([ann.line() for _ in range(2)], ["bob is here", "bob says: one"])
        bob.socket.sendall(b"o\n" + b"x" * 300 + b"\nthree")
        bob.socket.shutdown(socket.SHUT_WR)
        for text in ("two", "x" * 199, "x" * 101, "three"):
            equal(ann.line(), f"bob says: {text}")
        equal(ann.line(), "bob has left")


def spoken(size):
    """Numbered lines of that many bytes."""
    return [f"{n:07} {'x' * 180}" for n in range(size // 180)]


def catch_up(client, ann):
    """Have ann, who is now heard by nobody, speak on until the client hears it; returns what it heard before."""
    heard = []
    while "ann says: more" not in heard:
        ann.say("more")
        lines = client.lines()
        assert lines, "cut off"
        heard += lines
    return heard[:heard.index("ann says: more")]


def check_missing(heard, said):
    """Some lines are missing, but those that came are whole and in order."""
    assert 0 < len(heard) < len(said), f"{len(heard)} of {len(said)} lines"
    equal(heard, sorted({f"ann says: {text}" for text in said} & set(heard)))


@tap.test
def chat_is_not_held_up_by_a_slow_reader():
    address = f"chat-{os.getpid()}"  # a UNIX socket: it keeps little, and one knows how much
    with server("chat", address=f"unix://@{address}"), Client(address) as ann, Client(address) as bob, \
            Client(address) as slow:
        enter(ann, "ann")
        enter(bob, "bob", ann)
        enter(slow, "slow", ann, bob)
        said = spoken(slow.socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF))
        for text in said:
            ann.say(text)
            equal((ann.line(), bob.line()), (f"ann says: {text}",) * 2)
        check_missing(catch_up(slow, ann), said)


@tap.test
def chat_drops_whole_lines_when_all_read_slowly():
    send_buffer = int(pathlib.Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])  # at most
    with server("chat") as port, Client(port) as ann, Client(port) as bob:
        enter(ann, "ann")
        enter(bob, "bob", ann)
        said = spoken(send_buffer + bob.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
        ann.say("\n".join(said))
        catch_up(ann, ann)  # all has been said
        check_missing(catch_up(bob, ann), said)


@tap.test
def sieve_finds_the_first_primes():
    equal(run("sieve", "10"), (0, "2\n3\n5\n7\n11\n13\n17\n19\n23\n29\n", ""))
    equal(run("sieve")[1].split()[-1], "97")
    equal(run("sieve", "0"), (0, "", ""))


@tap.test
def sieve_chains_a_thousand_filters():
    equal(run("sieve", "300" if SLOW > 1 else "1000")[1].split()[-1], "1987" if SLOW > 1 else "7919")


def fnv1a(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 % 2**64
    return value


@tap.test
def hash_tree_hashes_while_others_answer():
    with tempfile.TemporaryDirectory() as folder:
        files = {f"{folder}/{'deep/' * (n % 3)}{n}": bytes(range(n)) * n for n in range(100)}
        for path, data in files.items():
            pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path(path).write_bytes(data)
        pathlib.Path(folder, "large").write_bytes(bytes(10_000_000))  # long enough for some questions
        status, out, err = run("hash_tree", folder)
        equal((status, err), (0, ""))
        *lines, last = out.splitlines()
        hashes = {path: value for value, path in (line.split("  ", 1) for line in lines)}
        del hashes[f"{folder}/large"]
        equal(hashes, {path: f"{fnv1a(data):016x}" for path, data in files.items()})
        m = re.fullmatch(r"101 files; 1,000 green threads gave (\d+) answers, the worst after ([\d.]+) ms", last)
        assert m and int(m[1]) > 0 and float(m[2]) > 0, last


@tap.test
def hash_tree_says_when_there_is_no_tree():
    status, out, err = run("hash_tree", "/nonexistent")
    equal((status, out.split(";")[0], err), (1, "0 files", ""))


@tap.test
def pipeline_lets_nobody_run_ahead():
    status, out, err = run("pipeline")
    equal((status, err), (0, ""))
    rows = [[int(word) for word in re.findall(r"\d+", line)] for line in out.splitlines()]
    equal([row[2] for row in rows], [10, 20, 30, 40, 50])
    for read, packed, sent, *waiting in rows:
        # Of each stage: a full queue, one in hand, and one that waits for room.
        assert sent <= packed <= sent + 6 and packed <= read <= packed + 6, out
        assert max(waiting) <= 4, out
    equal(rows[-1], [50, 50, 50, 0, 0])
    assert any(read > sent + 8 for read, _, sent, *_ in rows[:-1]), out


def no_localhost():
    """Why a test that looks the name up is skipped; "" if it need not be."""
    try:
        socket.getaddrinfo("localhost", None)
    except OSError as error:
        return f"localhost: {error.strerror}"
    return ""


@tap.test
def resolve_prints_an_address_for_each_name():
    if why := no_localhost():
        return why

    def attempt():
        status, out, err = run("resolve", "localhost", "127.0.0.2", "::1")
        equal(status, 0)
        names, addresses = zip(*(line.split(None, 1) for line in out.splitlines()))
        equal(names, ("localhost", "127.0.0.2", "::1"))
        return err == "" and addresses[0] in ("127.0.0.1", "::1") and addresses[1:] == names[1:]

    until(attempt)
    return ""


# ---- crawl ---------------------------------------------------------------------


def alive(group):
    """How many processes of this group run, zombies apart."""
    count = 0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
            count += int(its_group) == group and state not in "ZX"
    return count


def table(*args):
    """Run crawl; returns (exit status, {label: value}) of the table it prints."""
    status, out, err = run("crawl", *args)
    equal(err, "")
    assert "\033" not in out, out
    assert re.match(r"\n  \d+ pages, 100 at a time, one deadline of [\d.]+ s\n\n", out), out
    return status, dict(re.findall(r"^  (\w[\w ]*?)  +(\S+(?: s| MiB)?)\b", out, re.M))


@tap.test
def crawl_demo_ends_with_a_table():
    status, rows = table(*DEMO, *NO_DEADLINE)
    equal(status, 0)
    equal([rows[k] for k in ("fetched", "timed out", "failed", "green threads")], ["200", "0", "0", "102"])
    assert 3 < float(rows["system calls"]) < 30, rows


@tap.test
def crawl_demo_waits_for_the_silent_page_till_the_deadline():
    for deadline in (3, 10, 30):
        status, rows = table(*SILENT, "--deadline", str(deadline))
        fetched, late = int(rows["fetched"]), int(rows["timed out"])
        equal((fetched + late, rows["failed"], status), (300, "0", 1 if late > 1 else 0))
        assert float(rows["time"].split()[0]) >= deadline, rows
        if late == 1:
            return
    raise AssertionError("more pages are late")


@tap.test
def crawl_needs_one_os_thread():
    if b"__tsan_init" in (FOLDER / "crawl").read_bytes():
        return "ThreadSanitizer adds a thread"
    status, out, _ = run("crawl", *DEMO, *NO_DEADLINE, "--json", env={**os.environ, "RAMET_WATCHDOG": "0"})
    result = json.loads(out)
    equal(status, 0)
    equal([result[k] for k in ("pages", "fetched", "timed_out", "failed", "os_threads", "green_threads")],
          [200, 200, 0, 0, 1, 102])
    assert result["one_by_one_seconds"] > 40, out  # the server sleeps so long


@tap.test
def crawl_fetches_urls():
    if why := no_localhost():
        return why
    with web() as port:
        status, out, err = run("crawl", *NO_DEADLINE, f"http://127.0.0.1:{port}", f"http://localhost:{port}/")
    equal((status, err), (0, ""))
    equal([re.sub(r"[\d.]+ s", "N s", " ".join(line.split())) for line in out.splitlines()],
          [f"200 1,234 bytes N s http://127.0.0.1:{port}", f"200 1,234 bytes N s http://localhost:{port}/",
           "2 fetched, 0 timed out, 0 failed in N s"])
    return ""


@tap.test
def crawl_says_which_url_failed_and_why():
    with web() as port, refusing() as gone, answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort") as cut:
        urls = [f"http://127.0.0.1:{port}/none", f"http://127.0.0.1:{gone}/", f"http://127.0.0.1:{cut}/"]
        status, out, _ = run("crawl", *NO_DEADLINE, *urls)
    equal(status, 1)
    for line, why in zip(out.splitlines(), ["(refused)", "(Connection refused)", "(cut short)"]):
        assert line.endswith(why), out
    equal([line[:3] for line in out.splitlines()[:3]], ["404", "  -", "200"])


@tap.test
def crawl_gives_up_at_the_deadline():
    with answering(None) as silent, web() as port:
        urls = [f"http://127.0.0.1:{silent}/", f"http://127.0.0.1:{port}/"]
        for deadline in (0.5, 5, 30):
            status, out, _ = run("crawl", "--deadline", str(deadline), "--json", *urls)
            equal(status, 1)
            result = json.loads(out)
            assert result["seconds"] >= deadline, out
            equal(result["urls"][0]["state"], "timed out")
            if result["urls"][1]["state"] == "fetched":
                return
    raise AssertionError("both pages are late")


@tap.test
def crawl_refuses_wrong_arguments():
    for args in ([], ["--nonsense"], ["--demo", "--pages", "0"], ["--demo", "--pages", "1.5"],
                 ["--demo", "--pages", "x"], ["--demo", "--at-once", "-1"], ["--demo", "--deadline", "0"],
                 ["--demo", "http://127.0.0.1/"], ["--pages", "3", "http://127.0.0.1/"],
                 ["ftp://127.0.0.1/"], ["http://"], ["http://[::1/"], ["http://a:b/"], ["--pages"]):
        status, out, err = run("crawl", *args)
        equal((args, status, out), (args, 2, ""))
        assert "crawl" in err, err


@tap.test
def crawl_explains_itself():
    status, out, err = run("crawl", "--help")
    equal((status, err), (0, ""))
    for option in ("--demo", "--pages", "--at-once", "--deadline", "--json"):
        assert option in out, out


@tap.test
def crawl_says_when_descriptors_are_short():
    p = subprocess.run(["sh", "-c", 'ulimit -n 60 && exec "$0" "$@"', FOLDER / "crawl", *DEMO],
                       capture_output=True, text=True, timeout=LIMIT)
    equal((p.returncode, p.stdout), (1, ""))
    assert "124 file descriptors" in p.stderr and "is 60" in p.stderr, p.stderr


def on_terminal(*args, wanted=None, **env):
    """Run crawl with a terminal as standard error; returns what it shows to the end, or till that is wanted."""
    ours, theirs = pty.openpty()
    p = subprocess.Popen([FOLDER / "crawl", *args], stdout=subprocess.PIPE, stderr=theirs,
                         env={**os.environ, "LC_ALL": "C.UTF-8", **env})
    os.close(theirs)
    shown, end = b"", time.monotonic() + LIMIT
    try:
        while not (wanted and re.search(wanted, shown.decode(errors="replace"))) and time.monotonic() < end:
            if select.select([ours], [], [], 1)[0]:
                shown += os.read(ours, 65536)
    except OSError:  # EIO: the other end is closed
        pass
    finally:
        os.close(ours)
        p.kill()
        out, _ = p.communicate()
    assert b"\033" not in out, out
    return shown.decode(errors="replace")


@tap.test
def crawl_shows_progress_on_a_terminal():
    wanted = r"\033\[32m\u2501.*\d+ of 300 pages, \d+ on their way"
    shown = on_terminal(*SILENT, *NO_DEADLINE, wanted=wanted, NO_COLOR="")
    assert re.search(wanted, shown), shown


@tap.test
def crawl_clears_the_progress_at_the_end():
    shown = on_terminal(*DEMO, *NO_DEADLINE)
    assert shown.endswith("\r\033[K"), shown[-100:]


@tap.test
def crawl_uses_no_colour_if_asked():
    shown = on_terminal(*SILENT, *NO_DEADLINE, wanted="300 pages", NO_COLOR="1")
    assert "300 pages" in shown
    equal(set(re.findall(r"\033\[[\d;]*[A-Za-z]", shown)), {"\033[K"})


@tap.test
def crawl_leaves_no_server_behind():
    for kill in (False, True):
        p = subprocess.Popen([FOLDER / "crawl", *SILENT, "--deadline", str(int(LIMIT) if kill else 1)],
                             stdout=subprocess.PIPE, start_new_session=True)
        if kill:
            until(lambda: alive(p.pid) == 2)
            p.kill()
        out, _ = p.communicate(timeout=LIMIT)
        assert kill or b"300 pages" in out, out
        until(lambda: alive(p.pid) == 0)


@tap.test
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


@tap.test
def side_by_side_compares_a_program_with_itself():
    ramet = FOLDER.parent / "tools" / "ramet" / "ramet"
    if not ramet.exists():
        return "no ramet run here"
    if "TSAN_OPTIONS" in os.environ:  # as tests/meson.build sets it for any of them
        return "a sanitizer and ramet run both come first"
    p = subprocess.run([sys.executable, SOURCES / "examples" / "side_by_side.py", FOLDER.parent, "30", "0.5"],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
    equal((p.returncode, p.stderr), (0, ""))
    rows = dict(re.findall(r"(?m)^(\w.*?)  +([\d,.]+  +[\d,.]+)$", p.stdout))
    plain, ours = zip(*([float(n.replace(",", "")) for n in row.split()] for row in rows.values()))
    equal(list(rows), ["OS threads, besides the watchdog", "messages per second", "CPU per message, us",
                       "context switches per message", "answer after, median, ms", "answer after, 99 %, ms", "resident memory, MiB",
                       "kernel stacks, all programs', MiB"])
    equal(plain[0], 31)
    assert 1 <= ours[0] < 10 and plain[1] > 0 < ours[1], p.stdout  # the runtime's helpers and the kernel's may be there
    assert plain[6] > 0 < ours[6], p.stdout
    return None


def workers_are_started_anew():
    status, out, err = run("workers", "40")
    equal((status, err), (0, ""))
    died = [f"{n} has killed its worker" for n in (7, 17, 27, 37)]
    doubled = [f"{n} doubled is {n + n}" for n in range(40) if n % 10 != 7]
    equal(sorted(out.splitlines()), sorted(died + doubled))


@tap.test
def mashup_returns_what_came_in_time():
    """Its own sources: the last two answer after seconds."""
    status, out, err = run("mashup", env={k: v for k, v in os.environ.items() if "proxy" not in k.lower()})
    equal((status, err), (0, ""))
    said = [line.split("/")[-1] for line in out.splitlines()]
    equal(said[3:5], ["5000: no answer", "10000: no answer"])
    for line, ms in zip(said[:3], (20, 80, 150)):  # however busy the machine: late is no answer
        assert line in (f"{ms}: said after {ms} ms", f"{ms}: no answer"), out
    equal(said[5:], [f"{sum('said' in line for line in said)} of 5"])


@tap.test
def mashup_asks_whom_it_is_told():
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n") as good, answering(None) as silent, \
            answering(b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno") as missing, refusing() as closed:
        urls = [f"http://127.0.0.1:{port}/" for port in (good, silent, missing, closed)] + ["nonsense"]
        status, out, err = run("mashup", *urls,
                               env={k: v for k, v in os.environ.items() if "proxy" not in k.lower()})
    equal((status, err), (0, ""))
    lines = out.splitlines()
    assert lines[0] in (f"{urls[0]}: hello", f"{urls[0]}: no answer"), out
    equal(lines[1:5], [f"{url}: no answer" for url in urls[1:]])


@tap.test
def workers_without_jobs_end():
    equal(run("workers", "0"), (0, "", ""))


if __name__ == "__main__":
    sys.exit(tap.run(sys.argv[2:]))
