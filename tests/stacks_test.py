#!/usr/bin/python3
"""Look at programs from outside, as users do: `ramet stacks` and `ramet top`.

usage: tests/stacks_test.py COMMAND FOLDER [NAME...]

COMMAND is ramet as built, FOLDER holds the programs of tests/stacks; NAMEs are
tests, all without.  The output is TAP.  TEST_TIMEOUT=n gives n times the time.
"""
import contextlib
import fcntl
import functools
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

import looking
import tap
from looking import LIMIT, equal, matches, running

RAMET = pathlib.Path(sys.argv[1]).resolve()
FOLDER = pathlib.Path(sys.argv[2]).resolve()
LIBRARY = RAMET.parents[2] / "src"


def waits(*args, **options):
    return running(FOLDER / "waits", *args, **options)


def ramet(*args, status=0, **options):
    """Returns (standard output, standard error)."""
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": LIMIT} | options
    p = subprocess.run([RAMET, *map(str, args)], **options)
    out, err = p.stdout.decode(), p.stderr.decode()
    assert p.returncode == status, (p.returncode, out, err)
    return out, err


def refused(*args, why, status=1, **options):
    """One sentence that says why."""
    out, err = ramet(*args, status=status, **options)
    equal(out, "")
    equal(err.count("\n"), 1)
    assert err.startswith(f"ramet {args[0]}: "), err
    matches(why, err)


def look(pid, command="stacks"):
    return json.loads(ramet(command, "--json", pid)[0])


def fall_asleep(pid):
    """It says that it is ready before it waits."""
    end = time.monotonic() + LIMIT
    while not look(pid)["loops"][0]["asleep"]:
        assert time.monotonic() < end


def by_name(seen):
    return {r["name"]: r for r in seen["ramets"]}


def frames(seen, r):
    return [f.get("function") for f in seen["stacks"][r["stack"]]["frames"]]


@functools.cache
def lacks_stacks():
    """Why this ramet shows no stacks; None: it does."""
    with waits() as p:
        whys = [r.get("no_stack", "") for r in look(p.pid)["ramets"]]
    return next((why for why in whys if "libdw" in why), None)


# What each ramet of waits.c, by its name, is said to wait for, and in which function of the library.
WAITS = {
    "mutex": ("mutex", r"^for mutex 0x\w+, held by ramet \d+ \"mutex holder\"$", "ramet_mutex_lock"),
    "rdlock": ("rwlock read", r"^to read-lock rwlock 0x\w+, held by ramet \d+ \"rwlock holder\"$", "ramet_rwlock_rdlock"),
    "once": ("once", r"^for once 0x\w+, run by ramet \d+ \"once runner\"$", "ramet_once"),
    "cond": ("condition", r"^for a signal on condition 0x\w+$", "ramet_cond_wait"),
    "sem": ("semaphore", r"^for semaphore 0x\w+$", "ramet_sem_wait"),
    "event": ("event", r"^for event 0x\w+$", "ramet_event_wait"),
    "wg": ("wait group", r"^for wait group 0x\w+$", "ramet_wg_wait"),
    "barrier": ("barrier", r"^at barrier 0x\w+, where 1 of 3 are$", "ramet_barrier_wait"),
    "recv": ("channel receive", r"^to receive from channel 0x\w+$", "ramet_chan_recv"),
    "get": ("queue get", r"^to get from queue 0x\w+$", "ramet_queue_get"),
    "future": ("future", r"^for future 0x\w+$", "ramet_future_get"),
    "place": ("pool place", r"^for a place in pool 0x\w+, 1 of 1 running, ramet \d+ among them$", "ramet_pool_spawn"),
    "joined": ("sleep", r"^for its sleep to end, (59|60) min left$", "ramet_sleep"),
    "join": ("join", r"^for ramet \d+ \"joined\" to end$", "ramet_join"),
    "group": ("group", r"^for its group, 1 running, ramet \d+ among them$", "ramet_group_wait"),
    "read": ("read", r"^to read from fd \d+ \(127.0.0.1:PORT to 127.0.0.1:\d+\), at most (59|60) min more$", "ramet_read"),
    "accept": ("read", r"^to read from fd \d+ \(listening at 127.0.0.1:PORT\)$", None),
    "poll": ("poll", r"^for one of the descriptors in pollfd 0x\w+$", None),
    "offload": ("offload", r"^for a helper thread to run blocks \(waits\)$", "ramet_offload"),
    "waker": ("waker", r"^for waker 0x\w+$", "ramet_waker_wait"),
    "post\toffice": ("actor", r"^for a message to actor 0x\w+ \"post\?office\"$", None),
    "main": ("read", r"^to read from fd 0 \(pipe\)$", "ramet_read"),
}


@tap.test
def each_kind_of_wait_is_told():
    if lacks_stacks():
        return lacks_stacks()
    with waits() as p:
        fall_asleep(p.pid)
        seen = look(p.pid)
        named, port = by_name(seen), re.search(r"port (\d+)", p.said)[1]
        for name, (kind, words, function) in WAITS.items():
            r = named[name]
            equal((name, r["state"], r["wait"]["kind"]), (name, "waiting", kind))
            matches(words.replace("PORT", port), r["wait"]["text"])
            if function:
                assert function in frames(seen, r), (name, frames(seen, r))
        equal(named["mutex"]["wait"]["holder_name"], "mutex holder")
        equal(named["accept"]["wait"]["local"], f"127.0.0.1:{port}")
        equal(named["mutex"]["parent"], named["main"]["id"])
        matches(r"^start\b", named["mutex"]["spawned_at"]["function"])
        assert 0 < named["mutex"]["stack_used"] < 4096, named["mutex"]
        equal(named["mutex"]["switches"], 1)
        assert 0 <= named["mutex"]["age_ns"] < 600e9, named["mutex"]
        # The frames end with the program's own, and have lines.
        last = seen["stacks"][named["once"]["stack"]]["frames"][-1]
        equal((last["function"], last["module"]), ("runs_once", "waits"))
        if "file" in last:  # there is debug information
            equal(last["file"], "waits.c")
            assert last["line"] > 1, last
        equal(sum(s["count"] for s in seen["stacks"]), len(seen["ramets"]))
        # Who sleeps in the same place is folded.
        count = seen["stacks"][named["joined"]["stack"]]["count"]
        equal(count, 5)


@tap.test
def text_has_the_same():
    if lacks_stacks():
        return lacks_stacks()
    with waits() as p:
        fall_asleep(p.pid)
        out, err = ramet("stacks", p.pid)
        equal(err, "")
        matches(rf"^28 ramets in process {p.pid} \(waits\)\n  thread {p.pid}: 28 ramets, 0 ready, \d+ switches, asleep\n",
                out)
        matches(r'ramet 3 "mutex" waiting for mutex 0x\w+, held by ramet 2 "mutex holder", for \d+ ms, stack \d+ bytes of '
                r"256 KiB, 1 switch, spawned by ramet 1 at start[\w.]*\+0x\w+ \(waits\)( at waits.c:\d+)?\n"
                r"    ramet_mutex_lock\+0x\w+ \(libramet\S*\)( at \S+)?\n    waits_mutex\+0x\w+ \(waits\)( at waits.c:\d+)?\n\n", out)
        matches(r"\n  5 ramets at\n    ramet_sleep\+", out)
        assert "\x1b" not in out and "\t" not in out, "what others chose reaches the terminal"


@tap.test
def ten_thousand_take_no_time_to_speak_of():
    if lacks_stacks():
        return lacks_stacks()
    with waits("10000", "20") as p:
        start = time.monotonic()
        out, _ = ramet("stacks", p.pid)
        print(f"# {time.monotonic() - start:.2f} s for 10,028 ramets", flush=True)
        matches(r"\n  10000 ramets at\n(    .*\n)+    recurses\S+ .*, 20 times\n", out)
        matches(r"\nand 9990 more \(--all shows them\)\n", out)
        equal(len(re.findall("(?m)^ramet ", ramet("stacks", "--all", p.pid)[0])), 10028)
        seen = look(p.pid)
        equal(len(seen["ramets"]), 10028)
        assert max(s["count"] for s in seen["stacks"]) == 10000
        equal(len(look(p.pid, "top")["ramets"]), 10028)


@tap.test
def symbols_are_not_needed():
    if lacks_stacks():
        return lacks_stacks()
    with tempfile.TemporaryDirectory(prefix="ramet-stacks-") as name:
        here = pathlib.Path(name)
        if not shutil.which("strip"):
            return "no strip"
        subprocess.run(["strip", "-o", here / "libramet.so.0", LIBRARY / "libramet.so.0"], check=True)
        subprocess.run(["strip", "-o", here / "waits", FOLDER / "waits"], check=True)
        with running(here / "waits", env=os.environ | {"LD_LIBRARY_PATH": name}) as p:
            seen = look(p.pid)
        r = by_name(seen)["mutex"]
        matches("held by ramet 2", r["wait"]["text"])
        called, caller = seen["stacks"][r["stack"]]["frames"]
        equal((called["function"], caller["module"], "function" in caller), ("ramet_mutex_lock", "waits", False))


@tap.test
def a_file_that_was_removed_is_read_still():
    if lacks_stacks():
        return lacks_stacks()
    with tempfile.TemporaryDirectory(prefix="ramet-stacks-") as name:
        copy = pathlib.Path(name) / "waits"
        shutil.copy(FOLDER / "waits", copy)
        with running(copy, env=os.environ | {"LD_LIBRARY_PATH": str(LIBRARY)}) as p:
            copy.unlink()
            seen = look(p.pid)
            r = by_name(seen)["mutex"]
            assert seen["stacks"][r["stack"]]["frames"], r
            matches("held by ramet 2", r["wait"]["text"])


@tap.test
def a_static_program_is_looked_at():
    if lacks_stacks() or not (FOLDER / "waits_static").exists():
        return lacks_stacks() or "there is no static program"
    with running(FOLDER / "waits_static") as p:
        seen = look(p.pid)
    r = by_name(seen)["mutex"]
    matches("held by ramet 2", r["wait"]["text"])
    equal(frames(seen, r), ["ramet_mutex_lock", "waits_mutex"])


@tap.test
def an_unmodified_program_is_looked_at():
    if lacks_stacks():
        return lacks_stacks()
    with running(RAMET, "run", FOLDER / "threads") as p:
        fall_asleep(p.pid)
        seen = look(p.pid)
        texts = [(r["wait"]["text"], frames(seen, r)) for r in seen["ramets"] if "wait" in r]
        equal(len(seen["ramets"]), 28)
        # The lock was passed on while it waited.
        owner, waiter = (next(r for r in seen["ramets"] if function in frames(seen, r))
                         for function in ("takes_over", "comes_last"))
        equal(waiter["wait"].get("holder"), owner["id"])
        for words, function in ((r"^for mutex 0x\w+, held by ramet \d+$", "waits_mutex"),
                                (r"^for a signal on condition 0x\w+$", "waits_cond"),
                                (r"^for its sleep to end, (59|60) min left$", "holds"),
                                (r"^to read from fd \d+ \(pipe\)$", "waits_read")):
            assert any(re.search(words, text) and function in where for text, where in texts), (words, texts)
        matches(r"as a pthread, to run waits_cond", ramet("stacks", p.pid)[0])
        matches(r"\n    read\+0x\w+ .*\n    waits_read", ramet("stacks", p.pid)[0])


@tap.test
def each_loop_is_shown():
    with waits("--loops") as p:
        for _ in range(100):
            seen = look(p.pid)
            if sum(r["name"] == "elsewhere" for r in seen["ramets"]) == 2:
                break
            time.sleep(0.05)
        equal(len(seen["loops"]), 3)
        equal(sorted(r["loop"] for r in seen["ramets"] if r["name"] == "elsewhere"), [1, 2])
        equal(len({loop["thread"] for loop in seen["loops"]}), 3)


@tap.test
def who_runs_is_not_stopped():
    if lacks_stacks():
        return lacks_stacks()
    with waits("--busy") as p:
        seen = look(p.pid)
        named = by_name(seen)
        equal(named["busy"]["state"], "running")
        matches("not stopped", named["busy"]["no_stack"])
        equal((named["late"]["state"], frames(seen, named["late"])), ("new", ["never_begins"]))
        equal((seen["loops"][0]["asleep"], seen["loops"][0]["ready"]), (False, 1))
        time.sleep(0.3)
        assert look(p.pid)["loops"][0]["lag_ns"] > 200e6
        with open(f"/proc/{p.pid}/status") as status:
            assert "\nTracerPid:\t0\n" in status.read()


@tap.test
def who_comes_and_goes_does_no_harm():
    with waits("--short") as p:
        for _ in range(10):
            seen = look(p.pid)
            named = by_name(seen)
            matches("held by ramet 2", named["mutex"]["wait"]["text"])
            equal(sum(r["name"] == "churn" for r in seen["ramets"]), 50)
            assert "damage" not in seen
        first, second = look(p.pid)["loops"][0], look(p.pid)["loops"][0]
        assert second["switches"] > first["switches"]


@tap.test
def what_cannot_be_looked_at_is_said():
    refused("stacks", why="one process", status=2)
    refused("stacks", "x", why='"x" is no process number', status=2)
    refused("top", "-1", why="no option", status=2)
    refused("top", "--sort=size", "1", why="they are id, name", status=2)
    refused("top", "--every=1", "1", why="from 50", status=2)
    refused("stacks", "--fast", "1", why="no option --fast;", status=2)
    refused("stacks", "--all", "-xy", "1", why='no option -x; "ramet help stacks"', status=2)
    refused("stacks", "--all=3", "1", why="--all=3: the option takes no value", status=2)
    refused("stacks", "--help=3", "1", why="--help=3: the option takes no value", status=2)
    refused("top", "--sort", why='--sort needs a value; "ramet help top"', status=2)
    refused("stacks", 2**22 + 1, why="there is no process.*ps -e")
    for command in "run", "serve", "stacks", "top", "trace", "console", "doctor":
        equal(ramet(command, "-h"), ramet("help", command))
    with running("/bin/sh", "-c", "echo ready; read line") as p:
        refused("stacks", p.pid, why=r"sh \(process \d+\) does not use ramet.*ramet run")
        refused("top", "--once", p.pid, why="does not use ramet")
        refused("top", p.pid, why="does not use ramet")
    with waits() as p:
        refused("top", p.pid, why="needs a terminal.*--once", status=2)
    refused("stacks", p.pid, why="there is no process|has ended")


@tap.test
def rights_are_asked_for_in_a_sentence():
    if os.geteuid() != 0:
        return "not root"
    with waits() as p:
        with tempfile.TemporaryDirectory(prefix="ramet-stacks-") as name:
            copy = shutil.copy(RAMET, name)
            os.chmod(name, 0o755)
            q = subprocess.run([copy, "stacks", str(p.pid)], user=65534, group=65534, extra_groups=[], capture_output=True,
                               text=True, timeout=LIMIT)
        equal((q.returncode, q.stdout, q.stderr.count("\n")), (1, "", 1))
        matches(r"may not be read[:;] .*as root", q.stderr)


def write_memory(pid, at, data):
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(at)
        memory.write(data)


def address_of_map(pid):
    """Of a program that has the library in itself, from its symbols."""
    out = subprocess.run(["nm", FOLDER / "waits_static"], capture_output=True, text=True, check=True).stdout
    where = int(re.search(r"^(\w+) \w ramet__map$", out, re.M)[1], 16)
    head = subprocess.run(["readelf", "-hW", FOLDER / "waits_static"], capture_output=True, text=True, check=True).stdout
    if "EXEC" in head:
        return where
    with open(f"/proc/{pid}/maps") as maps:
        return where + int(maps.readline().split("-")[0], 16)


@tap.test
def damage_is_bounded_and_told():
    if not (FOLDER / "waits_static").exists() or not shutil.which("nm"):
        return "there is no static program, or no nm"

    def read(pid, at, size=8):
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            memory.seek(at)
            return int.from_bytes(memory.read(size), "little")

    def values(pid, at):
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            memory.seek(at)
            header = memory.read(80)
            offset, size, count = struct.unpack_from("<III", header, 56)
            memory.seek(at + offset)
            rows = memory.read(size * count)
        cut = (rows[i * size:(i + 1) * size] for i in range(count))
        return {row[:28].rstrip(b"\0").decode(): struct.unpack_from("<I", row, 28)[0] for row in cut}

    # The process's own watchdog would follow the damaged list, too.
    with running(FOLDER / "waits_static", env={**os.environ, "RAMET_WATCHDOG": "0"}) as p:
        at = address_of_map(p.pid)
        v = values(p.pid, at)
        record = read(p.pid, read(p.pid, at + 40))
        loop = read(p.pid, record + v["seen.loop"])
        classes = [loop + v["loop.classes"] + i * v["sizeof.stack_class"] for i in range(v["count.classes"])]
        slab = next(s for s in (read(p.pid, c + v["stack_class.slabs"]) for c in classes) if s)
        block = read(p.pid, slab + v["slab.ramets"])
        stack = read(p.pid, block + v["ramet.context.sp"])
        # A stack full of nonsense, and one that calls itself for ever.
        write_memory(p.pid, stack, b"\x41" * 128)
        assert len(look(p.pid)["ramets"]) == 28
        # A stack pointer that points elsewhere.
        write_memory(p.pid, block + v["ramet.context.sp"], struct.pack("<Q", 16))
        matches("control block is damaged", by_name(look(p.pid))["mutex holder"]["no_stack"])
        # A list that goes round, and one that leads nowhere.
        write_memory(p.pid, slab + v["slab.next"], struct.pack("<Q", slab))
        seen = look(p.pid)
        matches("list of ramets .* cannot be read", seen["damage"])
        assert len(seen["ramets"]) == 28, len(seen["ramets"])
        write_memory(p.pid, slab + v["slab.ready"], struct.pack("<Q", 1 << 60))
        matches("list of ramets .* cannot be read", look(p.pid)["damage"])
        write_memory(p.pid, slab + v["slab.ramets"], struct.pack("<Q", 4096))
        seen = look(p.pid)
        matches("list of ramets .* cannot be read", seen["damage"])
        equal([r["name"] for r in seen["ramets"]], ["main"])
        write_memory(p.pid, record + v["seen.next"], struct.pack("<Q", 8))
        matches("cannot be read", look(p.pid)["damage"])
        # A later version.
        write_memory(p.pid, at + 8, struct.pack("<I", 99))
        refused("stacks", p.pid, why=r"has ramet \S+, whose map this command \(\S+\) cannot read; use the command ramet of")
        # None at all.
        write_memory(p.pid, at, b"x")
        refused("stacks", p.pid, why="does not use ramet")


@tap.test
def top_shows_everything_once():
    with waits() as p:
        fall_asleep(p.pid)
        out, err = ramet("top", "--once", p.pid)
        equal(err, "")
        lines = out.splitlines()
        matches(rf"^process {p.pid} \(waits\): 28 ramets, 1 loop, \d+ descriptors, ramet \S+$", lines[0])
        matches(rf"^thread {p.pid}: 28 ramets, 0 ready, asleep, lag 0 ms", lines[1])
        equal(lines[2].split(), ["ID>", "NAME", "STATE", "AGE", "STACK", "SWITCHES", "PARENT", "WAIT"])
        equal(len(lines), 31)
        matches(r"^ +3 mutex +waiting +\d+ ms +\d+ +1 +1 for mutex 0x\w+, held by ramet 2 \"mutex holder\"$", lines[5])
        sorted_names = [line.split()[1] for line in ramet("top", "--once", "--sort=name", p.pid)[0].splitlines()[3:]
                        if line.split()[1] != "-"]
        equal(sorted_names, sorted(sorted_names))
        equal(sorted_names[::-1], [line.split()[1] for line in ramet("top", "--once", "--sort=name", "--reverse", p.pid)[0]
                                   .splitlines()[3:] if line.split()[1] != "-"])
        equal(len(ramet("top", "--once", "--filter=RWLOCK", p.pid)[0].splitlines()), 5)
        tree = ramet("top", "--once", "--tree", p.pid)[0]
        matches(r"\n +1 main +waiting +\S+ \S+ +- +\d+ +- \S.*\n +2   mutex holder ", tree)
        matches(r"\n +20   group .*\n +23     - ", tree)
        equal(len(tree.splitlines()), 31)


class Screen:
    """`ramet top` on a terminal, of which the last picture is kept."""

    def __init__(self, *args):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(RAMET, [str(RAMET), *map(str, args)])
        self.resize(24, 100)
        self.raw = b""

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        if not select.select([self.fd], [], [], 0.1)[0]:
            return False
        try:
            got = os.read(self.fd, 1 << 16)
        except OSError:
            return False
        self.raw += got
        return bool(got)

    def picture(self):
        last = self.raw.rsplit(b"\x1b[H", 1)[-1].decode(errors="replace")
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", last).replace("\r", "")

    def until(self, pattern):
        end = time.monotonic() + LIMIT
        while not re.search(pattern, self.picture()):
            self.read()
            assert time.monotonic() < end, f"{pattern!r} is not in {self.picture()!r}"
        return self.picture()

    def press(self, keys, pattern):
        self.raw = b""
        os.write(self.fd, keys)
        return self.until(pattern)

    def end(self):
        """Returns its status."""
        end = time.monotonic() + LIMIT
        while True:
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self.read():
                    pass
                os.close(self.fd)
                return status
            assert time.monotonic() < end, "it does not end"


@tap.test
def top_is_driven_by_keys():
    if lacks_stacks():
        return lacks_stacks()
    with waits() as p:
        s = Screen("top", "--every=100", p.pid)
        shown = s.until(r"switches/s[^$]*28 shown")
        assert s.raw.startswith(b"\x1b[?1049h"), s.raw[:40]
        matches(r"ID> +NAME", shown)
        assert all(len(line) <= 100 for line in shown.split("\n")), shown
        assert len(shown.split("\n")) <= 24, shown
        s.press(b">", r"NAME>")
        s.press(b"\x1b[D", r"ID>")
        s.press(b"r", r"ID<")
        s.press(b"\x1b[H", r"WAIT\n +28 ")
        s.press(b"r", r"ID>")
        s.press(b"/rdlock\r", r"1 shown, filter: rdlock")
        s.press(b"\r", r"ramet \d+ \"rdlock\" waiting to read-lock[^$]*\n    ramet_rwlock_rdlock")
        s.press(b"\x1b/\x1b", r"28 shown")  # as fast as can be
        s.press(b"t", r"28 shown, tree")
        s.press(b"h", r"escape  back")
        s.press(b"h", r"28 shown, tree   h: help")
        s.press(b"\x1b[F", r"\n +\d+ [^\n]*\n28 shown")
        s.press(b" ", r"paused")
        s.press(b" ", r"tree   h")
        s.resize(10, 40)
        os.kill(s.pid, signal.SIGWINCH)
        s.raw = b""
        shown = s.until(r"28 shown")
        assert all(len(line) <= 40 for line in shown.split("\n")), shown
        assert len(shown.split("\n")) <= 10, shown
        os.write(s.fd, b"q")
        equal(s.end(), 0)
        assert s.raw.endswith(b"\x1b[?1049l"), s.raw[-40:]


@tap.test
def top_gives_the_terminal_back():
    with waits() as p:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            s = Screen("top", p.pid)
            before = termios.tcgetattr(s.fd)
            s.until("28 shown")
            assert not termios.tcgetattr(s.fd)[3] & termios.ICANON
            os.kill(s.pid, number)
            status = s.end()
            equal(os.WTERMSIG(status), number)
            assert b"\x1b[?1049l" in s.raw[-60:], s.raw[-60:]
            assert before[3] & termios.ICANON


@tap.test
def top_says_that_the_process_has_ended():
    with waits() as p:
        s = Screen("top", "--every=50", p.pid)
        s.until("28 shown")
        p.kill()
        p.wait()
        s.until("has ended; q: quit")
        os.write(s.fd, b"q")
        equal(os.waitstatus_to_exitcode(s.end()), 1)


@tap.test
def a_child_has_what_went_on_in_it():
    with waits("--fork") as p:
        child = int(re.search(r"child (\d+)", p.said)[1])
        equal(len(look(p.pid)["ramets"]), 28)
        seen = look(child)
        equal([r["name"] for r in seen["ramets"] if r["state"] != "ended"], ["main"])
        equal(seen["loops"][0]["thread"], child)


def child_of(parent):
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == parent:
                return int(stat.parent.name)
    raise AssertionError(f"{parent} has no child")


@tap.test
def threads_of_a_container_are_found():
    """It has numbers of its own for them."""
    unshare = ["unshare", "--pid", "--fork", "--kill-child"]
    if os.geteuid() != 0 or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        return "no PID namespace can be made"
    with running(*unshare, FOLDER / "waits") as p:
        pid = child_of(p.pid)
        fall_asleep(pid)
        seen = look(pid)
        equal(seen["loops"][0]["thread"], pid)
        assert "system_call" in seen["loops"][0], seen["loops"]
        matches(r"held by ramet 2", by_name(seen)["mutex"]["wait"]["text"])


@tap.test
def one_that_dies_is_survived():
    """Whenever it dies: the command ends by itself, and says so."""
    for delay in range(8):
        with waits("2000") as p:
            q = subprocess.Popen([RAMET, "stacks", "--json", str(p.pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            time.sleep(delay / 250)
            p.kill()
            p.wait()
            out, err = q.communicate(timeout=LIMIT)
            assert q.returncode in (0, 1), (q.returncode, err)
            assert q.returncode == 0 or err.startswith(b"ramet stacks: "), err
            if out:
                json.loads(out)


def tell(p, line):
    p.stdin.write(line + "\n")
    p.stdin.flush()
    return p.stdout.readline().rstrip("\n")


def is_survived(*args):
    """Whatever is said of it, in order."""
    p = subprocess.run([RAMET, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)
    assert p.returncode == 0 or (p.returncode, p.stdout) == (1, b"") and p.stderr.count(b"\n") == 1, (args, p)
    return p


@tap.test
def a_map_that_is_damaged_does_no_harm():
    with running(FOLDER / "damaged") as p:
        look(p.pid)
        refusals = 0
        for i in range(1000):
            name = tell(p, f"{i} 0xfffffff8")
            if name == "end":
                break
            refusals += is_survived("stacks", p.pid).returncode
            tell(p, f"{i} {2**19}")
            out = is_survived("top", "--once", "--json", p.pid).stdout
            if out:
                json.loads(out)
        assert i > 80 and refusals > 30, (i, refusals)
        look(p.pid)


@tap.test
def a_list_that_goes_round_is_read_once():
    with running(FOLDER / "damaged") as p:
        before = look(p.pid)
        equal(tell(p, "circle"), "set")
        after = look(p.pid)
        equal([len(seen[what]) for seen in (before, after) for what in ("loops", "ramets")], [1, 4, 1, 4])


@tap.test
def names_of_ramets_are_no_commands_to_terminals():
    with running(FOLDER / "damaged", encoding="latin-1") as p:
        equal(tell(p, "call a\x1b[b\x9bc\xc2\x9bd\xc3\xbce\x7f"), "set")
        for out in (ramet("stacks", p.pid)[0], ramet("top", "--once", p.pid)[0]):
            assert "a?[b?c??dü" + "e?" in out, out
        equal(json.loads(ramet("stacks", "--json", p.pid)[0])["ramets"][1]["name"], "a\x1b[b\ufffdc\x9bdüe\x7f")


@tap.test
def names_in_the_map_reach_no_terminal():
    with running(FOLDER / "damaged") as p:
        equal(tell(p, 'names "\033[2J\x01\\x'), "set")
        assert "\033" not in ramet("stacks", p.pid)[0]
        kinds = {r["wait"]["kind"] for r in look(p.pid)["ramets"] if "wait" in r}
        equal(kinds, {"??[2J??x"})
        assert "\033" not in ramet("trace", "--seconds=0.1", p.pid)[0]


PROGRAM = """
import sys
import ramet
from ramet.event import Event

def leaf(n):
    if n:
        leaf(n - 1)
    else:
        ramet.sleep(3600)

class Key:
    def __lt__(self, other):
        leaf(3)

def sorts():
    sorted([Key(), Key()])

def computes():
    print("ready", flush=True)
    while True:
        pass

ramet.spawn(sorts)
for i in range(3):
    ramet.spawn(Event().wait)
ramet.sleep(0.1)
computes()
"""


@tap.test
def python_shows_its_own_frames():
    why, python, env = looking.python(RAMET)
    if why or lacks_stacks():
        return why or lacks_stacks()
    with running(python, "-c", PROGRAM, env=os.environ | env) as p:
        seen = look(p.pid)
        names = [[f.get("function") for f in s["frames"] if f.get("language") == "python"] for s in seen["stacks"]]
        assert ["leaf", "leaf", "Key.__lt__", "sorts"] in names, names
        where = next(s for s, n in zip(seen["stacks"], names) if "sorts" in n)
        equal([f["line"] for f in where["frames"] if "language" in f], [10, 8, 14, 17])
        equal([f.get("times", 1) for f in where["frames"] if "language" in f], [1, 3, 1, 1])
        assert any("ramet_host_park" == f.get("function") for f in where["frames"]), where
        # One that runs, too: its frames are in memory.
        assert ["computes", "<module>"] in names, names
        out, _ = ramet("stacks", p.pid)
        matches(r"\n    leaf at <string>:10\n    leaf at <string>:8, 3 times\n    Key.__lt__ at <string>:14\n    sorts at <string>:17\n",
                out)
        matches(r"ramet \d+ \"Event.wait\" waiting for an event, for .*, spawned by ramet 1 at <module> at <string>:26\n", out)


@tap.test
def help_is_there():
    for name in ("stacks", "top"):
        matches(rf"^usage: ramet {name} ", ramet("help", name)[0])
        equal(ramet(name, "--help")[0], ramet("help", name)[0])
    matches(r"\n  stacks PID .*\n  top PID ", ramet("help")[0])


if __name__ == "__main__":
    sys.exit(tap.run(sys.argv[3:]))
